//! A Celery worker, the real one, does the testbed's tasks: the module that the project ships, the
//! testbed over its socket, a broker and a backend of results on Redis.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use hitmark_testbed::{Testbed, TestbedConfig};
use hitmark_testkit::{Celery, CeleryWorker, RedisServer};
use http_body_util::BodyExt;
use redis::aio::MultiplexedConnection;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt;

use crate::support::{ask, ask_with, small, start};

/// The worker's module as it is shipped.
const MODULE: &str = include_str!("../../../deploy/celery/hitmark_tasks.py");
/// Tells the test that the worker is ready.
const READY: &str = "\n@signals.worker_ready.connect\ndef ready(**_):\n    Path(\"ready\").touch()\n";
/// Leaves a task of each queue, and one with each priority for mail, as a Python producer does.
const PUBLISH: &str = r#"
import sys
from celery import Celery
app = Celery(broker=sys.argv[1])
for priority in (0, 3, 6, 9):
    app.send_task("testbed.send_email", ("a@example.com", "from python"), queue="email", priority=priority)
app.send_task("testbed.clean_up", queue="maintenance", priority=9)
app.send_task("testbed.collect_health", queue="monitoring", priority=3)
app.send_task("testbed.print_report", (99999,), queue="reports", priority=6)
"#;
const QUEUES: [&str; 4] = ["email", "reports", "maintenance", "monitoring"];

/// A testbed that serves, its broker, and where its worker puts mail.
struct Setting {
    server: RedisServer,
    python: Celery,
    url: String,
    router: Router,
    folder: TempDir,
    _serving: tokio::task::JoinHandle<()>,
}

impl Setting {
    async fn new() -> Self {
        let (server, python) = (
            RedisServer::start().await.expect("redis-server starts"),
            Celery::install().await.expect("a Python with celery"),
        );
        let config = TestbedConfig {
            tasks_url: Some(format!("celery+{}", database(&server, 2))),
            task_results_url: Some(database(&server, 3)),
            ..small()
        };
        let testbed: Testbed = start(config).await;
        let (url, router) = (testbed.url(), testbed.router());
        let serving =
            tokio::spawn(async move { testbed.serve(std::future::pending()).await.expect("served") });
        let folder = tempfile::tempdir().expect("a folder");
        Self { server, python, url, router, folder, _serving: serving }
    }

    async fn worker(&self, mail: &Path) -> CeleryWorker {
        let settings = [
            ("CELERY_BROKER_URL", database(&self.server, 2)),
            ("CELERY_RESULT_BACKEND", database(&self.server, 3)),
            ("HITMARK_TESTBED_URL", self.url.clone()),
            ("HITMARK_MAIL_FOLDER", mail.display().to_string()),
        ];
        let settings: String =
            settings.iter().map(|(name, value)| format!("os.environ[{name:?}] = {value:?}\n")).collect();
        let module = format!("import os\n{settings}{MODULE}{READY}");
        let queues = QUEUES.join(",");
        let args = ["-E", "--concurrency", "2", "--queues", queues.as_str()];
        self.python.worker(&module, &args).await.expect("a worker")
    }

    fn mail(&self) -> PathBuf {
        self.folder.path().join("mail")
    }

    async fn status(&self) -> Value {
        ask(&self.router, "/api/tasks/status", &[]).await.json()
    }

    /// A figure of every queue, in the order of [`QUEUES`].
    async fn figures(&self, name: &str) -> [Value; QUEUES.len()] {
        let status = self.status().await;
        QUEUES.map(|queue| {
            let mut queues = status["queues"].as_array().expect("queues").iter();
            queues.find(|one| one["queue"] == queue).expect("the queue")[name].clone()
        })
    }

