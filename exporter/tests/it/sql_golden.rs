//! Answers captured from real databases become exactly the pages that are checked in.
//!
//! `BLESS=1` writes the pages anew; the difference is then for a person to read.

use std::fs;
use std::path::{Path, PathBuf};

use hitmark_exporter::collectors::{mysql, postgres};
use hitmark_exporter::sql::Answer;
use hitmark_schema::exposition::{Family, encode};
use hitmark_schema::metrics::{MYSQL, MYSQL_KEPT, Metric, POSTGRES, POSTGRES_KEPT};

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(path)
}

fn answer(server: &str, name: &str) -> Answer {
    Answer::from_tsv(&fs::read_to_string(here(&format!("fixtures/{server}/{name}.tsv"))).unwrap())
}

fn of_postgres(server: &str) -> Vec<Family> {
    let answer = |name| answer(server, name);
    postgres::parse(&postgres::Answers {
        server: answer("server"),
        databases: answer("databases"),
        activity: answer("activity"),
        locks: answer("locks"),
        replicas: answer("replicas"),
        slots: answer("slots"),
        wal: answer("wal"),
        writer: answer("writer"),
        sizes: answer("sizes"),
        statements: answer("statements"),
        texts: answer("texts"),
        tables: answer("tables"),
        indexes: answer("indexes"),
    })
    .unwrap()
}

fn of_mysql(server: &str) -> Vec<Family> {
    let answer = |name| answer(server, name);
    mysql::parse(&answer("server"), &answer("status"), &answer("digests"), &answer("texts")).unwrap()
}

fn page(families: &[Family]) -> String {
    let mut page = String::new();
    encode(families, &mut page);
    page
}

fn check(families: &[Family], registry: &[Metric], kept: &[&str], golden: &str) {
    for family in families {
        assert!(registry.contains(&family.metric), "{} is not in the registry", family.metric.name);
        for sample in &family.samples {
            let labels: Vec<&str> = sample.labels.iter().map(|(name, _)| *name).collect();
            assert_eq!(labels, family.metric.labels, "{}", family.metric.name);
        }
    }
    let (path, page) = (here(&format!("golden/{golden}.prom")), page(families));
    assert!(!page.contains("hunter2"), "literals never leave");
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, &page).unwrap();
    }
    assert_eq!(page, fs::read_to_string(&path).unwrap(), "BLESS=1 writes the page anew");
    let Err(error) = hitmark_testkit::promtool_with_input(["check", "metrics"], &page) else { return };
    for line in error.to_string().lines().skip(1).filter(|line| !line.trim().is_empty()) {
        let name = line.split_whitespace().next().unwrap();
        assert!(kept.contains(&name), "{line}");
    }
}

/// 13 has the oldest columns, 15 is Debian's, 17 moved checkpoints and renamed the times of blocks.
#[test]
fn the_answers_of_postgres_become_the_pages_that_are_checked_in() {
    for server in ["postgres-13", "postgres-15", "postgres-17"] {
        check(&of_postgres(server), POSTGRES, POSTGRES_KEPT, server);
    }
}

/// `tests/fixtures/postgres_exporter-0.20.txt` holds name, type and labels as postgres_exporter has them.
#[test]
fn names_types_and_labels_are_those_of_postgres_exporter() {
    let list = fs::read_to_string(here("fixtures/postgres_exporter-0.20.txt")).unwrap();
    assert!(list.lines().count() > 80);
    for line in list.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let ours = POSTGRES.iter().find(|metric| metric.name == words[0]);
        let ours = ours.unwrap_or_else(|| panic!("{} is gone", words[0]));
        assert_eq!((ours.kind.as_str(), ours.labels.join(",").as_str()), (words[1], words[2]), "{line}");
    }
    // Each name of the list is on a page of one of the versions.
    let pages = ["postgres-13", "postgres-17"].map(|server| page(&of_postgres(server)));
    for name in list.lines().filter_map(|line| line.split(' ').next()) {
        let has = |page: &String| page.contains(&format!("# TYPE {name} "));
        assert!(NOT_ON_PAGES.contains(&name) || pages.iter().any(has), "{name} is on no page");
    }
}

/// What is told by the verdict of a scrape, what needs a server that archives, and what needs a replica
/// that replays (`postgres_replication.rs`): the one of the kept answers only stores the log.
const NOT_ON_PAGES: [&str; 4] = [
    "pg_up",
    "pg_exporter_last_scrape_error",
    "pg_stat_archiver_last_archive_age",
    "pg_stat_replication_pg_wal_lsn_diff",
];

#[test]
fn the_answers_of_mysql_and_mariadb_become_the_pages_that_are_checked_in() {
    for server in ["mariadb-10.11", "mariadb-11.8", "mysql-9.7"] {
        check(&of_mysql(server), MYSQL, MYSQL_KEPT, server);
    }
}
