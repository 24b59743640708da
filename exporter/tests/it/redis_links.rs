//! Ways to a Redis server: TLS with and without a client's certificate, a socket, users of the ACL.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use hitmark_exporter::ExporterConfig;
use hitmark_exporter::options::OptionValue;
use hitmark_testkit::{RedisServer, free_port};

use crate::certificates::Certificates;
use crate::support::{commands, config, exporter, find, get, request, sample, with_redis_options};

/// A server that speaks TLS on a second port; `clients` is what it asks of clients' certificates.
async fn tls_server(certificates: &Certificates, clients: &str) -> (RedisServer, u16) {
    let port = free_port();
    let texts = ["server.pem", "server.key", "ca.pem"].map(|name| certificates.text(name));
    let args = [
        "--tls-port",
        &port.to_string(),
        "--tls-cert-file",
        &texts[0],
        "--tls-key-file",
        &texts[1],
        "--tls-ca-cert-file",
        &texts[2],
        "--tls-auth-clients",
        clients,
    ];
    (RedisServer::start_with(&args).await.unwrap(), port)
}

fn with_files(url: &str, files: &[(&str, String)]) -> ExporterConfig {
    let options: Vec<(&str, OptionValue)> =
        files.iter().map(|(name, path)| (*name, OptionValue::Text(path.clone()))).collect();
    with_redis_options(url.to_owned(), &options)
}

/// `redis_up`, and whether the failure was one of trust.
async fn up(config: ExporterConfig) -> (f64, bool) {
    let page = exporter(config).await.scrape().await;
    (
        sample(&page, "redis_up"),
        find(&page, "redis_exporter_last_scrape_error{err=\"certificate\"}").is_some(),
    )
}

#[tokio::test]
async fn a_server_with_tls_is_asked_and_must_prove_who_it_is() {
    let certificates = Certificates::make();
    let (server, port) = tls_server(&certificates, "no").await;
    let ca = ("tls_ca_cert_file", certificates.text("ca.pem"));
    let url = format!("rediss://127.0.0.1:{port}");

    let exporter = exporter(with_files(&url, std::slice::from_ref(&ca))).await;
    let first = exporter.scrape().await;
    let page = exporter.scrape().await;
    assert_eq!(sample(&page, "redis_up"), 1.0);
    let name = "redis_connections_received_total";
    assert_eq!(sample(&page, name), sample(&first, name), "the connection is kept with TLS too");

    server.restart().await.unwrap();
    assert_eq!(sample(&exporter.scrape().await, "redis_up"), 1.0, "a restart between scrapes costs nothing");

    // The system does not know our authority; the certificate has no such name.
    assert_eq!(up(config([url.clone()])).await, (0.0, true));
    let other_name = ("tls_server_name", "cache.example".to_owned());
    assert_eq!(up(with_files(&url, &[ca.clone(), other_name])).await, (0.0, true));
    let valkey = url.replace("rediss", "valkeys");
    assert_eq!(up(with_files(&valkey, &[ca])).await, (1.0, false));
    let skip = [("skip_tls_verification", OptionValue::Flag(true))];
    assert_eq!(up(with_redis_options(url, &skip)).await, (1.0, false));
}

#[tokio::test]
async fn a_server_that_asks_for_a_certificate_gets_ours() {
    let certificates = Certificates::make();
    let (_server, port) = tls_server(&certificates, "yes").await;
    let url = format!("rediss://localhost:{port}/0");
    let ca = ("tls_ca_cert_file", certificates.text("ca.pem"));
    let ours = [
        ca.clone(),
        ("tls_client_cert_file", certificates.text("client.pem")),
        ("tls_client_key_file", certificates.text("client.key")),
    ];
    assert_eq!(up(with_files(&url, &ours)).await, (1.0, false));
    assert_eq!(up(with_files(&url, &[ca])).await.0, 0.0);
}

#[test]
fn wrong_certificate_files_are_mistakes_of_the_configuration() {
    let certificates = Certificates::make();
    std::fs::write(certificates.path("empty.pem"), "").unwrap();
    for (files, words) in [
        (vec![("tls_ca_cert_file", "/nowhere/ca.pem".to_owned())], "/nowhere/ca.pem"),
        (vec![("tls_ca_cert_file", certificates.text("empty.pem"))], "empty.pem: holds no certificate"),
        (vec![("tls_client_cert_file", certificates.text("client.pem"))], "belong together"),
        (
            vec![
                ("tls_client_cert_file", certificates.text("client.pem")),
                ("tls_client_key_file", certificates.text("server.key")),
            ],
            "rediss://:***@h",
        ),
    ] {
        let error = with_files("rediss://:hunter2@h:1", &files).validate().unwrap_err().to_string();
        assert!(error.contains(words) && !error.contains("hunter2"), "{words}: {error}");
    }
    // Without TLS the files are not looked at.
    assert!(with_files("redis://h:1", &[("tls_ca_cert_file", "/nowhere".to_owned())]).validate().is_ok());
}

