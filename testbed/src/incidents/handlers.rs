//! The incident service's endpoints.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, RawQuery, State};
use axum::http::header::{ACCEPT, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;

use super::model::{NewIncident, Processing, ROLES, permissions};
use super::queries::Loading;
use super::{keys, media, policies, queries, writes};
use crate::answer::{Failure, Question, answer, failed, found, written};
use crate::app::{App, Endpoint};
use crate::changes::Cleared;
use crate::freshness;
use crate::media::photo::{PhotoFormat, PhotoSize, for_web};
use crate::media::{MediaError, occupied};
use crate::parameters::{Mistakes, Parameters, number};
use crate::reply::{self, bad, of_type};
use crate::variant::RequestVariant;

const PAGE_MAX: u32 = 1_000_000;
/// The largest photo that is taken, and a little for who rounds up.
const UPLOAD_BYTES_MAX: usize = 11 * 1024 * 1024;
const TEXT_CHARS_MAX: usize = 4_000;
const NO_STORE: &str = "there is no such store";
const NO_USER: &str = "there is no such user";
const NO_INCIDENT: &str = "there is no such incident";
/// The request header that says who asks, in place of a login.
const USER: &str = "hitmark-user";

/// Which page of whose list is asked for, and by whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ListParameters {
    pub(super) store: i64,
    pub(super) user: i64,
    pub(super) page: u32,
}

/// The incident service's routes.
pub(crate) fn routes(app: &Arc<App>) -> Router {
    let upload = app.post("/incident/photos", upload).layer(DefaultBodyLimit::max(UPLOAD_BYTES_MAX));
    Router::new()
        .merge(app.route("/incident/stores/{id}", store))
        .merge(app.route("/incident/stores/{id}/incidents", list))
        .merge(app.route("/incident/users/{id}/permissions", user_permissions))
        .merge(app.post("/incident/users/{id}/role", set_role))
        .merge(app.route("/incident/incidents/{id}/photo", photo))
        .merge(app.route("/incident/incidents/{id}/report.pdf", report))
        .merge(app.post("/incident/incidents", create))
        .merge(upload)
}

async fn store(
    State(endpoint): State<Endpoint>,
    variant: RequestVariant,
    Path(id): Path<String>,
) -> Result<Response, Response> {
    let id = number(&id).map_err(bad)?;
    let question = Question { variant, key: keys::store(id), policy: &policies::STORE, absent: NO_STORE };
    let origin = async move |endpoint: Endpoint| {
        let mut session = endpoint.session().await?;
        found(queries::store(&mut session, id).await?)
    };
    Ok(answer(&endpoint, question, origin).await)
}

