//! The file of exporter-toolkit (`docs/web-configuration.md` there): two sections of names and texts.
//!
//! The form is YAML, of which such files use sections, names, plain and quoted texts and comments;
//! that much is read here and anything else is a mistake with its line, never guessed at. Lines are
//! not quoted in mistakes, since they may hold a hash of a password.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use super::{Passwords, Web};
use crate::tls::{certificates, private_key};

/// The largest file that is read.
const LEN_MAX: u64 = 1 << 20;
/// Most users.
const USERS_MAX: usize = 1_000;

/// One `name: text` with its section and line.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    line: usize,
    section: String,
    name: String,
    text: String,
}

/// `tls_server_config`, not yet checked.
#[derive(Debug, Default)]
struct Tls {
    given: bool,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    authority: Option<PathBuf>,
    clients: Clients,
    only_tls13: bool,
}

/// Whether clients show a certificate.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Clients {
    #[default]
    Unasked,
    CheckedIfGiven,
    Checked,
}

pub(super) fn read(path: &Path) -> Result<Web, Vec<String>> {
    let failed = |text: String| vec![text];
    match std::fs::metadata(path) {
        Ok(meta) if meta.len() > LEN_MAX => return Err(failed("is larger than 1 MiB".to_owned())),
        Ok(_) => {}
        Err(error) => return Err(failed(format!("cannot be read: {error}"))),
    }
    let text = std::fs::read_to_string(path).map_err(|error| failed(format!("cannot be read: {error}")))?;
    interpret(&text, path.parent().unwrap_or(Path::new("")))
}

/// Paths in the file are relative to its folder.
fn interpret(text: &str, folder: &Path) -> Result<Web, Vec<String>> {
    let (entries, mut mistakes) = entries(text);
    let (mut tls, mut users) = (Tls::default(), Vec::new());
    for entry in entries {
        let wrong = match entry.section.as_str() {
            "tls_server_config" => tls.set(&entry, folder),
            "basic_auth_users" if users.len() >= USERS_MAX => Some("more than 1000 users"),
            "basic_auth_users" if !is_bcrypt(&entry.text) => Some("the password is no bcrypt hash"),
            "basic_auth_users" => {
                users.push((entry.name, entry.text));
                None
            }
            // HTTP/1.1 is all that we speak, so both values are honoured.
            "http_server_config" if entry.name == "http2" => None,
            _ => Some("unknown; known are tls_server_config and basic_auth_users"),
        };
        mistakes.extend(wrong.map(|text| format!("line {}: {text}", entry.line)));
    }
    let tls = tls.build().unwrap_or_else(|text| {
        mistakes.push(format!("tls_server_config: {text}"));
        None
    });
    if mistakes.is_empty() { Ok(Web { tls, passwords: Passwords::new(users) }) } else { Err(mistakes) }
}

fn is_bcrypt(text: &str) -> bool {
    ["$2a$", "$2b$", "$2x$", "$2y$"].iter().any(|start| text.starts_with(start)) && text.len() == 60
}

impl Tls {
    fn set(&mut self, entry: &Entry, folder: &Path) -> Option<&'static str> {
        self.given = true;
        let path = || Some(folder.join(&entry.text));
        match (entry.name.as_str(), entry.text.as_str()) {
            ("cert_file", _) => self.certificate = path(),
            ("key_file", _) => self.key = path(),
            ("client_ca_file", _) => self.authority = path(),
            ("client_auth_type", "NoClientCert") => self.clients = Clients::Unasked,
            ("client_auth_type", "VerifyClientCertIfGiven") => self.clients = Clients::CheckedIfGiven,
            ("client_auth_type", "RequireAndVerifyClientCert") => self.clients = Clients::Checked,
            ("client_auth_type", _) => {
                return Some(
                    "client_auth_type is none of NoClientCert, VerifyClientCertIfGiven, \
                     RequireAndVerifyClientCert",
                );
            }
            ("min_version", "TLS12") => self.only_tls13 = false,
            ("min_version", "TLS13") => self.only_tls13 = true,
            ("min_version", _) => return Some("min_version is neither TLS12 nor TLS13"),
            ("max_version", "TLS13") | ("prefer_server_cipher_suites", _) => {}
            _ => return Some("unknown name in tls_server_config"),
        }
        None
    }

    fn build(self) -> Result<Option<Arc<ServerConfig>>, String> {
        if !self.given {
            return Ok(None);
        }
        let (Some(certificate), Some(key)) = (&self.certificate, &self.key) else {
            return Err("cert_file and key_file are needed".to_owned());
        };
        let provider = Arc::new(aws_lc_rs::default_provider());
        let versions = if self.only_tls13 { &[&TLS13][..] } else { &[&TLS13, &TLS12] };
        let text = |error: tokio_rustls::rustls::Error| error.to_string();
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions)
            .map_err(text)?;
        let builder = match self.clients {
            Clients::Unasked => builder.with_no_client_auth(),
            asked => {
                let file = self.authority.as_ref().ok_or("client_ca_file is needed to check clients")?;
                let mut roots = RootCertStore::empty();
                for certificate in certificates(file)? {
                    roots.add(certificate).map_err(text)?;
                }
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                let verifier = match asked {
                    Clients::CheckedIfGiven => verifier.allow_unauthenticated(),
                    _ => verifier,
                };
                builder.with_client_cert_verifier(verifier.build().map_err(|error| error.to_string())?)
            }
        };
        let mut config =
            builder.with_single_cert(certificates(certificate)?, private_key(key)?).map_err(text)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Some(Arc::new(config)))
    }
}

