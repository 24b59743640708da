//! kombu's envelope on Redis: a JSON object whose body is JSON again, mostly in base64.
//!
//! It is separate because events, replies and our own requests share it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// The headers and the body of a message; `None` if it is none or its body is not JSON.
pub(crate) fn open(text: &str) -> Option<(Value, Value)> {
    let mut message: Value = serde_json::from_str(text).ok()?;
    if message["content-type"].as_str() != Some("application/json") {
        return None;
    }
    let body = message["body"].as_str()?;
    let body = match message["properties"]["body_encoding"].as_str() {
        Some("base64") => serde_json::from_slice(&STANDARD.decode(body).ok()?).ok()?,
        _ => serde_json::from_str(body).ok()?,
    };
    Some((message["headers"].take(), body))
}

/// A message as kombu publishes it.
pub(crate) fn seal(exchange: &str, tag: &str, body: &Value) -> String {
    json!({
        "body": STANDARD.encode(body.to_string()),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {"clock": 1},
        "properties": {
            "delivery_mode": 1,
            "delivery_info": {"exchange": exchange, "routing_key": ""},
            "priority": 0,
            "body_encoding": "base64",
            "delivery_tag": tag,
        },
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_can_be_opened_and_nothing_else() {
        let body = json!({"method": "ping", "text": "é"});
        assert_eq!(open(&seal("x", "tag", &body)), Some((json!({"clock": 1}), body)));
        let plain = r#"{"body":"[1]","content-type":"application/json","headers":{},"properties":{}}"#;
        assert_eq!(open(plain), Some((json!({}), json!([1]))));
        for text in ["", "[]", "{}", &plain.replace("json", "x-python-serialize"), &plain.replace("[1]", "[")]
        {
            assert_eq!(open(text), None, "{text}");
        }
    }
}
