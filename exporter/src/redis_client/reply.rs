//! What a Redis server answers, in plain values.
//!
//! It is apart from the client so that collectors and their tests know it without a connection.

use redis::Value;

use crate::failure::Failure;

/// How deep an answer may nest. The deepest that we ask for is three.
const DEPTH_MAX: usize = 8;

/// What a Redis server answers, without the client library's types.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// No value.
    Nil,
    /// An integer.
    Int(i64),
    /// Text; bytes that are not UTF-8 are replaced.
    Text(String),
    /// A list; a map is a list of keys and values in turn.
    List(Vec<Reply>),
    /// The server refused the command, with its words.
    Refused(String),
}

impl Reply {
    /// The library's value as ours.
    pub(super) fn of(value: Value) -> Self {
        reply_of(value, DEPTH_MAX)
    }

    /// Reads one reply as the server writes it (RESP).
    ///
    /// # Errors
    /// [`Failure::Answer`] if the bytes are no complete reply.
    pub fn from_resp(bytes: &[u8]) -> Result<Self, Failure> {
        redis::parse_redis_value(bytes).map(Self::of).map_err(|error| Failure::Answer(error.to_string()))
    }
}

fn reply_of(value: Value, depth: usize) -> Reply {
    if depth == 0 {
        return Reply::Nil;
    }
    let list = |items: Vec<Value>| items.into_iter().map(|item| reply_of(item, depth - 1)).collect();
    match value {
        Value::Nil => Reply::Nil,
        Value::Int(number) => Reply::Int(number),
        Value::Boolean(truth) => Reply::Int(i64::from(truth)),
        Value::BulkString(bytes) => Reply::Text(text_of(bytes)),
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => Reply::Text(text),
        Value::Okay => Reply::Text("OK".to_owned()),
        Value::Double(number) => Reply::Text(number.to_string()),
        Value::Array(items) | Value::Set(items) | Value::Push { data: items, .. } => Reply::List(list(items)),
        Value::Map(pairs) => Reply::List(list(pairs.into_iter().flat_map(|(k, v)| [k, v]).collect())),
        Value::Attribute { data, .. } => reply_of(*data, depth - 1),
        Value::ServerError(error) => Reply::Refused(error.to_string()),
        _ => Reply::Nil,
    }
}

pub(super) fn text_of(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
