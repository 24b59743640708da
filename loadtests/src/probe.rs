//! One request beside the load: is a service ready, what does its metrics page say?

use std::sync::Arc;

use crate::request::{Call, RequestTemplate};
use crate::template::Values;
use crate::transport::{BodyUse, Exchange, Target, Transport};

/// Gets a path over a connection of its own.
///
/// # Errors
///
/// What went wrong, in words.
pub(crate) async fn get(target: &Arc<Target>, path: &str) -> Result<Exchange, String> {
    let template = RequestTemplate::get(target.address(), path).map_err(|error| error.to_string())?;
    let mut transport = Transport::new(Arc::clone(target));
    let values = Values::default();
    transport.exchange(&Call::new(&template, &values), BodyUse::Keep).await.map_err(|failure| failure.detail)
}
