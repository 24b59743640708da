//! URLs and headers without their secrets. A password must never reach a log, a label, a run
//! directory or a page, so everything that shows a URL passes it through here.

/// What stands in the place of a secret.
pub const MASK: &str = "***";

/// Query parameters whose values are secrets.
const SECRET_PARAMETERS: [&str; 9] =
    ["password", "pass", "token", "secret", "api_key", "apikey", "key", "auth", "sentinel_password"];

/// Headers whose values are secrets.
const SECRET_HEADERS: [&str; 6] =
    ["authorization", "cookie", "proxy-authorization", "x-api-key", "x-auth-token", "set-cookie"];

/// The URL with its password and the values of secret query parameters masked.
///
/// A text that is no URL may hold a secret anywhere, so everything before an `@` is masked in it.
///
/// ```
/// use hitmark_schema::redact::url;
/// assert_eq!(url("redis://user:s3cret@cache:6379/0"), "redis://user:***@cache:6379/0");
/// assert_eq!(url("http://host/?token=abc&page=2"), "http://host/?token=***&page=2");
/// assert_eq!(url("unix:///run/redis.sock?pass=s3cret"), "unix:///run/redis.sock?pass=***");
/// assert_eq!(url("redis+cluster://:s3cret@a:1,b:2"), "redis+cluster://:***@a:1,b:2");
/// assert_eq!(url("user:s3cret@cache:6379"), "***@cache:6379");
/// ```
#[must_use]
pub fn url(text: &str) -> String {
    let parsed = match url::Url::parse(text) {
        // A socket's URL has a path and no host, and its password stands in the query.
        Ok(parsed) if parsed.has_host() || !parsed.cannot_be_a_base() => parsed,
        _ => return url_of_several(text).unwrap_or_else(|| mask_before_at(text)),
    };
    let mut shown = parsed.clone();
    if parsed.password().is_some() {
        let _ = shown.set_password(Some(MASK));
    }
    if parsed.query().is_some() {
        let query: Vec<String> = parsed
            .query()
            .unwrap_or_default()
            .split('&')
            .map(|pair| match pair.split_once('=') {
                Some((name, _)) if is_secret_parameter(name) => format!("{name}={MASK}"),
                _ => pair.to_owned(),
            })
            .collect();
        shown.set_query(Some(&query.join("&")));
    }
    shown.to_string()
}

/// The same for a URL that names several hosts, separated by commas: those after the first are put aside
/// and back.
fn url_of_several(text: &str) -> Option<String> {
    let authority = |text: &str| {
        let from = text.find("://")? + 3;
        let length = text[from..].find(['/', '?', '#']).unwrap_or(text.len() - from);
        let hosts = text[from..from + length].rfind('@').map_or(from, |at| from + at + 1);
        Some(hosts..from + length)
    };
    let range = authority(text)?;
    let (first, others) = text[range.clone()].split_once(',')?;
    let others_at = range.start + first.len();
    let shown = url(&format!("{}{}", &text[..others_at], &text[range.end..]));
    let end = authority(&shown)?.end;
    Some(format!("{},{others}{}", &shown[..end], &shown[end..]))
}

/// The header value, masked if headers of that name hold secrets.
#[must_use]
pub fn header(name: &str, value: &str) -> String {
    let secret = SECRET_HEADERS.contains(&name.to_ascii_lowercase().as_str());
    if secret { MASK.to_owned() } else { value.to_owned() }
}

/// A command line with every argument's secrets masked, joined by spaces.
pub fn command_line(arguments: impl IntoIterator<Item = String>) -> String {
    let mut shown = Vec::new();
    let mut secret_follows = false;
    for argument in arguments {
        if std::mem::take(&mut secret_follows) {
            shown.push(MASK.to_owned());
            continue;
        }
        match argument.split_once('=') {
            Some((flag, _)) if flag.starts_with("--") && is_secret_flag(flag) => {
                shown.push(format!("{flag}={MASK}"));
            }
            Some((flag, value)) if flag.starts_with("--") => {
                shown.push(format!("{flag}={}", url_or_text(value)));
            }
            _ => {
                secret_follows = argument.starts_with("--") && is_secret_flag(&argument);
                shown.push(url_or_text(&argument));
            }
        }
    }
    shown.join(" ")
}

