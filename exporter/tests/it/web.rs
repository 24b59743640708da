//! Our own port with TLS and passwords, as a client meets it.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hitmark_exporter::Exporter;
use hitmark_testkit::free_port;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::certificates::Certificates;
use crate::support::{config, exporter, get, request};

fn hash(password: &str) -> String {
    bcrypt::hash_with_salt(password, 4, *b"sixteen bytes ok").unwrap().to_string()
}

async fn with_web(certificates: &Certificates, text: &str) -> Exporter {
    let file = certificates.directory().join("web.yml");
    std::fs::write(&file, text).unwrap();
    let mut config = config([format!("redis://127.0.0.1:{}", free_port())]);
    config.web_config = Some(file);
    exporter(config).await
}

/// `GET /healthz` over TLS by a client that trusts the authority; the answer, or why there is none.
async fn get_by_tls(port: u16, certificates: &Certificates, own: Option<&str>) -> Result<String, String> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(certificates.path("ca.pem")).unwrap()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match own {
        None => builder.with_no_client_auth(),
        Some(name) => {
            let chain = CertificateDer::pem_file_iter(certificates.path(&format!("{name}.pem"))).unwrap();
            let key = PrivateKeyDer::from_pem_file(certificates.path(&format!("{name}.key"))).unwrap();
            builder.with_client_auth_cert(chain.map(Result::unwrap).collect(), key).unwrap()
        }
    };
    let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let text = |error: std::io::Error| error.to_string();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.map_err(text)?;
    let request = "GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.map_err(text)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.map_err(text)?;
    Ok(answer)
}

#[tokio::test]
async fn our_port_speaks_tls_and_a_silent_client_delays_nobody() {
    let certificates = Certificates::make();
    let text = "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n  min_version: TLS13\n";
    let exporter = with_web(&certificates, text).await;
    let port = exporter.addr().port();
    assert!(exporter.url().starts_with("https://"));
    let reloader = exporter.reloader();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(exporter.serve(async move { drop(stopped.await) }));

    let silent = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let answer = get_by_tls(port, &certificates, None).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("ok\n"), "{answer}");
    drop(silent);

    // A reload asks clients for certificates, without a restart.
    let checked = "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n";
    std::fs::write(certificates.path("web.yml"), format!("{text}{checked}")).unwrap();
    reloader.reload().unwrap();
    assert!(get_by_tls(port, &certificates, None).await.is_err());
    assert!(get_by_tls(port, &certificates, Some("client")).await.is_ok());

    stop.send(()).unwrap();
    tokio::time::timeout(Duration::from_secs(30), serving).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn a_user_and_a_password_are_asked_for_on_every_route() {
    let certificates = Certificates::make();
    let text = format!("basic_auth_users:\n  watcher: {}\n", hash("hunter2"));
    let exporter = with_web(&certificates, &text).await;
    let status = async |path: &str, credentials: Option<&str>| {
        let mut asked: Request<Body> = request(path);
        if let Some(credentials) = credentials {
            let value = format!("Basic {}", STANDARD.encode(credentials));
            asked.headers_mut().insert(header::AUTHORIZATION, value.parse().unwrap());
        }
        get(&exporter, asked).await.0
    };
    for path in ["/metrics", "/healthz", "/", "/probe?target=redis://h", "/nowhere"] {
        assert_eq!(status(path, None).await, StatusCode::UNAUTHORIZED, "{path}");
    }
    // Twice: the second time the answer is remembered.
    for _ in 0..2 {
        assert_eq!(status("/healthz", Some("watcher:hunter2")).await, StatusCode::OK);
    }
    for wrong in ["watcher:hunter3", "watcher:", "nobody:hunter2", "watcher", ":hunter2"] {
        assert_eq!(status("/healthz", Some(wrong)).await, StatusCode::UNAUTHORIZED, "{wrong}");
    }
}
