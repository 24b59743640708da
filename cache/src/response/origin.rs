//! The service behind the cache, as the cache needs it: something that can be asked again.

use std::future::Future;
use std::marker::PhantomData;

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use http_body::Body;
use tower::{Service, ServiceExt as _};

/// What can be asked for a response, any number of times.
pub(super) trait Origin: Clone + Send + Sync + 'static {
    /// The body of its responses.
    type Out: Body<Data = Bytes, Error: Send> + Send + 'static;
    /// Its failures.
    type Error: Send;

    /// Asks with a request that has no body.
    fn ask(&self, parts: Parts) -> impl Future<Output = Result<Response<Self::Out>, Self::Error>> + Send;
}

/// A tower service as an origin.
pub(super) struct Inner<S, In>(S, PhantomData<fn() -> In>);

impl<S, In> Inner<S, In> {
    pub(super) fn new(service: S) -> Self {
        Self(service, PhantomData)
    }
}

impl<S: Clone, In> Clone for Inner<S, In> {
    fn clone(&self) -> Self {
        Self::new(self.0.clone())
    }
}

impl<S, In, Out> Origin for Inner<S, In>
where
    S: Service<Request<In>, Response = Response<Out>> + Clone + Send + Sync + 'static,
    S::Future: Send,
    S::Error: Send,
    In: Default + Send + 'static,
    Out: Body<Data = Bytes> + Send + 'static,
    Out::Error: Send,
{
    type Out = Out;
    type Error = S::Error;

    async fn ask(&self, parts: Parts) -> Result<Response<Out>, S::Error> {
        self.0.clone().oneshot(Request::from_parts(parts, In::default())).await
    }
}
