//! The score report generator's generated data. Low numbers are busy: user 1 has the most reports.

use super::model::scaled;
use crate::choices::SeedSize;
use crate::database::rows::{RowWriter, Table, draw, skewed};

/// The earliest time in the data: 2024-01-01 00:00 UTC.
const EPOCH_S: u64 = 1_704_067_200;
const YEAR_S: u64 = 365 * 86_400;

const REPORTS: u64 = 52;
const SECTIONS: u64 = 53;

/// The sections of every test, with their numbers of questions.
const TEST: [(&str, u64); 4] =
    [("reading", 52), ("writing", 44), ("mathematics", 58), ("mathematics without calculator", 20)];

/// How many rows each table has; a report has as many sections as a test.
#[derive(Debug, Clone, Copy)]
struct Counts {
    users: u64,
    reports: u64,
}

impl Counts {
    const fn of(size: SeedSize) -> Self {
        match size {
            SeedSize::Small => Self { users: 200, reports: 1_000 },
            SeedSize::Medium => Self { users: 5_000, reports: 20_000 },
            SeedSize::Large => Self { users: 50_000, reports: 200_000 },
        }
    }
}

/// The score report generator's tables with their rows.
pub(crate) fn tables(size: SeedSize) -> Vec<Table> {
    let counts = Counts::of(size);
    vec![
        Table {
            name: "score_users",
            columns: &["id", "email", "name"],
            rows: counts.users,
            row: Box::new(|row, out| {
                out.int(row).text(format!("student{row}@example.com")).text(format!("Student {row}"));
            }),
        },
        Table {
            name: "score_reports",
            columns: &["id", "user_id", "title", "taken_at"],
            rows: counts.reports,
            row: Box::new(move |row, out| report(row, &counts, out)),
        },
        Table {
            name: "score_sections",
            columns: &["id", "report_id", "name", "questions", "correct", "scaled"],
            rows: counts.reports * TEST.len() as u64,
            row: Box::new(section),
        },
    ]
}

fn report(row: u64, counts: &Counts, out: &mut RowWriter) {
    let user = skewed(draw(REPORTS, row, 1), counts.users, 2);
    out.int(row)
        .int(user)
        .text(format!("Practice test {}", 1 + draw(REPORTS, row, 2) % 12))
        .int(EPOCH_S + draw(REPORTS, row, 3) % YEAR_S);
}

fn section(row: u64, out: &mut RowWriter) {
    let (report, nth) = (1 + (row - 1) / TEST.len() as u64, (row - 1) % TEST.len() as u64);
    let (name, questions) = TEST[nth as usize];
    // The mean of three draws: most are in the middle.
    let correct = (0..3).map(|die| draw(SECTIONS, row, die) % (questions + 1)).sum::<u64>() / 3;
    let scaled = scaled(questions as i64, correct as i64).unsigned_abs();
    out.int(row).int(report).text(name).int(questions).int(correct).int(scaled);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sizes_are_those_that_the_documents_promise() {
        let rows = |size| -> Vec<u64> { tables(size).iter().map(|table| table.rows).collect() };
        assert_eq!(rows(SeedSize::Small), [200, 1_000, 4_000]);
        assert_eq!(rows(SeedSize::Medium), [5_000, 20_000, 80_000]);
        assert_eq!(rows(SeedSize::Large), [50_000, 200_000, 800_000]);
    }
}
