//! A change that the database refuses, be it at the last moment, takes no answer out of the cache.

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use hitmark_testbed::TestbedConfig;
use hitmark_testkit::PostgresServer;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tower::ServiceExt;

use crate::support::{ask, small, start};

/// Refuses every change of a table, and only when it is committed.
const REFUSE: &str = "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS \
     $$ BEGIN RAISE EXCEPTION 'refused at the commit'; END $$;";

/// Answers that the changes below would take out.
const READS: &[&str] = &[
    "/incident/stores/1",
    "/incident/stores/1/incidents",
    "/incident/users/2/permissions",
    "/api/recommendations/9",
    "/api/recommendations/trending",
    "/api/predictions/diagnosis/7/predict",
    "/api/feedback/recommendation/2/summary",
    "/score/reports/7",
];
const WRITES: &[(Method, &str, &str)] = &[
    (Method::POST, "/incident/incidents", r#"{"store_id":1,"user_id":1,"title":"a spill"}"#),
    (Method::POST, "/incident/users/2/role?role=guest", ""),
    (Method::PUT, "/api/recommendations/9?effectiveness=7", ""),
    (Method::PUT, "/api/recommendations/9?effectiveness=7&invalidating=tables", ""),
    (Method::POST, "/api/feedback/submit?recommendation=2&patient=5&rating=1", ""),
    (Method::POST, "/api/feedback/submit?recommendation=2&patient=5&rating=1&invalidating=tables", ""),
    (Method::POST, "/api/predictions/optimize?diagnosis=7", ""),
    (
        Method::POST,
        "/score/reports",
        r#"{"user_id":1,"title":"t","sections":[{"name":"Math","questions":10,"correct":5}]}"#,
    ),
];
const READER: &[(&str, &str)] = &[("hitmark-user", "2")];

async fn write(router: &Router, method: &Method, path: &str, body: &'static str) -> StatusCode {
    let request = Request::builder().method(method).uri(path).body(Body::from(body)).expect("a request");
    router.clone().oneshot(request).await.expect("a router always answers").status()
}

async fn is_hit(router: &Router, path: &str) -> bool {
    let answer = ask(router, path, READER).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {answer:?}");
    answer.cache_status.starts_with("hitmark; hit")
}

#[tokio::test]
async fn a_change_that_is_refused_at_its_commit_takes_out_nothing_and_the_same_change_does_when_it_is_not() {
    let server = PostgresServer::start().await.expect("a server");
    let config = TestbedConfig { database_url: Some(server.url()), ..small() };
    let router = start(config).await.router();
    let mut other = PgConnection::connect(&server.url()).await.expect("a connection of somebody else");
    let mut run = async |sql: String| {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut other).await.expect("a statement");
    };
    let tables = ["incidents", "incident_users", "recommendations", "feedback", "score_reports"];
    run(REFUSE.to_owned()).await;
    for table in tables {
        run(format!(
            "CREATE CONSTRAINT TRIGGER refuse AFTER INSERT OR UPDATE ON {table} \
             DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse()"
        ))
        .await;
    }
    for path in READS {
        is_hit(&router, path).await;
    }
    for (method, path, body) in WRITES {
        let status = write(&router, method, path, body).await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR, "{path}");
        for read in READS {
            assert!(is_hit(&router, read).await, "{path} was refused and took out {read}");
        }
    }
    for table in tables {
        run(format!("DROP TRIGGER refuse ON {table}")).await;
    }
    for (method, path, body) in WRITES {
        for read in READS {
            is_hit(&router, read).await;
        }
        assert!(write(&router, method, path, body).await.is_success(), "{path}");
        let mut gone = 0;
        for read in READS {
            gone += usize::from(!is_hit(&router, read).await);
        }
        assert!(gone > 0, "{path} took out nothing");
    }
}
