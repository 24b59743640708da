//! The score report generator's endpoints.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::Response;

use super::document::printed;
use super::model::NewReport;
use super::writes::Refused;
use super::{document, keys, login, policies, queries, writes};
use crate::answer::{Failure, Question, answer, failed, found, written};
use crate::app::{App, Endpoint};
use crate::media::occupied;
use crate::parameters::{Mistakes, Parameters, number};
use crate::reply::{self, bad, of_type};
use crate::tasks::Task;
use crate::variant::RequestVariant;

const SECTIONS_MAX: usize = 20;
const QUESTIONS_MAX: i64 = 1_000;
const TEXT_CHARS_MAX: usize = 200;
const NO_USER: &str = "there is no such user";
const NO_REPORT: &str = "there is no such report";

/// When a document is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Processing {
    Inline,
    Queued,
}

/// The score report generator's routes.
pub(crate) fn routes(app: &Arc<App>) -> Router {
    Router::new()
        .merge(app.route("/score/users/{id}/reports", list))
        .merge(app.route("/score/reports/{id}", details))
        .merge(app.route("/score/reports/{id}/document.pdf", pdf))
        .merge(app.post("/score/reports/{id}/document", print))
        .merge(app.post("/score/reports", create))
        .merge(login::routes(app))
}

async fn list(
    State(endpoint): State<Endpoint>,
    variant: RequestVariant,
    Path(id): Path<String>,
) -> Result<Response, Response> {
    let user = number(&id).map_err(bad)?;
    Ok(reports_of(&endpoint, variant, user).await)
}

/// A user's reports: of a path, or of a session.
pub(super) async fn reports_of(endpoint: &Endpoint, variant: RequestVariant, user: i64) -> Response {
    let question =
        Question { variant, key: keys::reports_of(user), policy: &policies::LIST, absent: NO_USER };
    let origin =
        async move |endpoint: Endpoint| found(queries::list(&mut endpoint.session().await?, user).await?);
    let mut response = answer(endpoint, question, origin).await;
    // For this user alone: a shared cache on the way must not keep it.
    response
        .headers_mut()
        .insert(CACHE_CONTROL, const { axum::http::HeaderValue::from_static("private, max-age=300") });
    response
}

async fn details(
    State(endpoint): State<Endpoint>,
    variant: RequestVariant,
    Path(id): Path<String>,
) -> Result<Response, Response> {
    let id = number(&id).map_err(bad)?;
    let question = Question { variant, key: keys::report(id), policy: &policies::DETAILS, absent: NO_REPORT };
    let origin =
        async move |endpoint: Endpoint| found(queries::report(&mut endpoint.session().await?, id).await?);
    Ok(answer(&endpoint, question, origin).await)
}

async fn pdf(
    State(endpoint): State<Endpoint>,
    variant: RequestVariant,
    Path(id): Path<String>,
) -> Result<Response, Response> {
    let id = number(&id).map_err(bad)?;
    let question =
        Question { variant, key: keys::document(id), policy: &policies::DOCUMENT, absent: NO_REPORT };
    let origin = async move |endpoint: Endpoint| {
        let report = queries::report(&mut endpoint.session().await?, id).await?;
        let Some(report) = report else { return Ok(reply::absent()) };
        Ok(occupied(move || printed(&report)).await?)
    };
    let response = answer(&endpoint, question, origin).await;
    Ok(of_type(response, "application/pdf"))
}

/// `?processing=queued` leaves the printing to a worker: the answer names the task.
async fn print(
    State(endpoint): State<Endpoint>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Response> {
    let id = number(&id).map_err(bad)?;
    let mut parameters = Parameters::read(query.as_deref(), &["processing"]);
    let ways = [("inline", Processing::Inline), ("queued", Processing::Queued)];
    let processing = parameters.one_of("processing", &ways);
    let processing = parameters.finish(processing).map_err(bad)?;
    let answered = match processing {
        Processing::Inline => print_now(&endpoint, id).await,
        Processing::Queued => {
            let left = endpoint.app.tasks.leave(Task::PrintDocument { report: id }, None).await;
            left.map(|task| Some(serde_json::json!({ "task": task }))).map_err(Failure::from)
        }
    };
    let status = if processing == Processing::Inline { StatusCode::OK } else { StatusCode::ACCEPTED };
    match answered {
        Ok(Some(body)) => Ok(written(&endpoint, status, &body)),
        Ok(None) => Err(reply::not_found(NO_REPORT)),
        Err(failure) => Err(failed(&endpoint, Some(&failure), &failure)),
    }
}

async fn print_now(endpoint: &Endpoint, id: i64) -> Result<Option<serde_json::Value>, Failure> {
    let app = &endpoint.app;
    let bytes = document::print_document(&app.database, &endpoint.stats, &app.cache, id).await?;
    Ok(bytes.map(|bytes| serde_json::json!({ "document_bytes": bytes })))
}

async fn create(State(endpoint): State<Endpoint>, body: Bytes) -> Result<Response, Response> {
    let new: NewReport = serde_json::from_slice(&body)
        .map_err(|error| bad(Mistakes::one("body", format!("is no report: {error}"))))?;
    check(&new).map_err(bad)?;
    match writes::create(&endpoint, &new).await {
        Ok(created) => Ok(written(&endpoint, StatusCode::CREATED, &created)),
        Err(Refused::NoUser) => Err(reply::not_found(NO_USER)),
        Err(Refused::Impossible) => {
            Err(bad(Mistakes::one("sections", "must not have more right answers than questions")))
        }
        Err(Refused::Failed(failure)) => Err(failed(&endpoint, Some(&failure), &failure)),
    }
}

/// What can be told without the database. That there are no more right answers than questions is the
/// database's own rule.
fn check(new: &NewReport) -> Result<(), Mistakes> {
    let is_text = |text: &str| (1..=TEXT_CHARS_MAX).contains(&text.chars().count()) && !text.contains('\0');
    if !is_text(&new.title) {
        return Err(Mistakes::one("title", format!("must be a text of 1 to {TEXT_CHARS_MAX} characters")));
    }
    let sections = &new.sections;
    let are_good = sections.iter().all(|section| {
        is_text(&section.name) && (1..=QUESTIONS_MAX).contains(&section.questions) && section.correct >= 0
    });
    if !(1..=SECTIONS_MAX).contains(&sections.len()) || !are_good {
        let problem =
            format!("must be 1 to {SECTIONS_MAX}, each with a name and 1 to {QUESTIONS_MAX} questions");
        return Err(Mistakes::one("sections", problem));
    }
    Ok(())
}
