//! How a layout asks: a pipeline of commands in, replies out; and plain readings of a reply.
//!
//! It is separate so that a layout knows neither the client nor its deadline.

use futures::future::BoxFuture;

use crate::failure::Failure;
use crate::redis_client::Reply;

/// One command with its arguments.
pub type Request = Vec<String>;

/// A connection on which a layout asks.
pub trait Ask: Send {
    /// Asks all commands in one round trip; the replies stand in their order.
    fn pipeline<'a>(&'a mut self, commands: &'a [Request]) -> BoxFuture<'a, Result<Vec<Reply>, Failure>>;
}

/// Asks what there is to ask; the reply to nothing is [`Reply::Nil`].
pub(crate) async fn pipeline_of(
    ask: &mut dyn Ask,
    commands: Vec<Option<Request>>,
) -> Result<Vec<Reply>, Failure> {
    let is_asked: Vec<bool> = commands.iter().map(Option::is_some).collect();
    let commands: Vec<Request> = commands.into_iter().flatten().collect();
    let mut replies =
        if commands.is_empty() { Vec::new() } else { ask.pipeline(&commands).await? }.into_iter();
    Ok(is_asked
        .into_iter()
        .map(|is| if is { replies.next().unwrap_or(Reply::Nil) } else { Reply::Nil })
        .collect())
}

/// A command of these words.
pub(crate) fn request(words: &[&str]) -> Request {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// The number of an integer reply that is not negative.
pub(crate) fn number(reply: Option<&Reply>) -> Option<u64> {
    match reply? {
        Reply::Int(number) => u64::try_from(*number).ok(),
        Reply::Text(text) => text.parse().ok(),
        _ => None,
    }
}

/// The text of a text reply.
pub(crate) fn text(reply: Option<&Reply>) -> Option<&str> {
    match reply? {
        Reply::Text(text) => Some(text),
        _ => None,
    }
}

/// The texts of a list reply.
pub(crate) fn texts(reply: Option<&Reply>) -> Vec<&str> {
    match reply {
        Some(Reply::List(items)) => items.iter().filter_map(|item| text(Some(item))).collect(),
        _ => Vec::new(),
    }
}

/// The cursor and the items of a SCAN or HSCAN reply.
pub(crate) fn step(reply: Option<&Reply>) -> Option<(&str, Vec<&str>)> {
    match reply? {
        Reply::List(parts) => Some((text(parts.first())?, texts(parts.get(1)))),
        _ => None,
    }
}

/// A refusal is an error of the whole reading where every number hangs on it.
pub(crate) fn refused(replies: &[Reply]) -> Result<(), Failure> {
    match replies.iter().find_map(|reply| if let Reply::Refused(text) = reply { Some(text) } else { None }) {
        Some(text) => Err(Failure::Refused(text.clone())),
        None => Ok(()),
    }
}
