//! The real servers start, suffer and end as promised.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use hitmark_testkit::{
    MariaDb, MemcachedServer, NginxServer, PostgresServer, PrometheusServer, RedisServer, VarnishServer,
    promtool, promtool_with_input,
};

/// Set for the process that [`a_killed_test_process_leaves_no_server_behind`] starts and kills.
const HELPER: &str = "HITMARK_TESTKIT_HELPER";

fn ask_redis(port: u16, command: &str) -> std::io::Result<String> {
    let mut socket = TcpStream::connect(("127.0.0.1", port))?;
    socket.set_read_timeout(Some(Duration::from_millis(300)))?;
    socket.write_all(command.as_bytes())?;
    let mut answer = [0; 512];
    let count = socket.read(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer[..count]).into_owned())
}

fn is_alive(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

fn is_gone_soon(pid: u32) -> bool {
    let begun = Instant::now();
    while is_alive(pid) && begun.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(5));
    }
    !is_alive(pid)
}

#[tokio::test]
async fn a_redis_answers_and_is_empty() {
    let redis = RedisServer::start().await.unwrap();
    assert_eq!(redis.url(), format!("redis://127.0.0.1:{}/0", redis.port()));
    assert_eq!(ask_redis(redis.port(), "DBSIZE\r\n").unwrap(), ":0\r\n");
}

#[tokio::test]
async fn a_killed_redis_comes_back_on_the_same_port() {
    let redis = RedisServer::start().await.unwrap();
    let (port, first) = (redis.port(), redis.pid());
    ask_redis(port, "SET a 1\r\n").unwrap();
    redis.kill();
    assert_eq!(redis.pid(), None);
    assert!(ask_redis(port, "PING\r\n").is_err(), "a killed server must refuse connections");
    redis.restart().await.unwrap();
    assert_ne!(redis.pid(), first);
    assert_eq!(redis.port(), port);
    assert_eq!(ask_redis(port, "DBSIZE\r\n").unwrap(), ":0\r\n", "nothing is kept over a restart");
}

#[tokio::test]
async fn a_paused_redis_is_silent_until_it_is_resumed() {
    let redis = RedisServer::start().await.unwrap();
    redis.pause();
    let error = ask_redis(redis.port(), "PING\r\n").unwrap_err();
    assert!(matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut), "{error}");
    redis.resume();
    assert_eq!(ask_redis(redis.port(), "PING\r\n").unwrap(), "+PONG\r\n");
}

#[tokio::test]
async fn a_paused_redis_can_be_killed_and_restarted() {
    let redis = RedisServer::start().await.unwrap();
    redis.pause();
    redis.restart().await.unwrap();
    assert_eq!(ask_redis(redis.port(), "PING\r\n").unwrap(), "+PONG\r\n");
}

#[tokio::test]
async fn arguments_reach_redis_and_a_password_does_not_hinder_the_start() {
    let redis = RedisServer::start_with(&["--maxmemory", "10mb", "--requirepass", "open"]).await.unwrap();
    assert!(ask_redis(redis.port(), "PING\r\n").unwrap().starts_with("-NOAUTH"));
    let answer = ask_redis(redis.port(), "AUTH open\r\nCONFIG GET maxmemory\r\n").unwrap();
    assert!(answer.contains("10485760"), "{answer}");
}

#[tokio::test]
async fn an_argument_that_redis_refuses_is_an_error_with_its_own_words() {
    let error = RedisServer::start_with(&["--no-such-setting", "1"]).await.unwrap_err().to_string();
    assert!(error.contains("redis-server ended") && error.contains("no-such-setting"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_paused_clock_does_not_hinder_the_start() {
    RedisServer::start().await.unwrap();
}

#[tokio::test]
async fn many_servers_start_side_by_side() {
    let servers: Vec<_> = (0..8).map(|_| tokio::spawn(RedisServer::start())).collect();
    let mut ports = std::collections::BTreeSet::new();
    let mut alive = Vec::new();
    for server in servers {
        let server = server.await.unwrap().unwrap();
        ports.insert(server.port());
        alive.push(server);
    }
    assert_eq!(ports.len(), alive.len());
}

#[tokio::test]
async fn a_dropped_server_is_gone_when_drop_returns() {
    let redis = RedisServer::start().await.unwrap();
    let pid = redis.pid().unwrap();
    assert!(is_alive(pid));
    drop(redis);
    assert!(!is_alive(pid));
}

#[test]
fn a_panicking_test_leaves_no_server_behind() {
    let (tell, told) = std::sync::mpsc::channel();
    let test = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let redis = RedisServer::start().await.unwrap();
            let pid = redis.pid().unwrap();
            tell.send((pid, is_alive(pid))).unwrap();
            panic!("as a failing assertion does");
        });
    });
    assert!(test.join().is_err());
    let (pid, was_alive) = told.recv().unwrap();
    assert!(was_alive);
    assert!(!is_alive(pid));
}

#[tokio::test]
async fn a_server_outlives_the_thread_that_started_it() {
    let start = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(RedisServer::start()).unwrap()
    };
    let redis = std::thread::spawn(start).join().unwrap();
    assert_eq!(ask_redis(redis.port(), "PING\r\n").unwrap(), "+PONG\r\n");
}

/// Not a test of its own: what runs in the process that the next test kills.
#[tokio::test]
async fn helper_that_is_killed() {
    if std::env::var_os(HELPER).is_none() {
        return;
    }
    let redis = RedisServer::start().await.unwrap();
    let postgres = PostgresServer::start().await.unwrap();
    println!("\npids {} {}", redis.pid().unwrap(), postgres.pid().unwrap());
    tokio::time::sleep(Duration::from_secs(60)).await;
}

