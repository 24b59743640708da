//! Which file may know which library: a library that only one file names can be replaced in one file.

use super::Violation;
use super::source;
use crate::repository::File;

/// A library and the only sources that may name it: files, or directories, which end in `/`. Tests,
/// benches and the testkit are free.
struct Secret {
    library: &'static str,
    known_to: &'static [&'static str],
}

impl Secret {
    fn is_known_to(&self, path: &str) -> bool {
        self.known_to
            .iter()
            .any(|known| if known.ends_with('/') { path.starts_with(known) } else { path == *known })
    }
}

const SECRETS: &[Secret] = &[
    Secret { library: "prometheus", known_to: &["exporter/src/exposition.rs", "exporter/benches/encode.rs"] },
    Secret { library: "goose", known_to: &["loadtests/src/attack.rs"] },
    Secret {
        library: "redis",
        known_to: &[
            "cache/src/backend/redis/",
            "exporter/src/redis_client.rs",
            "exporter/src/redis_client/",
            "testbed/src/admin/server.rs",
            "testbed/src/redis_link.rs",
            "testbed/src/sessions/redis_store.rs",
            "testbed/src/tasks/server.rs",
        ],
    },
    Secret {
        library: "tokio_rustls",
        known_to: &[
            "exporter/src/page_tls.rs",
            "exporter/src/tls.rs",
            "exporter/src/tls/",
            "exporter/src/web.rs",
            "exporter/src/web/",
            "loadtests/src/transport/",
        ],
    },
    Secret { library: "lz4_flex", known_to: &["cache/src/wire/compression.rs"] },
    Secret {
        library: "mysql_async",
        known_to: &["exporter/src/mysql_client.rs", "exporter/src/mysql_client/"],
    },
    Secret { library: "quick_cache", known_to: &["cache/src/backend/memory/"] },
    Secret { library: "object_store", known_to: &["testbed/src/cdn/"] },
    Secret { library: "rusqlite", known_to: &["cache/src/backend/sqlite/"] },
    Secret {
        library: "tokio_postgres",
        known_to: &["exporter/src/postgres_client.rs", "exporter/src/postgres_client/"],
    },
];

pub(super) fn check(files: &[File]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in files.iter().filter(|file| file.is_rust_source() && !file.path.starts_with("testkit/")) {
        let code = source::without_tests(&source::code(file.text()));
        for secret in SECRETS.iter().filter(|secret| !secret.is_known_to(&file.path)) {
            for line in mentions(&code, secret.library) {
                let rule =
                    format!("only {} may name the library {}", secret.known_to.join(" and "), secret.library);
                violations.push(Violation::new(&file.path, line, rule));
            }
        }
    }
    violations
}

/// The lines that name the library: a path that begins with it. Nothing if the file has a module of
/// that name in scope, since the name then means the module.
fn mentions(code: &str, library: &str) -> Vec<usize> {
    if has_module(code, library) {
        return Vec::new();
    }
    source::words(code)
        .filter(|word| word.text == library)
        .filter(|word| !is_inside_path(&code[..word.start]))
        .filter(|word| {
            let rest = &code[word.start + library.len()..];
            let is_imported =
                code[..word.start].trim_end().ends_with("use") && rest.trim_start().starts_with([';', ' ']);
            rest.starts_with("::") || is_imported
        })
        .map(|word| source::line_at(code, word.start))
        .collect()
}

/// The word after this text is a later part of a path: `crate::` before it, but not `::` alone.
fn is_inside_path(before: &str) -> bool {
    before
        .strip_suffix("::")
        .is_some_and(|before| before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '>'))
}

/// The file declares `mod <name>`, or imports a module `<name>` from elsewhere.
fn has_module(code: &str, name: &str) -> bool {
    let words: Vec<_> = source::words(code).collect();
    let declares = words.windows(2).any(|pair| pair[0].text == "mod" && pair[1].text == name);
    let is_use = |statement: &str| source::words(statement).any(|word| word.text == "use");
    let imports = code.split(';').filter(|statement| is_use(statement)).any(|statement| {
        source::words(statement).any(|word| {
            let before = &statement[..word.start];
            let after = statement[word.start + name.len().min(word.text.len())..].trim_start();
            word.text == name && before.contains("::") && (after.is_empty() || after.starts_with([',', '}']))
        })
    });
    declares || imports
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        check(&[File::of(path, text)]).iter().map(|violation| violation.line).collect()
    }

    #[test]
    fn a_library_named_outside_its_file_is_reported_where_it_is_named() {
        let text = "//! About redis::Client.\nuse redis::Client;\nfn a() -> redis::Value { ::redis::x(\"redis::y\") }\n";
        assert_eq!(lines("cache/src/layer.rs", text), [2, 3, 3]);
        assert_eq!(lines("src/a.rs", "use prometheus;\nuse goose::prelude::*;\n"), [1, 2]);
    }

    #[test]
    fn the_files_that_may_know_a_library_and_tests_are_free() {
        let text = "use redis::Client;\n";
        for path in [
            "cache/src/backend/redis/link.rs",
            "exporter/src/redis_client.rs",
            "cache/tests/a.rs",
            "testkit/src/a.rs",
        ] {
            assert!(lines(path, text).is_empty(), "{path}");
        }
        assert!(
            lines("cache/src/layer.rs", "#[cfg(test)]\nmod tests {\n    use redis::Client;\n}\n").is_empty()
        );
    }

    #[test]
    fn a_module_of_the_same_name_is_not_the_library() {
        for text in [
            "mod redis;\npub use redis::RedisBackend;\n",
            "use hitmark_schema::metrics::redis;\nfn a() { redis::NAMES; }\n",
            "use hitmark_schema::metrics::{cache, redis};\nfn a() { redis::NAMES; }\n",
            "use crate::backend::redis::RedisBackend;\n",
            "fn a() { let my_redis::X = super::redis::Y; }\n",
        ] {
            assert!(lines("cache/src/layer.rs", text).is_empty(), "{text}");
        }
    }
}
