//! The incident service's generated data. Low numbers are busy: store 1 has the most incidents.

use super::model::ROLES;
use crate::choices::SeedSize;
use crate::database::rows::{RowWriter, Table, draw, skewed};

/// The earliest time in the data: 2024-01-01 00:00 UTC.
const EPOCH_S: u64 = 1_704_067_200;
const YEAR_S: u64 = 365 * 86_400;

const STORES: u64 = 41;
const USERS: u64 = 42;
const INCIDENTS: u64 = 43;

const REGIONS: [&str; 6] = ["north", "south", "east", "west", "centre", "islands"];
const TOWNS: [&str; 8] =
    ["Harbour", "Market", "Station", "Riverside", "Hill", "Old Town", "Airport", "University"];
const KINDS: [&str; 6] = ["slip", "theft", "equipment", "spill", "complaint", "injury"];
const STATUSES: [&str; 4] = ["closed", "closed", "investigating", "open"];
const FINDINGS: [&str; 8] = [
    "The floor was wet after cleaning and no sign had been put up.",
    "The camera over the till showed two people leaving by the side door.",
    "The compressor had been reported twice in the month before.",
    "A pallet had been left in the aisle during opening hours.",
    "The customer was offered help and declined an ambulance.",
    "The shelf had been loaded above the weight that its label gives.",
    "Staff closed the area within ten minutes and called the manager.",
    "The same lock was replaced in spring and failed again.",
];

/// How many rows each table has.
#[derive(Debug, Clone, Copy)]
struct Counts {
    stores: u64,
    users: u64,
    incidents: u64,
}

impl Counts {
    const fn of(size: SeedSize) -> Self {
        match size {
            SeedSize::Small => Self { stores: 20, users: 400, incidents: 2_000 },
            SeedSize::Medium => Self { stores: 500, users: 10_000, incidents: 60_000 },
            SeedSize::Large => Self { stores: 5_000, users: 100_000, incidents: 600_000 },
        }
    }
}

/// The incident service's tables with their rows.
pub(crate) fn tables(size: SeedSize) -> Vec<Table> {
    let counts = Counts::of(size);
    vec![
        Table {
            name: "incident_stores",
            columns: &["id", "name", "region", "opened_at"],
            rows: counts.stores,
            row: Box::new(store),
        },
        Table {
            name: "incident_users",
            columns: &["id", "username", "email", "store_id", "role"],
            rows: counts.users,
            row: Box::new(move |row, out| user(row, &counts, out)),
        },
        Table {
            name: "incidents",
            columns: &[
                "id",
                "store_id",
                "store_name",
                "user_id",
                "kind",
                "severity",
                "status",
                "title",
                "details",
                "created_at",
            ],
            rows: counts.incidents,
            row: Box::new(move |row, out| incident(row, &counts, out)),
        },
    ]
}

fn store(row: u64, out: &mut RowWriter) {
    out.int(row)
        .text(store_name(row))
        .text(pick(&REGIONS, draw(STORES, row, 2)))
        .int(EPOCH_S - draw(STORES, row, 3) % (10 * YEAR_S));
}

/// Users 1 to 4 have one role each, so that tests and examples can name them.
fn user(row: u64, counts: &Counts, out: &mut RowWriter) {
    let role = match (row, draw(USERS, row, 1) % 20) {
        (1..=4, _) => ROLES[row as usize - 1],
        (_, 0) => "manager",
        (_, 1) => "auditor",
        (_, 2) => "guest",
        _ => "staff",
    };
    let store = if row <= 4 { 1 } else { 1 + (row - 1) % counts.stores };
    out.int(row).text(format!("staff{row}")).text(format!("staff{row}@example.com")).int(store).text(role);
}

fn incident(row: u64, counts: &Counts, out: &mut RowWriter) {
    let store = skewed(draw(INCIDENTS, row, 1), counts.stores, 2);
    let kind = pick(&KINDS, draw(INCIDENTS, row, 2));
    let details: Vec<&str> = (0..3 + draw(INCIDENTS, row, 6) % 6)
        .map(|nth| pick(&FINDINGS, draw(INCIDENTS, row, 10 + nth)))
        .collect();
    out.int(row)
        .int(store)
        .text(store_name(store))
        .int(1 + draw(INCIDENTS, row, 3) % counts.users)
        .text(kind)
        .int(skewed(draw(INCIDENTS, row, 4), 5, 2))
        .text(pick(&STATUSES, draw(INCIDENTS, row, 5)))
        .text(format!("{kind} at {} #{row}", store_name(store)))
        .text(details.join(" "))
        .int(EPOCH_S + draw(INCIDENTS, row, 7) % YEAR_S);
}

fn store_name(store: u64) -> String {
    format!("{} {store}", pick(&TOWNS, draw(STORES, store, 1)))
}

const fn pick(words: &[&'static str], draw: u64) -> &'static str {
    words[(draw % words.len() as u64) as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sizes_are_those_that_the_documents_promise() {
        let rows = |size| -> Vec<u64> { tables(size).iter().map(|table| table.rows).collect() };
        assert_eq!(rows(SeedSize::Small), [20, 400, 2_000]);
        assert_eq!(rows(SeedSize::Medium), [500, 10_000, 60_000]);
        assert_eq!(rows(SeedSize::Large), [5_000, 100_000, 600_000]);
    }
}