/// `?loading=each` asks for the rows one by one: the answer is the same, the price is not.
async fn list(
    State(endpoint): State<Endpoint>,
    variant: RequestVariant,
    Path(id): Path<String>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Response> {
    let store = number(&id).map_err(bad)?;
    let user = reader(&headers)
        .ok_or_else(|| reply::who_asks(&format!("say who asks: header {USER} with the number of a user")))?;
    let mut parameters = Parameters::read(query.as_deref(), &["page", "loading"]);
    let page = parameters.number("page", 1, 1..=PAGE_MAX);
    let loading = parameters.one_of("loading", &[("joined", Loading::Joined), ("each", Loading::Each)]);
    let list = parameters.finish(ListParameters { store, user, page }).map_err(bad)?;
    let question =
        Question { variant, key: keys::incidents(&list), policy: &policies::LIST, absent: NO_USER };
    let origin = async move |endpoint: Endpoint| {
        let mut session = endpoint.session().await?;
        found(queries::list(&mut session, &list, loading).await?)
    };
    // For this reader alone: a shared cache on the way must not keep it.
    let mut response = freshness::private(answer(&endpoint, question, origin).await);
    response.headers_mut().insert(VARY, HeaderValue::from_static(USER));
    Ok(response)
}

async fn user_permissions(
    State(endpoint): State<Endpoint>,
    variant: RequestVariant,
    Path(id): Path<String>,
) -> Result<Response, Response> {
    let id = number(&id).map_err(bad)?;
    let question =
        Question { variant, key: keys::permissions(id), policy: &policies::PERMISSIONS, absent: NO_USER };
    let origin = async move |endpoint: Endpoint| {
        let mut session = endpoint.session().await?;
        found(queries::role(&mut session, id).await?.map(|role| permissions(&role)))
    };
    Ok(answer(&endpoint, question, origin).await)
}

/// WebP for who names it in `Accept`; `?size=thumbnail` for lists.
async fn photo(
    State(endpoint): State<Endpoint>,
    variant: RequestVariant,
    Path(id): Path<String>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Response> {
    let id = number(&id).map_err(bad)?;
    let mut parameters = Parameters::read(query.as_deref(), &["size"]);
    let size = parameters.one_of("size", &[("main", PhotoSize::Main), ("thumbnail", PhotoSize::Thumbnail)]);
    let size = parameters.finish(size).map_err(bad)?;
    let format = PhotoFormat::accepted(headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()));
    let key = keys::photo(id, format, size);
    let question = Question { variant, key, policy: &policies::PHOTO, absent: NO_INCIDENT };
    let origin = async move |endpoint: Endpoint| {
        let found = queries::exists(&mut endpoint.session().await?, id).await?;
        if !found {
            return Ok(reply::absent());
        }
        Ok(occupied(move || media::photo(id, format, size)).await?)
    };
    let mut response = answer(&endpoint, question, origin).await;
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept"));
    Ok(of_type(response, format.media_type()))
}

async fn report(
    State(endpoint): State<Endpoint>,
    variant: RequestVariant,
    Path(id): Path<String>,
) -> Result<Response, Response> {
    let id = number(&id).map_err(bad)?;
    let question =
        Question { variant, key: keys::report(id), policy: &policies::REPORT, absent: NO_INCIDENT };
    let origin = async move |endpoint: Endpoint| {
        let incident = queries::incident(&mut endpoint.session().await?, id).await?;
        let Some(incident) = incident else { return Ok(reply::absent()) };
        Ok(occupied(move || media::report(&incident)).await?)
    };
    Ok(of_type(answer(&endpoint, question, origin).await, "application/pdf"))
}

/// `?processing=queued` leaves the report and the mail to a worker: the answer comes before them.
async fn create(
    State(endpoint): State<Endpoint>,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Result<Response, Response> {
    let mut parameters = Parameters::read(query.as_deref(), &["processing"]);
    let processing =
        parameters.one_of("processing", &[("inline", Processing::Inline), ("queued", Processing::Queued)]);
    let processing = parameters.finish(processing).map_err(bad)?;
    let new: NewIncident = serde_json::from_slice(&body)
        .map_err(|error| bad(Mistakes::one("body", format!("is no incident: {error}"))))?;
    let lengths = [("title", &new.title, 1), ("details", &new.details, 0)];
    for (name, text, min) in lengths {
        if !(min..=TEXT_CHARS_MAX).contains(&text.chars().count()) || text.contains('\0') {
            let problem = format!("must be a text of {min} to {TEXT_CHARS_MAX} characters");
            return Err(bad(Mistakes::one(name, problem)));
        }
    }
    match writes::create(&endpoint, &new, processing).await {
        Ok(Some(created)) => Ok(written(&endpoint, StatusCode::CREATED, &created)),
        Ok(None) => Err(reply::not_found("there is no such store or no such user")),
        Err(failure) => Err(failed(&endpoint, Some(&failure), &failure)),
    }
}

async fn set_role(
    State(endpoint): State<Endpoint>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Response> {
    let id = number(&id).map_err(bad)?;
    let mut parameters = Parameters::read(query.as_deref(), &["role"]);
    let role = parameters.one_of("role", &ROLES.map(|role| (role, role)));
    let role = parameters.finish(role).map_err(bad)?;
    match writes::set_role(&endpoint, id, role).await {
        Ok(Some(Cleared { entries, is_fresh })) => {
            let body = serde_json::json!({
                "user": id,
                "role": role,
                "invalidated": entries,
                "cache_is_fresh": is_fresh,
            });
            Ok(written(&endpoint, StatusCode::OK, &body))
        }
        Ok(None) => Err(reply::not_found(NO_USER)),
        Err(failure) => Err(failed(&endpoint, Some(&failure), &failure)),
    }
}

/// Takes a photo, makes it fit for the web, and tells what that saved.
async fn upload(State(endpoint): State<Endpoint>, body: Bytes) -> Result<Response, Response> {
    let bytes_in = body.len();
    let made = occupied(move || for_web(&body, PhotoFormat::Jpeg)).await;
    match made {
        Ok(photo) => {
            let body = serde_json::json!({ "bytes_in": bytes_in, "bytes_out": photo.len() });
            Ok(written(&endpoint, StatusCode::OK, &body))
        }
        Err(error @ (MediaError::Unreadable(_) | MediaError::TooLarge { .. })) => {
            Err(reply::unsupported(&error.to_string()))
        }
        Err(error) => {
            let failure = Failure::Media(error);
            Err(failed(&endpoint, Some(&failure), &failure))
        }
    }
}

fn reader(headers: &HeaderMap) -> Option<i64> {
    headers.get(USER)?.to_str().ok()?.parse().ok().filter(|user| *user > 0)
}
