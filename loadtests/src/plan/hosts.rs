//! The safety rule: a load test sends only to loopback unless the plan names the host.
//!
//! It is decided from the text of the URL and, for `localhost`, from nothing at all: no name is
//! looked up before the rule has allowed it, so a refused plan sends not even a DNS query.

use std::net::{IpAddr, Ipv4Addr};

use url::{Host, Url};

/// How a service is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// In the clear.
    Http,
    /// Over TLS.
    Https,
}

/// Where a service listens, allowed by the safety rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceAddress {
    /// How it is spoken to.
    pub scheme: Scheme,
    /// What to connect to: an address, or a name that `allow_hosts` names.
    pub host: String,
    /// The TCP port.
    pub port: u16,
    /// The value of the `Host` header.
    pub authority: String,
    /// The path under which the service lives, without a trailing slash.
    pub prefix: String,
}

/// Reads a base URL and applies the safety rule.
///
/// # Errors
///
/// What is wrong with the URL, or that the host must be named in `allow_hosts`.
pub(crate) fn service_address(base_url: &str, allow_hosts: &[String]) -> Result<ServiceAddress, String> {
    let shown = hitmark_schema::redact::url(base_url);
    let url = Url::parse(base_url).map_err(|error| format!("'{shown}' is not a URL: {error}"))?;
    let scheme = match url.scheme() {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        other => {
            return Err(format!("'{shown}': only http:// and https:// URLs can be measured, not {other}://"));
        }
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(format!("'{shown}': put credentials into an authorization header, not into the URL"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(format!("'{shown}': a base URL has no query and no fragment; use 'query'"));
    }
    let connect_to = connect_to(&url, &shown, allow_hosts)?;
    let named = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or(80);
    let authority = url.port().map_or_else(|| named.to_owned(), |port| format!("{named}:{port}"));
    let prefix = url.path().trim_end_matches('/').to_owned();
    Ok(ServiceAddress { scheme, host: connect_to, port, authority, prefix })
}

/// Where a cache server listens, allowed by the safety rule.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisAddress {
    /// What to connect to.
    pub host: String,
    /// The TCP port.
    pub port: u16,
    /// The user, where the URL names one.
    pub user: Option<String>,
    /// The password, where the URL has one.
    pub password: Option<String>,
}

impl std::fmt::Debug for RedisAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "redis at {}:{}", self.host, self.port)
    }
}

/// Reads the URL of a cache server under the same rule.
///
/// # Errors
///
/// What is wrong with the URL, or that the host must be named in `allow_hosts`.
pub(super) fn redis_address(redis_url: &str, allow_hosts: &[String]) -> Result<RedisAddress, String> {
    let shown = hitmark_schema::redact::url(redis_url);
    // Hosts of a scheme that the parser does not know stay text: an address must be seen to be loopback.
    let url = redis_url.strip_prefix("redis://").and_then(|rest| Url::parse(&format!("ws://{rest}")).ok());
    let url = url.ok_or_else(|| format!("'{shown}' is no redis:// URL"))?;
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Ok(RedisAddress {
        host: connect_to(&url, &shown, allow_hosts)?,
        // 80 is the parser's default, which it hides.
        port: url.port().unwrap_or(6379),
        user: some(url.username()),
        password: url.password().and_then(some),
    })
}

/// What to connect to, if the safety rule allows the host.
fn connect_to(url: &Url, shown: &str, allow_hosts: &[String]) -> Result<String, String> {
    let host = url.host().ok_or_else(|| format!("'{shown}' names no host"))?;
    let named = url.host_str().unwrap_or_default();
    let allowed =
        allow_hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(named.trim_matches(['[', ']'])));
    let connect_to = match &host {
        Host::Domain(name) if name.eq_ignore_ascii_case("localhost") => Some(Ipv4Addr::LOCALHOST.to_string()),
        Host::Domain(name) => allowed.then(|| (*name).to_owned()),
        Host::Ipv4(address) => allowed_address((*address).into(), allowed),
        Host::Ipv6(address) => allowed_address((*address).into(), allowed),
    };
    connect_to.ok_or_else(|| {
        format!(
            "'{shown}' is not loopback: a load test sends only to this machine unless [run] allow_hosts = [\"{}\"] names the host",
            named.trim_matches(['[', ']'])
        )
    })
}

fn allowed_address(address: IpAddr, allowed: bool) -> Option<String> {
    (address.is_loopback() || allowed).then(|| address.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_needs_no_permission_and_everything_else_does() {
        for url in [
            "http://127.0.0.1:8080",
            "http://127.9.9.9",
            "http://[::1]:80/x/",
            "http://localhost:1",
            "http://LOCALHOST",
        ] {
            assert!(service_address(url, &[]).is_ok(), "{url}");
        }
        for url in [
            "http://10.0.0.1",
            "http://example.org",
            "http://localhost.example.org",
            "http://0.0.0.0:80",
            "http://192.168.1.4:8080",
            "http://[2001:db8::1]",
            "http://[::ffff:10.0.0.1]",
            "http://127.0.0.1.example.org",
        ] {
            let refusal = service_address(url, &[]).unwrap_err();
            assert!(refusal.contains("allow_hosts"), "{url}: {refusal}");
        }
        let allowed = ["example.org".to_owned(), "2001:db8::1".to_owned()];
        assert!(service_address("http://Example.org", &allowed).is_ok());
        assert!(service_address("http://[2001:db8::1]:9", &allowed).is_ok());
        assert!(service_address("http://example.org.evil.test", &allowed).is_err());
    }

    #[test]
    fn a_url_that_cannot_be_measured_says_why() {
        for (url, part) in [
            ("127.0.0.1:8080", "not a URL"),
            ("ftp://127.0.0.1", "only http://"),
            ("http://me:secret@127.0.0.1", "authorization header"),
            ("http://127.0.0.1/?x=1", "no query"),
        ] {
            let refusal = service_address(url, &[]).unwrap_err();
            assert!(refusal.contains(part) && !refusal.contains("secret"), "{url}: {refusal}");
        }
        let address = service_address("http://localhost:8080/shop/", &[]).unwrap();
        assert_eq!(
            (address.host.as_str(), address.authority.as_str(), address.prefix.as_str()),
            ("127.0.0.1", "localhost:8080", "/shop")
        );
    }
}
