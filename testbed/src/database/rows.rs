//! Generated rows: a table says how row number n looks, and the loader writes them all, many to a
//! statement.
//!
//! Every value is a pure function of table, row number and column ([`draw`]), so any row can be
//! made alone, the data are the same on every machine and database, and no state of a generator
//! decides them.

use std::sync::Arc;

use sqlx::any::AnyArguments;
use sqlx::error::BoxDynError;
use sqlx::{Any, AnyConnection, AssertSqlSafe};

/// Values in one statement, far below the limits of 32,766 and 65,535. Neither database gained from more.
const PARAMETERS_MAX: usize = 1_024;

/// One table and its rows, numbered from 1.
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) columns: &'static [&'static str],
    pub(crate) rows: u64,
    pub(crate) row: WriteRow,
}

/// Writes the row of a number, column by column.
pub(crate) type WriteRow = Box<dyn Fn(u64, &mut RowWriter) + Send + Sync>;

/// Collects the values of one statement.
#[derive(Default)]
pub(crate) struct RowWriter {
    arguments: AnyArguments,
    error: Option<BoxDynError>,
}

impl RowWriter {
    /// A whole number; 0 or 1 for a truth value; seconds for a time; cents for money.
    pub(crate) fn int(&mut self, value: u64) -> &mut Self {
        // Generated values are far below the limit of a signed number.
        self.add(value as i64)
    }

    pub(crate) fn text(&mut self, value: impl Into<String>) -> &mut Self {
        self.add(value.into())
    }

    pub(crate) fn real(&mut self, value: f64) -> &mut Self {
        self.add(value)
    }

    fn add<T: for<'q> sqlx::Encode<'q, Any> + sqlx::Type<Any>>(&mut self, value: T) -> &mut Self {
        if let Err(error) = sqlx::Arguments::add(&mut self.arguments, value) {
            self.error.get_or_insert(error);
        }
        self
    }
}

/// A uniform 64-bit draw for one cell: SplitMix64's finaliser over table, row and column
/// (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
pub(crate) const fn draw(table: u64, row: u64, column: u64) -> u64 {
    let mut x = row
        .wrapping_mul(0x9E37_79B9_7F4A_7C15)
        .wrapping_add(table.wrapping_mul(0xD1B5_4A32_D192_ED03))
        .wrapping_add(column.wrapping_mul(0x8CB9_2BA7_2F3D_8DD7));
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// A draw as a fraction in `[0, 1)`.
pub(crate) fn fraction(draw: u64) -> f64 {
    (draw >> 11) as f64 / (1_u64 << 53) as f64
}

/// A number from `1..=n`, low ones more often: the share of the first r is (r/n)^(1/power).
///
/// Multiplication alone, so that the result is the same on every machine.
pub(crate) fn skewed(draw: u64, n: u64, power: u32) -> u64 {
    let x = fraction(draw);
    let skewed = (0..power).fold(1.0, |product, _| product * x);
    1 + ((n as f64 * skewed) as u64).min(n - 1)
}

/// Writes all rows of a table on one connection, and tells how many are done after each statement.
pub(crate) async fn load(
    connection: &mut AnyConnection,
    table: &Table,
    mut done: impl FnMut(u64),
) -> sqlx::Result<()> {
    let per_statement = (PARAMETERS_MAX / table.columns.len()).max(1) as u64;
    // To SQLite `$1` is a name, which it looks for among all names of the statement: the time for a value
    // would grow with their number.
    let sign = if connection.backend_name() == "SQLite" { Placeholder::Plain } else { Placeholder::Numbered };
    let full: Arc<str> = insert_sql(table, per_statement, sign).into();
    let mut first = 1;
    while first <= table.rows {
        let count = per_statement.min(table.rows - first + 1);
        let sql =
            if count == per_statement { Arc::clone(&full) } else { insert_sql(table, count, sign).into() };
        let mut writer = RowWriter::default();
        for row in first..first + count {
            (table.row)(row, &mut writer);
        }
        if let Some(error) = writer.error {
            return Err(sqlx::Error::Encode(error));
        }
        // The text holds table and column names of this crate and placeholders, nothing else.
        sqlx::query_with(AssertSqlSafe(sql), writer.arguments).execute(&mut *connection).await?;
        first += count;
        done(first - 1);
    }
    Ok(())
}

/// How a statement marks the place of a value.
#[derive(Debug, Clone, Copy)]
enum Placeholder {
    /// `?`
    Plain,
    /// `$1`
    Numbered,
}

/// `INSERT INTO t (a, b) VALUES ($1, $2), ($3, $4)`.
fn insert_sql(table: &Table, rows: u64, sign: Placeholder) -> String {
    let width = table.columns.len();
    let mut sql = format!("INSERT INTO {} ({}) VALUES ", table.name, table.columns.join(", "));
    for row in 0..rows as usize {
        for column in 0..width {
            sql.push_str(match (row, column) {
                (0, 0) => "(",
                (_, 0) => "), (",
                _ => ", ",
            });
            match sign {
                Placeholder::Plain => sql.push('?'),
                Placeholder::Numbered => sql.push_str(&format!("${}", row * width + column + 1)),
            }
        }
    }
    sql.push(')');
    sql
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_holds_its_rows_and_numbers_its_placeholders() {
        let table = Table { name: "t", columns: &["a", "b"], rows: 2, row: Box::new(|_, _| {}) };
        let numbered = insert_sql(&table, 2, Placeholder::Numbered);
        assert_eq!(numbered, "INSERT INTO t (a, b) VALUES ($1, $2), ($3, $4)");
        let plain = insert_sql(&table, 2, Placeholder::Plain);
        assert_eq!(plain, "INSERT INTO t (a, b) VALUES (?, ?), (?, ?)");
    }

    #[test]
    fn draws_are_fixed_for_ever_and_differ_by_every_coordinate() {
        // Worked out apart from this code. A change here is a new revision of all data.
        assert_eq!(draw(1, 1, 1), 0xEAC6_2863_2C75_8D58);
        let cells = [draw(1, 1, 1), draw(2, 1, 1), draw(1, 2, 1), draw(1, 1, 2)];
        for (place, cell) in cells.iter().enumerate() {
            assert!(!cells[..place].contains(cell));
        }
    }

    #[test]
    fn a_skewed_number_stays_in_its_range_and_prefers_the_low_end() {
        assert_eq!(skewed(0, 10, 3), 1);
        assert_eq!(skewed(u64::MAX, 10, 3), 10);
        assert_eq!(skewed(u64::MAX, 1, 3), 1);
        let in_first_tenth = (0..10_000).filter(|row| skewed(draw(9, *row, 0), 1_000, 3) <= 100).count();
        // The share of the first tenth is the cube root of a tenth.
        assert!((4_500..4_800).contains(&in_first_tenth), "{in_first_tenth}");
    }
}