/// Reads sections and their entries.
fn entries(text: &str) -> (Vec<Entry>, Vec<String>) {
    let (mut entries, mut mistakes, mut section) = (Vec::new(), Vec::new(), None);
    for (at, line) in text.lines().enumerate() {
        let number = at + 1;
        let content = line.trim();
        if content.is_empty() || content.starts_with('#') || content == "---" {
            continue;
        }
        let is_section = !line.starts_with([' ', '\t']);
        let parts = name_and_text(content);
        match (parts, &section) {
            (Some((name, text)), _) if is_section && text.is_empty() => section = Some(name),
            (Some((name, text)), Some(section)) if !is_section && !text.is_empty() => {
                entries.push(Entry { line: number, section: section.clone(), name, text });
            }
            _ => mistakes.push(format!(
                "line {number}: is neither a section `name:` nor, indented in one, `name: text`"
            )),
        }
    }
    (entries, mistakes)
}

/// `name: text`, either of them perhaps quoted; the text may be missing.
fn name_and_text(content: &str) -> Option<(String, String)> {
    let (name, rest) = scalar(content, ':')?;
    let rest = rest.strip_prefix(':')?;
    if !rest.is_empty() && !rest.starts_with([' ', '\t']) {
        return None;
    }
    let rest = rest.trim_start();
    if rest.is_empty() || rest.starts_with('#') {
        return Some((name, String::new()));
    }
    let (text, rest) = scalar(rest, '#')?;
    (rest.is_empty() || rest.starts_with('#')).then_some((name, text))
}

/// A quoted text, or a plain one up to `end`, and what follows it without leading space.
fn scalar(text: &str, end: char) -> Option<(String, &str)> {
    if let Some(quote) = text.chars().next().filter(|first| ['"', '\''].contains(first)) {
        let (inner, rest) = text[1..].split_once(quote)?;
        // An escape would need more of the form than such files use.
        return (!inner.contains('\\')).then(|| (inner.to_owned(), rest.trim_start()));
    }
    // A comment begins after a space, so that a hash within a word belongs to it.
    let stop = match end {
        '#' => text.find(" #").map(|at| at + 1),
        end => text.find(end),
    };
    let (plain, rest) = text.split_at(stop.unwrap_or(text.len()));
    let plain = plain.trim_end();
    let is_plain = !plain.starts_with(['[', '{', '&', '*', '!', '|', '>', '%', '@', '`']);
    (is_plain && !plain.is_empty()).then(|| (plain.to_owned(), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "$2y$10$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234";

    #[test]
    fn sections_names_quotes_and_comments_are_read() {
        let text = format!(
            "---\n# ours\ntls_server_config: # TLS\n  cert_file: a b.pem  # two words\n  'key_file': \"k#y.pem\"\n\
             \nbasic_auth_users:\n    \"al:ice\": {HASH}\n"
        );
        let (entries, mistakes) = entries(&text);
        assert_eq!(mistakes, Vec::<String>::new());
        let read: Vec<_> = entries
            .iter()
            .map(|entry| (entry.line, entry.section.as_str(), entry.name.as_str(), entry.text.as_str()))
            .collect();
        assert_eq!(
            read,
            [
                (4, "tls_server_config", "cert_file", "a b.pem"),
                (5, "tls_server_config", "key_file", "k#y.pem"),
                (8, "basic_auth_users", "al:ice", HASH),
            ]
        );
    }

    #[test]
    fn every_mistake_is_told_with_its_line_and_no_hash_with_it() {
        let text = format!(
            "tls_server_config:\n  cert_file: a\n  min_version: SSL3\n  curves: [x]\nbasic_auth_users:\n  a: hunter2\n\
             rate_limit:\n  burst: 3\nstray\n  b: {HASH}\nhttp_server_config:\n  http2: true\n"
        );
        let mistakes = interpret(&text, Path::new("")).unwrap_err();
        let all = mistakes.join("\n");
        for part in
            ["line 3:", "line 4:", "line 6:", "line 8:", "line 9:", "line 10:", "cert_file and key_file"]
        {
            assert!(all.contains(part), "{part} is missing in {all}");
        }
        assert!(!all.contains("hunter2") && !all.contains("$2y$"), "{all}");
    }

    #[test]
    fn an_empty_file_is_plain_and_open() {
        let web = interpret("# nothing\n", Path::new("")).unwrap();
        assert!(web.tls.is_none() && web.passwords.are_none());
    }
}
