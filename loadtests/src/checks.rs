//! Whether an answer is what the plan expects: headers, body, length. The status is judged before.

use crate::plan::Expect;
use crate::transport::Headers;

/// Why an answer is refused; none if it is right. `body` is the decoded body.
#[must_use]
pub(crate) fn refusal(expect: &Expect, headers: &Headers, body_bytes: u64, body: &[u8]) -> Option<String> {
    for (name, wanted) in &expect.headers {
        let found = headers.text(name);
        match found {
            None => return Some(format!("header {name} is missing")),
            Some(found) if !found.contains(wanted.as_str()) => {
                return Some(format!("header {name} is '{found}', which lacks '{wanted}'"));
            }
            Some(_) => {}
        }
    }
    if let Some(least) = expect.bytes_min.filter(|least| body_bytes < *least) {
        return Some(format!("the body has {body_bytes} bytes, at least {least} are expected"));
    }
    if !expect.needs_body() {
        return None;
    }
    if let Some(text) = expect.contains.iter().find(|text| !holds(body, text)) {
        return Some(format!("the body lacks '{text}'"));
    }
    if let Some(text) = expect.lacks.iter().find(|text| holds(body, text)) {
        return Some(format!("the body holds '{text}'"));
    }
    json(expect, body)
}

fn json(expect: &Expect, body: &[u8]) -> Option<String> {
    if expect.json.is_empty() {
        return None;
    }
    let document: serde_json::Value = match serde_json::from_slice(body) {
        Ok(document) => document,
        Err(error) => return Some(format!("the body is not JSON: {error}")),
    };
    expect.json.iter().find_map(|(pointer, wanted)| match document.pointer(pointer) {
        None => Some(format!("the body has nothing at '{pointer}'")),
        Some(found) if found != wanted => Some(format!("the body has {found} at '{pointer}', not {wanted}")),
        Some(_) => None,
    })
}

fn holds(body: &[u8], text: &str) -> bool {
    text.is_empty() || body.windows(text.len()).any(|window| window == text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_expectation_refuses_with_its_own_words() {
        let headers: Headers = [("content-type", "application/json")].into_iter().collect();
        let body = br#"{"id": 3, "name": "hat"}"#;
        let with = |change: fn(&mut Expect)| {
            let mut expect = Expect::default();
            change(&mut expect);
            refusal(&expect, &headers, body.len() as u64, body)
        };
        assert_eq!(with(|_| {}), None);
        assert_eq!(with(|expect| expect.headers.push(("content-type".into(), "json".into()))), None);
        assert_eq!(with(|expect| expect.json.push(("/id".into(), 3.into()))), None);
        for (change, part) in [
            (
                (|expect| expect.headers.push(("content-type".into(), "xml".into()))) as fn(&mut Expect),
                "lacks 'xml'",
            ),
            (|expect| expect.headers.push(("etag".into(), String::new())), "etag is missing"),
            (|expect| expect.contains.push("shoe".into()), "lacks 'shoe'"),
            (|expect| expect.lacks.push("hat".into()), "holds 'hat'"),
            (|expect| expect.json.push(("/id".into(), 4.into())), "has 3 at '/id', not 4"),
            (|expect| expect.json.push(("/x".into(), 4.into())), "nothing at '/x'"),
            (|expect| expect.bytes_min = Some(1_000), "at least 1000"),
        ] {
            let told = with(change).unwrap_or_default();
            assert!(told.contains(part), "wanted {part}, told {told}");
        }
        let not_json = Expect { json: vec![("/a".into(), 1.into())], ..Expect::default() };
        assert!(refusal(&not_json, &headers, 3, b"abc").unwrap().contains("not JSON"));
    }
}
