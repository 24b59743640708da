//! `Vary`: which request fields select among the stored responses of one URI (RFC 9111 §4.1).
//!
//! Values are compared in a normal form, so that what means the same matches. The form never makes
//! different meanings equal: it joins lines, drops white space around commas, lowers the case where
//! a field's syntax ignores case, and sorts where order means nothing.

use http::header::{ACCEPT_ENCODING, ACCEPT_LANGUAGE, HeaderName, VARY};
use http::{HeaderMap, header};

use super::lists;

/// The most fields in one `Vary` that are followed; a response with more is not stored.
pub(super) const MAX_FIELDS: usize = 16;

/// The request fields that a response names, in a fixed order, each once. `None` if nothing can
/// match: `*`, a name that is no field name, or too many.
#[must_use]
pub fn fields_of(response: &HeaderMap) -> Option<Vec<HeaderName>> {
    let Some(vary) = lists::joined(response, VARY) else { return Some(Vec::new()) };
    let names = lists::split(&vary, b',');
    let mut fields: Vec<HeaderName> = names.into_iter().map(field).collect::<Option<_>>()?;
    fields.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
    fields.dedup();
    (fields.len() <= MAX_FIELDS).then_some(fields)
}

fn field(name: &str) -> Option<HeaderName> {
    // `*` is a legal token, and so would pass for a field name.
    (name != "*").then(|| name.parse().ok()).flatten()
}

/// The values of the fields in a request, in their normal form; `None` for a field that is absent.
#[must_use]
pub fn selection(fields: &[HeaderName], request: &HeaderMap) -> Vec<Option<String>> {
    fields.iter().map(|field| lists::joined(request, field).map(|value| normal(field, &value))).collect()
}

fn normal(field: &HeaderName, value: &str) -> String {
    if *field == header::COOKIE || *field == header::AUTHORIZATION || *field == header::USER_AGENT {
        // No lists: a comma in them is a character like others.
        return lists::trimmed(value).to_owned();
    }
    let ignores_case = [ACCEPT_ENCODING, ACCEPT_LANGUAGE, header::ACCEPT_CHARSET].contains(field);
    let mut members: Vec<String> =
        lists::split(value, b',').into_iter().map(|member| tidy(member, ignores_case)).collect();
    // Without weights every coding is as good as the other (RFC 9110 §12.5.3). The order of languages
    // carries a preference for many clients and origins, so it stays.
    if *field == ACCEPT_ENCODING {
        members.sort_unstable();
        members.dedup();
    }
    members.join(",")
}

/// One member without white space around its parameters.
fn tidy(member: &str, ignores_case: bool) -> String {
    let member = lists::split(member, b';').join(";");
    if ignores_case { member.to_ascii_lowercase() } else { member }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn map(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn the_fields_of_vary_are_a_set_of_names_in_any_case() {
        let names = |lines: &[(&'static str, &'static str)]| {
            fields_of(&map(lines))
                .map(|fields| fields.iter().map(|name| name.as_str().to_owned()).collect::<Vec<_>>())
        };
        let vary = |text| [("vary", text)];
        assert_eq!(names(&[]), Some(vec![]));
        assert_eq!(names(&vary("")), Some(vec![]));
        assert_eq!(names(&vary("Foo, bar,FOO")), Some(vec!["bar".to_owned(), "foo".to_owned()]));
        assert_eq!(names(&[("vary", "b"), ("vary", "a")]), Some(vec!["a".to_owned(), "b".to_owned()]));
        for never in ["*", "a, *", "*, a", "a b", "a,,\u{7f}"] {
            if HeaderValue::from_str(never).is_ok() {
                assert_eq!(names(&vary(never)), None, "{never}");
            }
        }
        assert_eq!(names(&vary("a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q")), None);
    }

    #[test]
    fn values_that_mean_the_same_are_equal_and_others_are_not() {
        for (field, left, right, equal) in [
            ("accept-encoding", "gzip, br", "br,gzip", true),
            ("accept-encoding", "GZIP;q=1", "gzip; q=1", true),
            ("accept-encoding", "gzip;q=0", "gzip", false),
            ("accept-language", "en, De", "EN,de", true),
            ("accept-language", "en, de", "de, en", false),
            ("x-a", "1, 2", "1,2", true),
            ("x-a", "a", "A", false),
            ("x-a", "\"1, 2\"", "\"1,2\"", false),
            ("cookie", "a=1, 2", "a=1,2", false),
            ("user-agent", "x", "X", false),
        ] {
            let fields = [HeaderName::from_static(field)];
            let select = |value| selection(&fields, &map(&[(field, value)]));
            assert_eq!(select(left) == select(right), equal, "{field}: {left} / {right}");
        }
        let fields = [HeaderName::from_static("x-a")];
        assert_eq!(
            selection(&fields, &map(&[("x-a", "1"), ("x-a", "2")])),
            selection(&fields, &map(&[("x-a", "1, 2")]))
        );
        assert_ne!(selection(&fields, &map(&[])), selection(&fields, &map(&[("x-a", "")])));
    }
}
