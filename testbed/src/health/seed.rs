//! The health system's generated data: patients with records of pulse, sleep and wellness, diagnoses,
//! recommendations in three languages, and feedback, most of it on a few recommendations.

use crate::choices::SeedSize;
use crate::database::rows::{RowWriter, Table, draw, skewed};

const EPOCH_S: u64 = 1_672_531_200;
const TWO_YEARS_S: u64 = 2 * 365 * 86_400;
const CONDITIONS: u64 = 20;
const TYPES: &[&str] = &["cold", "dry", "hot", "moist"];
const REMEDIES: &[(&str, &str, &str)] = &[
    ("Ginger", "زنجبیل", "زنجبيل"),
    ("Mint", "نعناع", "نعناع"),
    ("Saffron", "زعفران", "زعفران"),
    ("Chamomile", "بابونه", "بابونج"),
    ("Honey", "عسل", "عسل"),
    ("Thyme", "آویشن", "زعتر"),
    ("Walking", "پیاده‌روی", "المشي"),
    ("Early sleep", "خواب زود", "النوم المبكر"),
];

/// Table numbers of the draws.
const PATIENTS: u64 = 20;
const DIAGNOSES: u64 = 21;
const RECORDS: u64 = 22;
const RECOMMENDATIONS: u64 = 23;
const FEEDBACK: u64 = 24;

#[derive(Debug, Clone, Copy)]
struct Counts {
    patients: u64,
    records: u64,
    recommendations: u64,
    feedback: u64,
}

impl Counts {
    const fn of(size: SeedSize) -> Self {
        let scale = match size {
            SeedSize::Small => 1,
            SeedSize::Medium => 50,
            SeedSize::Large => 500,
        };
        Self { patients: 400 * scale, records: 3_000 * scale, recommendations: 500, feedback: 3_000 * scale }
    }
}

/// The health system's tables with their rows.
pub(crate) fn tables(size: SeedSize) -> Vec<Table> {
    let counts = Counts::of(size);
    vec![
        Table {
            name: "patients",
            columns: &["id", "name", "mizaj_type", "age"],
            rows: counts.patients,
            row: Box::new(|row, out| {
                out.int(row)
                    .text(format!("Patient {row}"))
                    .text(TYPES[(draw(PATIENTS, row, 1) % 4) as usize])
                    .int(18 + draw(PATIENTS, row, 2) % 70);
            }),
        },
        Table {
            name: "diagnoses",
            columns: &["id", "patient_id", "condition_id", "severity"],
            rows: counts.patients,
            row: Box::new(move |row, out| {
                out.int(row)
                    .int(1 + draw(DIAGNOSES, row, 1) % counts.patients)
                    .int(condition_of(draw(DIAGNOSES, row, 2)))
                    .int(1 + draw(DIAGNOSES, row, 3) % 5);
            }),
        },
        Table {
            name: "health_records",
            columns: &["id", "patient_id", "pulse", "sleep_minutes", "wellness", "created_at"],
            rows: counts.records,
            row: Box::new(move |row, out| record(row, &counts, out)),
        },
        Table {
            name: "recommendations",
            columns: &["id", "condition_id", "name_en", "name_fa", "name_ar", "effectiveness_score"],
            rows: counts.recommendations,
            row: Box::new(recommendation),
        },
        Table {
            name: "feedback",
            columns: &["id", "recommendation_id", "patient_id", "rating", "created_at"],
            rows: counts.feedback,
            row: Box::new(move |row, out| {
                out.int(row)
                    .int(skewed(draw(FEEDBACK, row, 1), counts.recommendations, 2))
                    .int(1 + draw(FEEDBACK, row, 2) % counts.patients)
                    .int(6 - skewed(draw(FEEDBACK, row, 3), 5, 2))
                    .int(EPOCH_S + draw(FEEDBACK, row, 4) % TWO_YEARS_S);
            }),
        },
    ]
}

fn record(row: u64, counts: &Counts, out: &mut RowWriter) {
    out.int(row)
        .int(1 + draw(RECORDS, row, 1) % counts.patients)
        .int(50 + draw(RECORDS, row, 2) % 60)
        .int(240 + draw(RECORDS, row, 3) % 360)
        .int(draw(RECORDS, row, 4) % 101)
        .int(EPOCH_S + draw(RECORDS, row, 5) % TWO_YEARS_S);
}

fn recommendation(row: u64, out: &mut RowWriter) {
    let (en, fa, ar) = REMEDIES[(draw(RECOMMENDATIONS, row, 1) % REMEDIES.len() as u64) as usize];
    out.int(row)
        .int(condition_of(draw(RECOMMENDATIONS, row, 2)))
        .text(format!("{en} {row}"))
        .text(format!("{fa} {row}"))
        .text(format!("{ar} {row}"))
        .int(draw(RECOMMENDATIONS, row, 3) % 1_001);
}

const fn condition_of(draw: u64) -> u64 {
    1 + draw % CONDITIONS
}
