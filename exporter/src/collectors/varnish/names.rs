//! What a counter of varnishstat is called on the page, as prometheus_varnish_exporter calls it.
//!
//! `MAIN.cache_hit` is `varnish_main_cache_hit`; `LCK.ban.locks` is
//! `varnish_lock_operations{target="ban"}`; `VBE.boot.shop.req` is
//! `varnish_backend_req{backend="shop",server="unknown"}`. Pure.

/// A name with its labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) name: String,
    pub(super) labels: Vec<(String, String)>,
}

/// Prefixes in varnishstat and the group that each is on the page.
const GROUPS: [(&str, &str); 7] = [
    ("vbe.", "backend"),
    ("mempool.", "mempool"),
    ("lck.", "lck"),
    ("sma.", "sma"),
    ("smf.", "smf"),
    ("mgt.", "mgt"),
    ("main.", "main"),
];

/// Names that are spelled out.
const RENAMED: [(&str, &str); 4] = [
    ("lck_colls", "lock_collisions"),
    ("lck_creat", "lock_created"),
    ("lck_destroy", "lock_destroyed"),
    ("lck_locks", "lock_operations"),
];

/// Names that differ in a type, which becomes a label: their stem, their sum, the name on the page.
const GROUPED: [(&str, &str, &str); 3] = [
    ("main_fetch_", "main_s_fetch", "main_fetch"),
    ("main_sess_", "main_s_sess", "main_sessions"),
    ("main_n_wrk_", "main_n_wrk", "main_worker_threads"),
];

/// Names a counter. `ident` is what servers before 5.2 tell apart.
pub(super) fn name(counter: &str, ident: Option<&str>) -> Named {
    let lower = counter.to_ascii_lowercase();
    let (prefix, group) =
        GROUPS.iter().find(|(prefix, _)| lower.starts_with(prefix)).copied().unwrap_or(("", "main"));
    let rest = &lower[prefix.len()..];
    // `identity.field`; an identity may have dots of its own, a field has none.
    let (identity, field) = match ident.map(str::to_ascii_lowercase) {
        Some(ident) if !ident.is_empty() => (Some(ident.clone()), rest.replacen(&format!("{ident}."), "", 1)),
        _ if lower.matches('.').count() > 1 => match rest.rsplit_once('.') {
            Some((identity, field)) => (Some(identity.to_owned()), field.to_owned()),
            None => (None, rest.to_owned()),
        },
        _ => (None, rest.to_owned()),
    };
    let stem = format!("{group}_{}", field.replace(|ch: char| !ch.is_ascii_alphanumeric(), "_"));
    let renamed = RENAMED.iter().find(|(old, _)| *old == stem).map(|(_, new)| (*new).to_owned());
    let stem = renamed.unwrap_or(stem);
    let mut labels = identity.map(|identity| identity_labels(&stem, group, &identity)).unwrap_or_default();
    let stem = grouped(stem, &mut labels);
    Named { name: format!("varnish_{stem}"), labels }
}

fn identity_labels(stem: &str, group: &str, identity: &str) -> Vec<(String, String)> {
    let label = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    match group {
        "backend" => {
            let (backend, server) = backend(identity);
            vec![label("backend", backend), label("server", &server)]
        }
        "sma" | "smf" => vec![label("type", identity)],
        _ if stem.starts_with("lock_") => vec![label("target", identity)],
        _ => vec![label("id", identity)],
    }
}

fn grouped(stem: String, labels: &mut Vec<(String, String)>) -> String {
    for (prefix, sum, name) in GROUPED {
        if stem == sum {
            return format!("{name}_total");
        }
        if let Some(kind) = stem.strip_prefix(prefix).filter(|kind| !kind.is_empty()) {
            labels.push(("type".to_owned(), kind.to_owned()));
            return name.to_owned();
        }
    }
    stem
}

/// Name and server of a backend: `boot.shop`, `shop(10.0.0.1,,8080)` or, in version 4,
/// `6a6d…-….shop` with an identifier before the name.
fn backend(identity: &str) -> (&str, String) {
    if let Some((uuid, name)) = identity.split_at_checked(36)
        && uuid.bytes().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
    {
        return (without_vcl(name), uuid.to_owned());
    }
    match identity.split_once('(') {
        Some((name, address)) => {
            let address = address.split(')').next().unwrap_or_default();
            (without_vcl(name), address.replacen(",,", ":", 1))
        }
        None => (without_vcl(identity), "unknown".to_owned()),
    }
}

/// The backend's name without the VCL that it was loaded by.
fn without_vcl(name: &str) -> &str {
    let name = name.trim_matches('.');
    let name = name.strip_prefix("boot.").or_else(|| name.strip_prefix("root:")).unwrap_or(name);
    if name.starts_with("reload_") {
        return name.split_once('.').map_or(name, |(_, name)| name);
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_dashboards_know() {
        for (counter, ident, wanted, labels) in [
            ("MAIN.cache_hit", "", "varnish_main_cache_hit", &[][..]),
            ("MGT.child_panic", "", "varnish_mgt_child_panic", &[]),
            ("MAIN.fetch_head", "", "varnish_main_fetch", &[("type", "head")]),
            ("MAIN.s_fetch", "", "varnish_main_fetch_total", &[]),
            ("MAIN.sess_conn", "", "varnish_main_sessions", &[("type", "conn")]),
            ("MAIN.s_sess", "", "varnish_main_sessions_total", &[]),
            ("MAIN.n_wrk", "", "varnish_main_worker_threads_total", &[]),
            ("LCK.ban.locks", "", "varnish_lock_operations", &[("target", "ban")]),
            ("LCK.ban.dbg_busy", "", "varnish_lck_dbg_busy", &[("id", "ban")]),
            ("SMA.s0.g_bytes", "", "varnish_sma_g_bytes", &[("type", "s0")]),
            ("SMF.s1.g_smf_frag", "", "varnish_smf_g_smf_frag", &[("type", "s1")]),
            ("MEMPOOL.busyobj.live", "", "varnish_mempool_live", &[("id", "busyobj")]),
            ("VBE.boot.shop.req", "", "varnish_backend_req", &[("backend", "shop"), ("server", "unknown")]),
            (
                "VBE.reload_20191014_091124_78599.shop.happy",
                "",
                "varnish_backend_happy",
                &[("backend", "shop"), ("server", "unknown")],
            ),
            (
                "VBE.shop(10.0.0.1,,8080).happy",
                "",
                "varnish_backend_happy",
                &[("backend", "shop"), ("server", "10.0.0.1:8080")],
            ),
            (
                "VBE.6a6d9f57-0f44-4a2b-9f32-8f0d9a4a8c10.shop.req",
                "6a6d9f57-0f44-4a2b-9f32-8f0d9a4a8c10.shop",
                "varnish_backend_req",
                &[("backend", "shop"), ("server", "6a6d9f57-0f44-4a2b-9f32-8f0d9a4a8c10")],
            ),
            ("LCK.sms.creat", "sms", "varnish_lock_created", &[("target", "sms")]),
            ("cache_hit", "", "varnish_main_cache_hit", &[]),
        ] {
            let named = name(counter, Some(ident));
            let got: Vec<(&str, &str)> =
                named.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            assert_eq!((named.name.as_str(), got.as_slice()), (wanted, labels), "{counter}");
        }
    }
}
