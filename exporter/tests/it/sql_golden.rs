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

fn postgres_15() -> Vec<Family> {
    let answer = |name| answer("postgres-15", name);
    postgres::parse(&postgres::Answers {
        server: answer("server"),
        databases: answer("databases"),
        activity: answer("activity"),
        locks: answer("locks"),
        replicas: answer("replicas"),
        statements: answer("statements"),
        texts: answer("texts"),
        tables: answer("tables"),
        indexes: answer("indexes"),
    })
    .unwrap()
}

fn mariadb_10_11() -> Vec<Family> {
    let answer = |name| answer("mariadb-10.11", name);
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

#[test]
fn the_answers_of_postgres_15_become_the_page_that_is_checked_in() {
    check(&postgres_15(), POSTGRES, POSTGRES_KEPT, "postgres-15");
}

#[test]
fn the_answers_of_mariadb_10_11_become_the_page_that_is_checked_in() {
    check(&mariadb_10_11(), MYSQL, MYSQL_KEPT, "mariadb-10.11");
}
