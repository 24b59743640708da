//! TLS towards PostgreSQL and MariaDB: who must prove himself, to whom, and what a failure says.

use hitmark_testkit::{MariaDb, PostgresServer};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts};

use super::certificates::Certificates;
use super::postgres::{connect, number};
use super::support::{asks, exporter, find, sample};

/// The value of `up`, and the kind of failure if there is one.
async fn up(kind: &str, url: &str) -> (f64, Option<String>) {
    let page = exporter(asks(kind, &[url])).await.scrape().await;
    assert!(!page.contains("hunter2"), "{page}");
    let start = format!("hitmark_exporter_failures_total{{collector=\"{kind}\",kind=\"");
    let failed = page.lines().filter_map(|line| line.strip_prefix(&start)?.split_once('"'));
    let failed = failed.filter(|(_, rest)| !rest.ends_with(" 0")).map(|(kind, _)| kind.to_owned()).next();
    (sample(&page, if kind == "postgres" { "pg_up" } else { "mysql_up" }), failed)
}

fn failed(kind: &str) -> (f64, Option<String>) {
    (0.0, Some(kind.to_owned()))
}

const WELL: (f64, Option<String>) = (1.0, None);

/// A server with TLS whose user `secure` must show a certificate.
async fn postgres(certificates: &Certificates) -> PostgresServer {
    let hba = "local all all trust\nhostssl all secure 127.0.0.1/32 trust clientcert=verify-ca\n\
               hostnossl all secure 127.0.0.1/32 reject\nhost all all 127.0.0.1/32 trust\n";
    std::fs::write(certificates.path("hba.conf"), hba).unwrap();
    certificates.give_to("postgres");
    let file = |setting: &str, name: &str| format!("{setting}={}", certificates.text(name));
    let settings = [
        "ssl=on".to_owned(),
        file("ssl_cert_file", "server.pem"),
        file("ssl_key_file", "server.key"),
        file("ssl_ca_file", "ca.pem"),
        file("hba_file", "hba.conf"),
    ];
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    PostgresServer::start_with(&settings).await.unwrap()
}

