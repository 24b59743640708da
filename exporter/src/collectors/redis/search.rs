//! The indexes of a search module, from `FT._LIST` and one `FT.INFO` each, under redis_exporter's names.
//!
//! A cache that is looked up by meaning is such an index. Only servers that list the module `search` are
//! asked: others would count an error. The indexes are those that the module's option names by patterns,
//! at most as many as it allows names.

use std::time::Instant;

use hitmark_schema::exposition::Family;
use hitmark_schema::metrics::{self as m, Metric};

use super::fields::number;
use super::{RedisCollector, census, left, pairs_of};
use crate::collectors::Collected;
use crate::failure::Failure;
use crate::redis_client::{Command, Reply};

const MEBIBYTE: f64 = 1_048_576.0;

/// Attribute, metric, what it is multiplied with.
const ATTRIBUTES: &[(&str, Metric, f64)] = &[
    ("num_docs", m::REDIS_INDEX_DOCUMENTS, 1.0),
    ("max_doc_id", m::REDIS_INDEX_MAX_ID, 1.0),
    ("num_terms", m::REDIS_INDEX_TERMS, 1.0),
    ("num_records", m::REDIS_INDEX_RECORDS, 1.0),
    ("inverted_sz_mb", m::REDIS_INDEX_INVERTED, MEBIBYTE),
    ("total_inverted_index_blocks", m::REDIS_INDEX_BLOCKS, 1.0),
    ("vector_index_sz_mb", m::REDIS_INDEX_VECTORS, MEBIBYTE),
    ("offset_vectors_sz_mb", m::REDIS_INDEX_OFFSETS, MEBIBYTE),
    ("doc_table_size_mb", m::REDIS_INDEX_TABLE, MEBIBYTE),
    ("sortable_values_size_mb", m::REDIS_INDEX_SORTABLE, MEBIBYTE),
    ("key_table_size_mb", m::REDIS_INDEX_KEYS, MEBIBYTE),
    ("tag_overhead_sz_mb", m::REDIS_INDEX_TAGS, MEBIBYTE),
    ("text_overhead_sz_mb", m::REDIS_INDEX_TEXTS, MEBIBYTE),
    ("geoshapes_sz_mb", m::REDIS_INDEX_SHAPES, MEBIBYTE),
    ("total_index_memory_sz_mb", m::REDIS_INDEX_MEMORY, MEBIBYTE),
    ("records_per_doc_avg", m::REDIS_INDEX_PER_DOCUMENT, 1.0),
    ("bytes_per_record_avg", m::REDIS_INDEX_PER_RECORD, 1.0),
    ("offsets_per_term_avg", m::REDIS_INDEX_PER_TERM, 1.0),
    ("offset_bits_per_record_avg", m::REDIS_INDEX_OFFSET_BITS, 1.0),
    ("indexing", m::REDIS_INDEX_BUILDING, 1.0),
    ("percent_indexed", m::REDIS_INDEX_PROGRESS, 1.0),
    ("hash_indexing_failures", m::REDIS_INDEX_FAILURES, 1.0),
    ("number_of_uses", m::REDIS_INDEX_USES, 1.0),
    ("cleaning", m::REDIS_INDEX_CLEANING, 1.0),
];

/// Whether the server has loaded a search module.
pub(super) fn is_there(info: &str) -> bool {
    info.lines().any(|line| line.starts_with("module:name=search,"))
}

impl RedisCollector {
    /// Asks which indexes there are, then about those that are wanted.
    pub(super) async fn search_indexes(
        &self,
        deadline: Instant,
        collected: &mut Collected,
    ) -> Result<(), Failure> {
        let listed = self.client.ask(&[&["FT._LIST"]], left(deadline)).await?;
        let names = wanted(listed.first(), &self.options.search_indexes, self.options.names_max);
        if names.is_empty() {
            return Ok(());
        }
        let questions: Vec<[&str; 2]> = names.iter().map(|name| ["FT.INFO", *name]).collect();
        let commands: Vec<Command<'_>> = questions.iter().map(<[&str; 2]>::as_slice).collect();
        let replies = self.client.ask(&commands, left(deadline)).await?;
        collected.families.extend(parse(&names, &replies));
        Ok(())
    }
}

/// The indexes that the patterns name, the first by name if there are too many.
fn wanted<'a>(listed: Option<&'a Reply>, patterns: &[String], names_max: usize) -> Vec<&'a str> {
    let Some(Reply::List(listed)) = listed else { return Vec::new() };
    let names = listed.iter().filter_map(|name| match name {
        Reply::Text(name) => Some(name.as_str()),
        _ => None,
    });
    let is_wanted = |name: &&str| patterns.iter().any(|pattern| census::is_match(pattern, name));
    let mut names: Vec<&str> = names.filter(is_wanted).collect();
    names.sort_unstable();
    names.truncate(names_max);
    names
}

/// Reads one reply for each index. Pure and total.
fn parse(names: &[&str], replies: &[Reply]) -> Vec<Family> {
    let mut families: Vec<Family> = ATTRIBUTES.iter().map(|(_, metric, _)| Family::new(*metric)).collect();
    for (name, reply) in names.iter().zip(replies) {
        for (attribute, value) in pairs_of(reply) {
            let Reply::Text(attribute) = attribute else { continue };
            let value = match value {
                Reply::Int(value) => Some(*value as f64),
                Reply::Text(text) => number(text),
                _ => None,
            };
            let place = ATTRIBUTES.iter().position(|(known, ..)| known == attribute);
            if let (Some(place), Some(value)) = (place, value) {
                families[place].push(&[("index_name", name)], value * ATTRIBUTES[place].2);
            }
        }
    }
    families
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Reply {
        Reply::Text(text.to_owned())
    }

    #[test]
    fn only_a_server_with_the_module_is_asked() {
        assert!(is_there("redis_version:8.2.3\r\nmodule:name=search,ver=21005,api=1\r\n"));
        assert!(!is_there("redis_version:8.2.3\r\nmodule:name=searchlight,ver=1\r\n"));
    }

    #[test]
    fn patterns_choose_and_the_number_of_names_is_bounded() {
        let listed = Reply::List(["b:2", "a:1", "b:1", "c"].map(text).into());
        let patterns = ["a:1".to_owned(), "b:*".to_owned()];
        assert_eq!(wanted(Some(&listed), &patterns, 10), ["a:1", "b:1", "b:2"]);
        assert_eq!(wanted(Some(&listed), &patterns, 2), ["a:1", "b:1"]);
        assert_eq!(wanted(Some(&Reply::Nil), &patterns, 2), [""; 0]);
    }

    #[test]
    fn sizes_are_bytes_and_what_is_no_number_is_left_out() {
        let reply = Reply::List(vec![
            text("num_docs"),
            text("3"),
            text("total_index_memory_sz_mb"),
            text("0.5"),
            text("number_of_uses"),
            Reply::Int(2),
            text("offsets_per_term_avg"),
            text("nan"),
            text("attributes"),
            Reply::List(Vec::new()),
        ]);
        let mut page = String::new();
        hitmark_schema::exposition::encode(&parse(&["i"], &[reply]), &mut page);
        let samples: Vec<&str> = page.lines().filter(|line| !line.starts_with('#')).collect();
        let wanted = [
            "redis_search_index_num_docs{index_name=\"i\"} 3",
            "redis_search_index_total_index_memory_size_bytes{index_name=\"i\"} 524288",
            "redis_search_index_number_of_uses_total{index_name=\"i\"} 2",
        ];
        assert_eq!(samples, wanted);
    }
}
