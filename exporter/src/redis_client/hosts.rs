//! A URL that names several hosts, `scheme://user:password@one:1,two:2/path?query`, as its parts.
//!
//! It is apart because no library reads such a URL: Sentinels and the seeds of a cluster need it.

use url::Url;

/// Most hosts of one URL.
const HOSTS_MAX: usize = 16;

/// The parts as they are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hosts<'a> {
    /// Without `://`.
    pub(crate) scheme: &'a str,
    /// `user:password`, empty if there is none.
    pub(crate) credentials: &'a str,
    /// `host` or `host:port`, at least one.
    pub(crate) hosts: Vec<&'a str>,
    /// Without its first slash.
    pub(crate) path: &'a str,
    /// Without the question mark.
    pub(crate) query: &'a str,
}

impl<'a> Hosts<'a> {
    /// Takes a URL apart. The error does not quote it.
    pub(crate) fn read(url: &'a str) -> Result<Self, String> {
        let (scheme, rest) = url.split_once("://").ok_or("has no scheme")?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (credentials, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
        let hosts: Vec<&str> = hosts.split(',').collect();
        if hosts.len() > HOSTS_MAX {
            return Err(format!("names {} hosts; at most {HOSTS_MAX} are tried", hosts.len()));
        }
        if hosts.iter().any(|host| host.is_empty() || host.starts_with(':')) {
            return Err("has no host".to_owned());
        }
        Ok(Self { scheme, credentials, hosts, path, query })
    }

    /// The URL of one of the hosts, with these credentials and this path.
    pub(crate) fn one(scheme: &str, credentials: &str, host: &str, path: &str) -> String {
        let at = if credentials.is_empty() { "" } else { "@" };
        let slash = if path.is_empty() { "" } else { "/" };
        format!("{scheme}://{credentials}{at}{host}{slash}{path}")
    }
}

/// The host with this port, if it has none of its own.
pub(crate) fn with_port(host: &str, port: u16) -> String {
    let has_port = Url::parse(&format!("redis://{host}")).is_ok_and(|url| url.port().is_some());
    if has_port { host.to_owned() } else { format!("{host}:{port}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_hosts_share_credentials_and_path() {
        let url = "redis+sentinel://u:p@a:1,[::1]:2,c/main/3?x=y";
        let hosts = Hosts::read(url).unwrap();
        assert_eq!((hosts.scheme, hosts.credentials), ("redis+sentinel", "u:p"));
        assert_eq!(hosts.hosts, ["a:1", "[::1]:2", "c"]);
        assert_eq!((hosts.path, hosts.query), ("main/3", "x=y"));
        assert_eq!(Hosts::one("redis", "u:p", "a:1", "3"), "redis://u:p@a:1/3");
        assert_eq!((with_port("c", 7), with_port("[::1]:2", 7)), ("c:7".to_owned(), "[::1]:2".to_owned()));
        for wrong in ["a:1", "x://", "x://a,,b", "x://u:p@", "x://:1"] {
            assert!(Hosts::read(wrong).is_err(), "{wrong}");
        }
        assert!(Hosts::read(&format!("x://{}", ["h"; 17].join(","))).unwrap_err().contains("17 hosts"));
    }
}