/// A text file with the values of secret headers and the passwords of URLs masked, line by line.
///
/// Made for plans, which may carry an `authorization` header: the run directory keeps the plan
/// verbatim but for these.
#[must_use]
pub fn text(source: &str) -> String {
    let mut masked: String = source.lines().map(|line| mask_line(line) + "\n").collect();
    if !source.ends_with('\n') {
        masked.pop();
    }
    masked
}

fn mask_line(line: &str) -> String {
    let mut line = mask_passwords(line);
    let lower = line.to_ascii_lowercase();
    for name in SECRET_HEADERS {
        let Some(at) = lower.find(name) else { continue };
        let after = at + name.len();
        let Some(equals) = lower[after..].find('=').map(|offset| after + offset) else { continue };
        let Some(open) = line[equals..].find(['"', '\'']).map(|offset| equals + offset) else { continue };
        let quote = line[open..].chars().next().unwrap_or('"');
        let close = line[open + 1..].find(quote).map_or(line.len(), |offset| open + 1 + offset);
        line.replace_range(open + 1..close, MASK);
        // One secret header to a line is the rule; a second pass finds another.
        return if line.to_ascii_lowercase() == lower {
            line
        } else {
            mask_rest(&line, open + 1 + MASK.len())
        };
    }
    line
}

fn mask_rest(line: &str, from: usize) -> String {
    let (done, rest) = line.split_at(from.min(line.len()));
    format!("{done}{}", mask_line(rest))
}

/// Masks the password of every `scheme://user:password@` in a line.
fn mask_passwords(line: &str) -> String {
    let mut shown = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find("://") {
        let authority = &rest[at + 3..];
        let end = authority.find(['/', '"', '\'', ' ', '?', '#', ',']).unwrap_or(authority.len());
        shown.push_str(&rest[..at + 3]);
        match authority[..end].rsplit_once('@') {
            Some((user, host)) => {
                let name = user.split_once(':').map_or(user, |(name, _)| name);
                let mask = if user.contains(':') { format!(":{MASK}") } else { String::new() };
                shown.push_str(&format!("{name}{mask}@{host}"));
            }
            None => shown.push_str(&authority[..end]),
        }
        rest = &authority[end..];
    }
    shown.push_str(rest);
    shown
}

fn is_secret_parameter(name: &str) -> bool {
    SECRET_PARAMETERS.contains(&name.to_ascii_lowercase().as_str())
}

fn is_secret_flag(flag: &str) -> bool {
    let flag = flag.trim_start_matches('-').to_ascii_lowercase();
    flag.ends_with("token") || flag.ends_with("password") || flag.ends_with("secret")
}

fn url_or_text(text: &str) -> String {
    if text.contains("://") { url(text) } else { text.to_owned() }
}

fn mask_before_at(text: &str) -> String {
    match text.rsplit_once('@') {
        Some((_, host)) => format!("{MASK}@{host}"),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_keeps_its_shape_and_loses_its_secrets() {
        let line = [
            "hitmark",
            "demo",
            "--redis-url",
            "redis://:pw@h:1/0",
            "--admin-token",
            "abc",
            "--token=x",
            "--quick",
        ];
        let shown = command_line(line.into_iter().map(str::to_owned));
        assert_eq!(
            shown,
            "hitmark demo --redis-url redis://:***@h:1/0 --admin-token *** --token=*** --quick"
        );
    }

    #[test]
    fn a_plan_keeps_its_text_but_for_secret_headers_and_passwords() {
        let plan = "headers = { \"Authorization\" = \"Bearer abc\", accept = \"*/*\", cookie = 'sid=1' }\nbase_url = \"http://me:pw@127.0.0.1/x\"\n";
        let shown = text(plan);
        assert!(!shown.contains("abc") && !shown.contains("pw@") && !shown.contains("sid=1"), "{shown}");
        assert!(shown.contains("accept = \"*/*\"") && shown.contains("http://me:***@127.0.0.1/x"), "{shown}");
    }

    #[test]
    fn a_url_without_a_secret_is_left_alone() {
        assert_eq!(url("postgres://app@db:5432/shop"), "postgres://app@db:5432/shop");
        assert_eq!(url("not a url"), "not a url");
    }
}