#[test]
fn a_killed_test_process_leaves_no_server_behind() {
    // A killed process cannot remove its directories, so they are made inside one of ours, which the
    // user that runs postgres may enter.
    let directory = tempfile::tempdir().unwrap();
    std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o711)).unwrap();
    let mut helper = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "helper_that_is_killed", "--nocapture"])
        .env(HELPER, "1")
        .env("TMPDIR", directory.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let stdout = std::io::BufReader::new(helper.stdout.take().unwrap());
    let line = std::io::BufRead::lines(stdout).map(Result::unwrap).find(|line| line.starts_with("pids"));
    let pids: Vec<u32> =
        line.as_deref().unwrap_or("").split(' ').filter_map(|word| word.parse().ok()).collect();
    let were_alive = pids.iter().all(|pid| is_alive(*pid));
    helper.kill().unwrap();
    helper.wait().unwrap();
    assert_eq!(pids.len(), 2, "the helper did not get its servers");
    assert!(were_alive);
    for pid in pids {
        assert!(is_gone_soon(pid), "process {pid} survived");
    }
}

#[tokio::test]
async fn a_postgres_answers_queries_and_keeps_its_data_over_a_crash() {
    let postgres = PostgresServer::start().await.unwrap();
    let url = postgres.url();
    let psql = |sql: &str| {
        let output = Command::new("psql").args(["-XAtq", &url, "-c", sql]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    psql("create table t as select 42 as a");
    psql("checkpoint");
    postgres.kill();
    assert!(TcpStream::connect(("127.0.0.1", postgres.port())).is_err());
    postgres.restart().await.unwrap();
    assert_eq!(psql("select a from t"), "42");
    assert_eq!(psql("show fsync"), "off");
}

#[tokio::test]
async fn a_setting_reaches_postgres() {
    let postgres = PostgresServer::start_with(&["work_mem=1234kB"]).await.unwrap();
    let output =
        Command::new("psql").args(["-XAtq", &postgres.url(), "-c", "show work_mem"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "1234kB");
}

#[tokio::test]
async fn a_prometheus_is_ready_and_answers_expressions() {
    let prometheus = PrometheusServer::start("global:\n  scrape_interval: 1s\n").await.unwrap();
    let answer = prometheus.query("vector(1) + 41").await.unwrap();
    assert!(answer.contains("\"success\"") && answer.contains("\"42\""), "{answer}");
    assert!(prometheus.query("rate(").await.is_err());
}

#[tokio::test]
async fn a_configuration_that_prometheus_refuses_is_an_error_with_its_own_words() {
    let error = PrometheusServer::start("no_such_key: 1\n").await.unwrap_err().to_string();
    assert!(error.contains("prometheus ended") && error.contains("no_such_key"), "{error}");
}

#[test]
fn promtool_accepts_good_metrics_and_refuses_bad_ones() {
    promtool(["--version"]).unwrap();
    let good = "# HELP hits_total Hits.\n# TYPE hits_total counter\nhits_total 1\n";
    promtool_with_input(["check", "metrics"], good).unwrap();
    let error = promtool_with_input(["check", "metrics"], "hits total\n").unwrap_err().to_string();
    assert!(error.contains("check"), "{error}");
}

#[tokio::test]
async fn a_memcached_answers_is_empty_and_comes_back_on_its_port() {
    let server = MemcachedServer::start().await.unwrap();
    assert_eq!(server.ask("set a 0 0 1\r\nx\r\nget a\r\n").unwrap(), "STORED\r\nVALUE a 0 1\r\nx\r\nEND\r\n");
    server.kill();
    assert!(server.ask("get a\r\n").is_err(), "a killed server must refuse connections");
    server.restart().await.unwrap();
    assert_eq!(server.ask("get a\r\n").unwrap(), "END\r\n", "nothing is kept over a restart");
}

#[tokio::test]
async fn an_nginx_serves_what_it_is_told_and_a_mistake_is_shown() {
    let server = NginxServer::start("server { listen 127.0.0.1:{port}; return 200 {dir}; }").await.unwrap();
    let mut socket = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    socket.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("hitmark-nginx-"), "{answer}");
    let error = NginxServer::start("no_such_directive;").await.unwrap_err().to_string();
    assert!(error.contains("no_such_directive"), "{error}");
}

#[tokio::test]
async fn a_varnish_counts_and_a_mistake_is_shown() {
    let vcl = "vcl 4.1; backend none none; sub vcl_recv { return (synth(204)); }";
    let server = VarnishServer::start(vcl).await.unwrap();
    assert_eq!(server.get("/").unwrap().0, 204);
    assert_eq!(server.counter("MAIN.cache_hit").unwrap(), 0.0);
    assert!(server.counter("MAIN.no_such_counter").is_err());
    server.kill();
    assert!(server.get("/").is_err(), "an ended server must refuse connections");
    let error = VarnishServer::start("vcl 4.1; nonsense").await.unwrap_err().to_string();
    assert!(error.contains("nonsense"), "{error}");
}

#[tokio::test]
async fn a_mariadb_greets_and_comes_back_after_a_crash() {
    let server = MariaDb::start().await.unwrap();
    let greets = || {
        let mut socket = TcpStream::connect(("127.0.0.1", server.port())).ok()?;
        socket.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        let mut greeting = [0; 64];
        let count = socket.read(&mut greeting).ok()?;
        Some(String::from_utf8_lossy(&greeting[..count]).contains("MariaDB"))
    };
    assert_eq!(greets(), Some(true));
    server.kill();
    assert_eq!(greets(), None);
    server.restart().await.unwrap();
    assert_eq!(greets(), Some(true));
    assert!(server.url().starts_with("mysql://tester@127.0.0.1:"));
}
