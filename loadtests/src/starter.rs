//! A commented plan to begin with, from the URLs of a service.

use hitmark_schema::experiment::slug;
use url::Url;

/// Experiments of a starter plan at most.
const URLS_MAX: usize = 50;

/// Writes a plan that compares each URL with and without its cache, as far as a header switches it.
///
/// # Errors
///
/// All URLs that cannot be measured, each with its reason.
pub fn starter(urls: &[String]) -> Result<String, Vec<String>> {
    let mut faults = Vec::new();
    if urls.len() > URLS_MAX {
        faults.push(format!("at most {URLS_MAX} URLs, not {}", urls.len()));
    }
    let mut parsed = Vec::new();
    for text in urls {
        let shown = hitmark_schema::redact::url(text);
        match Url::parse(text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => {
                if url.username().is_empty() && url.password().is_none() {
                    parsed.push(url);
                } else {
                    faults.push(format!("'{shown}': put credentials into an authorization header"));
                }
            }
            Ok(_) => faults.push(format!("'{shown}': only http:// and https:// URLs can be measured")),
            Err(error) => faults.push(format!("'{shown}' is not a URL: {error}")),
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let mut names = Vec::new();
    let experiments: String = parsed.iter().map(|url| experiment(url, &mut names)).collect();
    Ok(format!("{}{experiments}", head(&parsed)))
}

fn head(urls: &[Url]) -> String {
    let mut hosts: Vec<String> = urls.iter().filter(|url| !is_loopback(url)).filter_map(host).collect();
    hosts.sort();
    hosts.dedup();
    format!(
        "# A load test of a cache: baseline and candidate take turns every 20 ms, so noise falls on both.\n\
         #   hitmark load check PLAN          validates this file\n\
         #   hitmark load run PLAN --verify   sends each request once and checks it\n\
         #   hitmark load run PLAN            measures\n\
         \n\
         [run]\n\
         seed = 42          # key streams and the order of slices: the same seed sends the same requests\n\
         pairs = 20         # pairs of super-blocks: more pairs, narrower intervals\n\
         # duration_s = 60  # instead of pairs\n\
         warmup_s = 2.0     # load before anything is recorded\n\
         # Hosts beyond this machine. Name only what you may load.\n\
         allow_hosts = {}\n\
         # Give up when something is plainly wrong:\n\
         abort_when = {{ error_ratio = 0.2 }}\n",
        serde_json::Value::from(hosts)
    )
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn host(url: &Url) -> Option<String> {
    Some(url.host_str()?.trim_matches(['[', ']']).to_owned())
}

fn experiment(url: &Url, names: &mut Vec<String>) -> String {
    let path = url.path();
    let mut name = if path == "/" { "front page".to_owned() } else { slug(path).replace('-', " ") };
    if name.is_empty() {
        "request".clone_into(&mut name);
    }
    let same = names.iter().filter(|known| **known == name).count();
    names.push(name.clone());
    if same > 0 {
        name = format!("{name} {}", same + 1);
    }
    let query = url.query().map_or_else(String::new, |query| format!("?{query}"));
    let path = serde_json::Value::from(format!("{path}{query}"));
    let name = serde_json::Value::from(name);
    let base = serde_json::Value::from(url.origin().ascii_serialization());
    format!(
        "\n\
         [[experiment]]\n\
         name = {name}\n\
         differs = \"response cache\"    # the one thing in which both sides differ\n\
         path = {path}\n\
         # Ask for many objects: put {{key}} into the path, and say which keys are popular.\n\
         # keys = {{ dist = \"zipf\", s = 1.0, n = 10000 }}\n\
         users = 4                     # each sends its next request when the last one is answered;\n\
         # rate = 200.0                # or so many requests each second, whatever the answers do\n\
         expect_status = [200]\n\
         # expect = {{ headers = {{ content-type = \"json\" }}, body_contains = \"id\" }}\n\
         # compare_bodies = false      # if bodies change by nature\n\
         [experiment.baseline]\n\
         name = \"uncached\"\n\
         base_url = {base}\n\
         headers = {{ cache-control = \"no-cache\" }}    # what makes the service go past its cache\n\
         [experiment.candidate]\n\
         name = \"cached\"\n\
         base_url = {base}\n\
         # observe = {{ metrics = \"/metrics\", redis = \"redis://127.0.0.1:6379\" }}    # count hits there too\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Plan;

    #[test]
    fn a_starter_plan_passes_its_check() {
        let urls = [
            "http://127.0.0.1:8080/",
            "http://127.0.0.1:8080/items/7?a=b",
            "https://shop.example/items/7",
            "http://[::1]:9/x",
        ];
        let text = starter(&urls.map(str::to_owned)).unwrap();
        let plan = Plan::parse(&text, "new.toml").unwrap_or_else(|mistakes| panic!("{mistakes}\n{text}"));
        let names: Vec<&str> = plan.experiments.iter().map(|experiment| experiment.name.as_str()).collect();
        assert_eq!(names, ["front page", "items 7", "items 7 2", "x"]);
        assert_eq!(plan.experiments[1].describe_requests(), "GET /items/7?a=b");
        assert!(text.contains("allow_hosts = [\"shop.example\"]"), "{text}");
    }

    #[test]
    fn urls_that_cannot_be_measured_are_told_together() {
        let faults = starter(&["ftp://x".to_owned(), "nothing".to_owned(), "http://me:secret@x".to_owned()])
            .unwrap_err();
        assert_eq!(faults.len(), 3);
        assert!(!faults.join(" ").contains("secret"), "{faults:?}");
    }
}