#[tokio::test]
async fn a_socket_is_asked_with_its_database_and_password() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("redis.sock");
    let socket = socket.to_str().unwrap();
    let args = ["--unixsocket", socket, "--requirepass", "hunter2"];
    let server = RedisServer::start_with(&args).await.unwrap();
    commands(server.port(), &["AUTH hunter2", "SELECT 3", "SET a abc"]);
    for scheme in ["unix", "redis+unix"] {
        let url = format!("{scheme}://{socket}?db=3&pass=hunter2");
        let keys = [("keys", OptionValue::Text("a".to_owned()))];
        let page = exporter(with_redis_options(url, &keys)).await.scrape().await;
        assert_eq!(sample(&page, "redis_up"), 1.0);
        assert_eq!(sample(&page, "redis_key_size{db=\"db3\",key=\"a\"}"), 3.0);
        assert!(!page.contains("hunter2"), "{page}");
    }
}

#[tokio::test]
async fn a_user_with_the_rights_that_the_manual_names_gets_the_whole_page() {
    let server = RedisServer::start().await.unwrap();
    let manual = include_str!("../../../docs/exporter.md");
    let recipe = manual.lines().find(|line| line.starts_with("ACL SETUSER watcher")).unwrap();
    let answer = commands(server.port(), &[&recipe.replace("PASSWORD", "hunter2")]);
    assert!(answer.starts_with("+OK"), "{answer}");
    let as_user = exporter(config([format!("redis://watcher:hunter2@127.0.0.1:{}", server.port())])).await;
    let as_default = exporter(config([server.url()])).await;
    let names = |page: String| -> std::collections::BTreeSet<String> {
        let lines = page.lines().filter_map(|line| line.strip_prefix("# TYPE redis_"));
        lines.map(str::to_owned).collect()
    };
    let theirs = as_default.scrape().await;
    let ours = as_user.scrape().await;
    assert!(!ours.contains("redis_errors_total{"), "nothing was refused: {ours}");
    let missing: Vec<_> = names(theirs).difference(&names(ours)).cloned().collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[tokio::test]
async fn the_password_file_holds_users_too() {
    let server = RedisServer::start().await.unwrap();
    commands(server.port(), &["ACL SETUSER watcher on >hunter2 ~* +@all", "ACL SETUSER default off"]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("passwords.json");
    let target = format!("redis://watcher@127.0.0.1:{}", server.port());
    std::fs::write(&file, serde_json::to_string(&BTreeMap::from([(&target, "hunter2")])).unwrap()).unwrap();
    let mut config = config([]);
    config.probe_allow = vec!["redis://127.0.0.1:*".to_owned()];
    config.password_file = Some(file);
    let exporter = exporter(config).await;
    let (status, page) = get(&exporter, request(&format!("/scrape?target={target}"))).await;
    assert_eq!((status, sample(&page, "redis_up")), (StatusCode::OK, 1.0), "{page}");
}

#[tokio::test]
async fn a_request_asks_for_keys_streams_and_counts_as_of_redis_exporter() {
    let server = RedisServer::start().await.unwrap();
    let lines = ["SELECT 2", "SET a abc", "SET b:1 x", "SET b:2 xy", "XADD s * f v", "XGROUP CREATE s g 0"];
    commands(server.port(), &lines);
    let mut config = config([]);
    config.probe_allow = vec!["redis://127.0.0.1:*/2".to_owned()];
    let exporter = exporter(config).await;
    let target = format!("/scrape?target=redis://127.0.0.1:{}/2", server.port());
    let asked = format!(
        "{target}&check-single-keys=db2%3Da&check-keys=db2%3Db:*&check-single-streams=s&count-keys=b:*,db2%3Da"
    );
    // Patterns are answered by a pass over all keys, which goes on from scrape to scrape.
    let mut page = String::new();
    for _ in 0..600 {
        page = get(&exporter, request(&asked)).await.1;
        if find(&page, "redis_key_size{db=\"db2\",key=\"b:2\"}").is_some() {
            break;
        }
    }
    for (series, value) in [
        ("redis_key_size{db=\"db2\",key=\"a\"}", 3.0),
        ("redis_key_size{db=\"db2\",key=\"b:2\"}", 2.0),
        ("redis_keys_count{db=\"db2\",key=\"b:*\"}", 2.0),
        ("redis_keys_count{db=\"db2\",key=\"a\"}", 1.0),
        ("redis_stream_length{db=\"db2\",stream=\"s\"}", 1.0),
    ] {
        assert_eq!(sample(&page, series), value, "{series}");
    }
    assert!(!page.contains("redis_key_value"), "values stay the module's decision");
    let page = get(&exporter, request(&target)).await.1;
    assert!(!page.contains("redis_key_size"), "another request asks for nothing: {page}");
    for (more, words) in [
        ("&check-keys=db3%3Da", "redis://host:port/3"),
        ("&check-streams=s*", "no patterns"),
        ("&check-key-groups=x", "is no parameter here"),
    ] {
        let (status, text) = get(&exporter, request(&format!("{target}{more}"))).await;
        assert!(status == StatusCode::BAD_REQUEST && text.contains(words), "{more}: {status} {text}");
    }
}