    /// Waits until a figure is this for every queue. Of the last, monitoring, there may be more: a
    /// minute that begins meanwhile leaves another look at the health.
    async fn until(&self, name: &str, wanted: [u64; QUEUES.len()]) {
        let deadline = Instant::now() + Duration::from_secs(60);
        let is_met = |figures: [Value; QUEUES.len()]| {
            let [front @ .., last] = figures.map(|figure| figure.as_u64());
            let [wanted_front @ .., wanted_last] = wanted.map(Some);
            front == wanted_front
                && if wanted_last == Some(0) { last == Some(0) } else { last >= wanted_last }
        };
        while !is_met(self.figures(name).await) {
            assert!(Instant::now() < deadline, "{name} is not {wanted:?}: {}", self.status().await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until the worker is through with a task; what it says.
    async fn result(&self, id: &str) -> Value {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let told = ask(&self.router, &format!("/api/tasks/results/{id}"), &[]).await.json();
            if told["status"] == "SUCCESS" || told["status"] == "FAILURE" {
                return told;
            }
            assert!(Instant::now() < deadline, "task {id} is never done: {told}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// How many results in the backend have this status.
    async fn results(&self, status: &str) -> usize {
        let mut backend = connection(&self.server, 3).await;
        let keys: Vec<String> = command(&mut backend, &["KEYS", "celery-task-meta-*"]).await;
        let mut found = 0;
        for key in keys {
            let meta: String = command(&mut backend, &["GET", &key]).await;
            found += usize::from(serde_json::from_str::<Value>(&meta).expect("JSON")["status"] == status);
        }
        found
    }
}

fn database(server: &RedisServer, number: u8) -> String {
    format!("redis://127.0.0.1:{}/{number}", server.port())
}

async fn connection(server: &RedisServer, number: u8) -> MultiplexedConnection {
    let client = redis::Client::open(database(server, number)).expect("a URL");
    client.get_multiplexed_async_connection().await.expect("a connection")
}

async fn command<T: redis::FromRedisValue>(to: &mut MultiplexedConnection, words: &[&str]) -> T {
    let mut command = redis::cmd(words[0]);
    command.arg(&words[1..]);
    command.query_async(to).await.expect("an answer")
}

/// Reports an incident whose report and mail are left for the worker; their numbers.
async fn report(router: &Router) -> (i64, [String; 2]) {
    let new = json!({ "store_id": 1, "user_id": 1, "title": "a spill" });
    let request = Request::post("/incident/incidents?processing=queued").body(Body::from(new.to_string()));
    let response = router.clone().oneshot(request.expect("a request")).await.expect("an answer");
    assert_eq!(response.status(), StatusCode::CREATED);
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    let created: Value = serde_json::from_slice(&body).expect("JSON");
    let task = |place: usize| created["tasks"][place].as_str().expect("a number").to_owned();
    (created["id"].as_i64().expect("a number"), [task(0), task(1)])
}

#[tokio::test]
async fn a_real_worker_does_every_kind_of_task_and_its_counts_are_the_brokers() {
    let setting = Setting::new().await;
    let (incident, [printed, mailed]) = report(&setting.router).await;
    let left =
        ask_with(&setting.router, Method::POST, "/score/reports/7/document?processing=queued", &[]).await;
    let document = left.json()["task"].as_str().expect("a number").to_owned();
    setting.python.script(PUBLISH, &[&database(&setting.server, 2)]).await.expect("published");
    assert_eq!(
        ask(&setting.router, &format!("/api/tasks/results/{printed}"), &[]).await.json()["status"],
        "PENDING"
    );

    // Nobody works yet: what waits is in the broker's lists, each priority in its own. The schedule
    // leaves its two by itself.
    setting.until("waiting", [5, 3, 2, 2]).await;
    let mut broker = connection(&setting.server, 2).await;
    for (list, length) in [("email", 2), ("email\u{6}\u{16}6", 1), ("reports\u{6}\u{16}6", 1), ("reports", 2)]
    {
        assert_eq!(command::<u64>(&mut broker, &["LLEN", list]).await, length, "{list:?}");
    }
    assert_eq!(setting.figures("done").await, QUEUES.map(|_| Value::Null), "nobody counted anything");

    let worker = setting.worker(&setting.mail()).await;
    let told = setting.result(&printed).await;
    assert_eq!(
        (&told["status"], &told["result"]["incident"]),
        (&json!("SUCCESS"), &json!(incident)),
        "{told}"
    );
    let pdf = ask(&setting.router, &format!("/incident/incidents/{incident}/report.pdf"), &[]).await;
    assert!(pdf.cache_status.contains("hit"), "{}", pdf.cache_status);
    assert_eq!(told["result"]["report_bytes"], pdf.body.len());
    let told = setting.result(&document).await;
    let pdf = ask(&setting.router, "/score/reports/7/document.pdf", &[]).await;
    assert!(pdf.cache_status.contains("hit"), "{}", pdf.cache_status);
    assert_eq!(told["result"], json!({ "report": 7, "document_bytes": pdf.body.len() }));
    assert_eq!(setting.result(&mailed).await["result"], json!({ "sent": true }));
    let mail = std::fs::read_to_string(setting.mail().join(format!("{mailed}.eml"))).expect("a mail");
    assert!(mail.contains("To: manager1@example.com\r\n"), "{mail}");

    setting.until("waiting", [0; 4]).await;
    setting.until("running", [0; 4]).await;
    assert_eq!(setting.figures("dead").await, QUEUES.map(|_| json!(0)));
    setting.until("done", [5, 3, 2, 2]).await;
    assert_eq!(command::<u64>(&mut broker, &["HLEN", "unacked"]).await, 0);
    assert_eq!(setting.results("FAILURE").await, 0);
    drop(worker);
    assert_eq!(setting.results("SUCCESS").await as u64, sum(&setting.figures("done").await));
}

fn sum(figures: &[Value]) -> u64 {
    figures.iter().map(|figure| figure.as_u64().expect("a count")).sum()
}

#[tokio::test]
async fn a_task_that_fails_is_tried_four_times_and_then_dead_with_its_reason() {
    let setting = Setting::new().await;
    // A file where the folder of mails should be: no try can succeed.
    std::fs::write(setting.folder.path().join("file"), "").expect("a file");
    let worker = setting.worker(&setting.folder.path().join("file").join("mail")).await;
    let (_, [printed, mailed]) = report(&setting.router).await;
    let told = setting.result(&mailed).await;
    assert_eq!(told["status"], "FAILURE", "{told}");
    let reason = told["result"].as_str().expect("a reason");
    assert!(reason.starts_with("NotADirectoryError: ") && !reason.contains("Traceback"), "{reason}");
    assert_eq!(setting.result(&printed).await["status"], "SUCCESS", "the other queue goes on");
    setting.until("dead", [1, 0, 0, 0]).await;
    setting.until("running", [0; 4]).await;
    let [email, ..] = setting.figures("retried").await;
    assert_eq!((email, &setting.figures("done").await[0]), (json!(3), &json!(0)));
    assert_eq!(setting.results("FAILURE").await, 1);
    drop(worker);
}

#[tokio::test]
async fn what_a_killed_worker_held_is_not_lost_and_a_backend_that_is_gone_is_an_error() {
    let setting = Setting::new().await;
    // A testbed that answers nobody: the worker holds its task while it waits for an answer.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let deaf = Setting { url: format!("http://{}", silent.local_addr().expect("bound")), ..setting };
    let (_, [printed, _]) = report(&deaf.router).await;
    let worker = deaf.worker(&deaf.mail()).await;
    let deadline = Instant::now() + Duration::from_secs(60);
    while deaf.figures("running").await[1] != 1 {
        assert!(Instant::now() < deadline, "the report never runs: {}", deaf.status().await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(deaf.figures("waiting").await[1], 0);
    let told = ask(&deaf.router, &format!("/api/tasks/results/{printed}"), &[]).await.json();
    assert_eq!(told, json!({ "status": "STARTED" }));
    worker.kill();
    assert_eq!(deaf.figures("running").await[1], 1, "unacknowledged, so not lost");
    deaf.server.kill();
    let answer = ask(&deaf.router, &format!("/api/tasks/results/{printed}"), &[]).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    let status = deaf.status().await;
    assert_eq!(status["status"], "broker unreachable", "{status}");
}
