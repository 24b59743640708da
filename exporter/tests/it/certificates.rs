//! Certificates for tests: an authority, a server's and a client's, made by openssl in a folder that
//! goes with the test.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder with `ca.pem`, `server.pem`, `server.key`, `client.pem`, `client.key` and, with an
/// RSA key, `client-rsa.pem` and `client-rsa.key`.
pub(crate) struct Certificates {
    directory: tempfile::TempDir,
}

impl Certificates {
    /// Makes all of them; the server's names are `localhost` and `127.0.0.1`.
    pub(crate) fn make() -> Self {
        Self::with_names("DNS:localhost,IP:127.0.0.1")
    }

    /// The same with one other name.
    pub(crate) fn make_for(name: &str) -> Self {
        Self::with_names(&format!("DNS:{name}"))
    }

    fn with_names(names: &str) -> Self {
        let certificates = Self { directory: tempfile::tempdir().unwrap() };
        let at = |name: &str| certificates.text(name);
        let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
        let mut authority = vec!["req", "-x509", "-subj", "/CN=test authority"];
        authority.extend(key);
        let (ca, ca_key) = (at("ca.pem"), at("ca.key"));
        authority.extend(["-out", &ca, "-keyout", &ca_key]);
        openssl(&authority);
        for (name, usage) in [("server", "serverAuth"), ("client", "clientAuth")] {
            let (certificate, key_file) = (at(&format!("{name}.pem")), at(&format!("{name}.key")));
            let usage = format!("extendedKeyUsage={usage}");
            let mut request =
                vec!["req", "-x509", "-subj", "/CN=hitmark test", "-CA", &ca, "-CAkey", &ca_key];
            request.extend(key);
            let names = format!("subjectAltName={names}");
            request.extend(["-addext", &names, "-addext", &usage]);
            request.extend(["-addext", "basicConstraints=critical,CA:FALSE"]);
            request.extend(["-out", &certificate, "-keyout", &key_file]);
            openssl(&request);
        }
        // The same client with another kind of key.
        let (certificate, key_file) = (at("client-rsa.pem"), at("client-rsa.key"));
        let mut request = vec!["req", "-x509", "-subj", "/CN=hitmark test", "-CA", &ca, "-CAkey", &ca_key];
        request.extend(["-newkey", "rsa:2048", "-nodes", "-days", "2"]);
        request.extend(["-addext", "extendedKeyUsage=clientAuth"]);
        request.extend(["-addext", "basicConstraints=critical,CA:FALSE"]);
        request.extend(["-out", &certificate, "-keyout", &key_file]);
        openssl(&request);
        certificates
    }

    /// Gives the files to the user as whom a server runs when the tests run as root: keys must be the
    /// server's own.
    pub(crate) fn give_to(&self, user: &str) {
        if rustix::process::geteuid().is_root() {
            let status = Command::new("chown").args(["-R", user]).arg(self.directory()).status();
            assert!(status.unwrap().success(), "chown {user}");
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The path as an argument.
    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }
}

fn openssl(args: &[&str]) {
    let output = Command::new("openssl").args(args).output();
    let output = output.unwrap_or_else(|error| panic!("openssl (apt-get install openssl): {error}"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
