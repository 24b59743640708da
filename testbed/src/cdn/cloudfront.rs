//! CloudFront's programming interface, of which one call is used: `CreateInvalidation` of version
//! 2020-05-31, signed by AWS Signature Version 4.

use std::sync::Arc;

use http::Method;
use http::header::CONTENT_TYPE;
use jiff::Timestamp;
use object_store::aws::{AwsAuthorizer, AwsCredential};
use object_store::client::HttpRequest;

use super::config::CdnConfig;
use super::error::CdnError;
use super::http::Client;
use super::store;

const ENDPOINT: &str = "https://cloudfront.amazonaws.com";
const VERSION: &str = "2020-05-31";
const SERVICE: &str = "cloudfront";
/// CloudFront is everywhere, and signs as if it were here.
const REGION: &str = "us-east-1";

/// The most paths of one call that the service allows to be under way at once.
pub(super) const PATHS_MAX: usize = 3_000;

/// Asks a distribution to forget paths; the invalidation's id. It is done some minutes later.
pub(super) async fn invalidate(
    config: &CdnConfig,
    distribution: &str,
    paths: &[String],
) -> Result<String, CdnError> {
    let endpoint =
        config.cloudfront.endpoint.as_ref().map_or(ENDPOINT, |url| url.as_str().trim_end_matches('/'));
    let url = format!("{endpoint}/{VERSION}/distribution/{distribution}/invalidation");
    let failed = |reason: String| CdnError::Edge { url: url.clone(), reason };
    let credential = credential(config).await.map_err(|error| failed(error.to_string()))?;
    let body = batch(paths, &format!("hitmark-{}", Timestamp::now().as_nanosecond()));
    let mut request: HttpRequest = http::Request::builder()
        .method(Method::POST)
        .uri(&url)
        .header(CONTENT_TYPE, "text/xml")
        .body(body.into())
        .map_err(|error| failed(error.to_string()))?;
    let authorizer = AwsAuthorizer::new(&credential, SERVICE, REGION);
    authorizer.try_authorize(&mut request, None).map_err(|error| failed(error.to_string()))?;
    let answer = Client::new()?.send(request).await?;
    let text = String::from_utf8_lossy(&answer.body);
    if !answer.status.is_success() {
        let message = element(&text, "Message").or_else(|| element(&text, "Code")).unwrap_or_default();
        return Err(failed(format!("answered {}: {message}", answer.status)));
    }
    let id = element(&text, "Id").ok_or_else(|| failed("answered without an invalidation".to_owned()))?;
    Ok(id.to_owned())
}

/// The credentials that S3 would take: of the configuration, the environment or the machine.
async fn credential(config: &CdnConfig) -> object_store::Result<Arc<AwsCredential>> {
    // A client of S3 only finds them; nothing is sent to a bucket.
    store::s3(config, "none")?.credentials().get_credential().await
}

/// The body of the call.
fn batch(paths: &[String], reference: &str) -> String {
    let items: String = paths.iter().map(|path| format!("<Path>{}</Path>", escaped(path))).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
         <InvalidationBatch xmlns=\"http://cloudfront.amazonaws.com/doc/{VERSION}/\">\
         <Paths><Quantity>{}</Quantity><Items>{items}</Items></Paths>\
         <CallerReference>{}</CallerReference></InvalidationBatch>",
        paths.len(),
        escaped(reference)
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The text of the first element of that name; enough for answers of two levels.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(text, _)| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_names_its_paths_escaped_and_counts_them() {
        let text = batch(&["/a&b.css".to_owned(), "/<x>*".to_owned()], "r");
        assert!(text.contains("<Quantity>2</Quantity>"), "{text}");
        assert!(text.contains("<Path>/a&amp;b.css</Path><Path>/&lt;x&gt;*</Path>"), "{text}");
        assert_eq!(element(&text, "CallerReference"), Some("r"));
    }

    #[test]
    fn an_element_that_is_not_there_is_none() {
        assert_eq!(element("<Id>I1</Id><Id>I2</Id>", "Id"), Some("I1"));
        for xml in ["", "<Id>", "<Id/>", "<Ids>1</Ids>"] {
            assert_eq!(element(xml, "Id"), None, "{xml}");
        }
    }
}