#[tokio::test]
async fn postgresql_is_asked_with_as_much_trust_as_sslmode_says() {
    let (ours, others) = (Certificates::make(), Certificates::make());
    let server = postgres(&ours).await;
    let client = connect(&format!("{}?sslmode=disable", server.url())).await;
    client.batch_execute("CREATE ROLE secure LOGIN").await.unwrap();
    let with = |query: &str| format!("{}?{query}", server.url());
    let (ca, wrong) = (ours.text("ca.pem"), others.text("ca.pem"));

    for (query, is_safe) in
        [("", 1.0), ("sslmode=prefer", 1.0), ("sslmode=disable", 0.0), ("sslmode=require", 1.0)]
    {
        let exporter = exporter(asks("postgres", &[&with(query)])).await;
        assert_eq!(sample(&exporter.scrape().await, "pg_up"), 1.0, "{query}");
        let ours = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                    WHERE ssl AND application_name = 'hitmark-exporter'";
        assert_eq!(number(&client, ours).await, is_safe, "{query}");
        drop(exporter);
        let gone = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'hitmark-exporter'";
        while number(&client, gone).await > 0.0 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
    for mode in ["require", "verify-ca", "verify-full"] {
        assert_eq!(up("postgres", &with(&format!("sslmode={mode}&sslrootcert={ca}"))).await, WELL, "{mode}");
        let told = up("postgres", &with(&format!("sslmode={mode}&sslrootcert={wrong}"))).await;
        assert_eq!(told, failed("certificate"), "{mode}");
    }
    assert_eq!(up("postgres", &with(&format!("sslrootcert={ca}"))).await, WELL);
    // The system knows no such authority.
    assert_eq!(up("postgres", &with("sslmode=verify-full")).await, failed("certificate"));

    let secure = |query: &str| with(query).replace("postgres@", "secure@");
    let shown = format!("sslcert={}&sslkey={}", ours.text("client.pem"), ours.text("client.key"));
    let query = format!("sslmode=verify-full&sslrootcert={ca}");
    assert_eq!(up("postgres", &secure(&format!("{query}&{shown}"))).await, WELL);
    assert_eq!(up("postgres", &secure(&query)).await.0, 0.0, "a certificate is asked for");
    assert_eq!(up("postgres", &secure("sslmode=disable")).await, failed("credentials"));
}

#[tokio::test]
async fn a_certificate_for_another_name_is_enough_for_verify_ca_only() {
    let ours = Certificates::make_for("db.example");
    let server = postgres(&ours).await;
    let with = |mode: &str| format!("{}?sslmode={mode}&sslrootcert={}", server.url(), ours.text("ca.pem"));
    assert_eq!(up("postgres", &with("verify-ca")).await, WELL);
    assert_eq!(up("postgres", &with("verify-full")).await, failed("certificate"));
}

#[tokio::test]
async fn a_server_without_tls_is_told_where_it_is_asked_for_and_mistakes_come_before_a_connection() {
    let server = PostgresServer::start().await.unwrap();
    assert_eq!(up("postgres", &format!("{}?sslmode=require", server.url())).await, failed("connect"));
    assert_eq!(up("postgres", &server.url()).await, WELL);
    for (kind, url, words) in [
        ("postgres", "postgres://u:hunter2@h/d?sslmode=maybe", "verify-full"),
        ("postgres", "postgres://u:hunter2@h/d?sslmode=verify-full&sslrootcert=/nowhere.pem", "/nowhere.pem"),
        ("mysql", "mysql://u:hunter2@h/d?ssl-mode=maybe", "VERIFY_IDENTITY"),
        ("mysql", "mysql://u:hunter2@h/d?ssl-ca=/nowhere.pem", "/nowhere.pem"),
    ] {
        let told = asks(kind, &[url]).validate().unwrap_err().to_string();
        assert!(told.contains(words) && !told.contains("hunter2"), "{told}");
    }
}

#[tokio::test]
async fn mariadb_is_asked_with_as_much_trust_as_ssl_mode_says() {
    let (ours, others) = (Certificates::make(), Certificates::make());
    ours.give_to("mysql");
    let file = |option: &str, name: &str| format!("--ssl-{option}={}", ours.text(name));
    let args = [file("cert", "server.pem"), file("key", "server.key"), file("ca", "ca.pem")];
    let server = MariaDb::start_with(&args.iter().map(String::as_str).collect::<Vec<_>>()).await.unwrap();
    let mut admin = Conn::new(Opts::from_url(&server.url()).unwrap()).await.unwrap();
    for (user, needs) in [("safe", "REQUIRE SSL"), ("secure", "REQUIRE X509")] {
        let sql = format!("CREATE USER {user}@127.0.0.1 {needs}");
        admin.query_drop(sql).await.unwrap();
        admin.query_drop(format!("GRANT ALL ON *.* TO {user}@127.0.0.1")).await.unwrap();
    }
    let with =
        |user: &str, query: &str| format!("{}?{query}", server.url().replace("tester@", &format!("{user}@")));
    let (ca, wrong) = (ours.text("ca.pem"), others.text("ca.pem"));
    for query in ["ssl-mode=PREFERRED", "ssl-mode=REQUIRED"] {
        assert_eq!(up("mysql", &with("safe", query)).await, WELL, "{query}");
    }
    for query in ["", "ssl-mode=DISABLED"] {
        assert_eq!(up("mysql", &with("safe", query)).await, failed("credentials"), "{query}");
    }
    assert_eq!(up("mysql", &with("tester", "ssl-mode=DISABLED")).await, WELL);
    assert_eq!(up("mysql", &with("safe", &format!("ssl-mode=VERIFY_IDENTITY&ssl-ca={ca}"))).await, WELL);
    assert_eq!(up("mysql", &with("safe", &format!("ssl-ca={wrong}"))).await, failed("certificate"));
    let shown = format!("ssl-cert={}&ssl-key={}", ours.text("client-rsa.pem"), ours.text("client-rsa.key"));
    assert_eq!(up("mysql", &with("secure", &format!("ssl-ca={ca}&{shown}"))).await, WELL);
    assert_eq!(up("mysql", &with("secure", &format!("ssl-ca={ca}"))).await.0, 0.0);

    let other = with("secure", &format!("ssl-ca={ca}&{}", shown.replace("-rsa", "")));
    let told = asks("mysql", &[&other]).validate().unwrap_err().to_string();
    assert!(told.contains("client.key: is no RSA key"), "{told}");

    let plain = MariaDb::start_with(&["--skip-ssl"]).await.unwrap();
    assert_eq!(up("mysql", &format!("{}?ssl-mode=PREFERRED", plain.url())).await, WELL);
    assert_eq!(up("mysql", &format!("{}?ssl-mode=REQUIRED", plain.url())).await, failed("connect"));
    let page = exporter(asks("mysql", &[&plain.url()])).await.scrape().await;
    assert_eq!(find(&page, "mysql_up"), Some(1.0));
}
