//! The built binary: exit codes, mistakes, signals, and no secret anywhere.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Output, Stdio};

use hitmark_testkit::free_port;
use rustix::process::{Pid, Signal, kill_process};

fn binary(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hitmark-exporter"));
    command.args(args).env_clear();
    command
}

fn run(args: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = binary(args).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn a_file_with_mistakes_is_refused_with_each_of_them_and_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("e.toml");
    fs::write(&file, "lissten = \"x\"\nredis = [\"redis://:hunter2@h:99999\"]\ntimeout = \"0s\"\n").unwrap();
    let name = file.to_str().unwrap();
    for args in [&["check-config", name] as &[&str], &["--config", name]] {
        let (code, _, stderr) = run(args);
        assert_eq!(code, Some(2), "{stderr}");
        for line in 1..=3 {
            assert!(stderr.contains(&format!("{name}:{line}: ")), "line {line} of {stderr}");
        }
        assert!(!stderr.contains("hunter2"), "{stderr}");
    }
    fs::write(&file, "redis = \"redis://h\"\n").unwrap();
    let (code, stdout, _) = run(&["check-config", name]);
    assert_eq!((code, stdout.contains("valid")), (Some(0), true));
}

#[test]
fn queues_that_cannot_be_names_and_queues_in_the_wrong_place_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("e.toml");
    let name = file.to_str().unwrap();
    let module =
        "[modules.default.celery]\nqueues = [\"mail\", \"mail\", \"\", \"m*\"]\ncontrol_every_s = -1\n";
    fs::write(&file, format!("celery = \"redis://h\"\nqueues = [\"mail\"]\n{module}")).unwrap();
    let (code, _, stderr) = run(&["check-config", name]);
    assert_eq!(code, Some(2), "{stderr}");
    for word in
        ["listed twice", "no name of a queue", "is a pattern", "control_every_s", "[modules.default.celery]"]
    {
        assert!(stderr.contains(word), "{word} in {stderr}");
    }
    let kinds =
        "rq = \"redis://h\"\nsidekiq = \"redis://h\"\nbullmq = \"redis://h\"\napalis = \"redis://h\"\n";
    let more = "stream = \"redis://h\"\nrabbitmq = \"http://guest:hunter2@h:15672\"\n";
    fs::write(&file, format!("{kinds}{more}[modules.default.stream]\npattern = \"orders:*\"\n")).unwrap();
    let (code, _, stderr) = run(&["check-config", name]);
    assert_eq!(code, Some(0), "{stderr}");
}

#[test]
fn flags_with_mistakes_are_all_named_at_once() {
    let (code, _, stderr) =
        run(&["--listen", "nowhere", "--redis", "redis://:hunter2@h:99999", "--timeout", "soon"]);
    assert_eq!(code, Some(2));
    assert!(["--listen", "--redis", "--timeout"].iter().all(|flag| stderr.contains(flag)), "{stderr}");
    assert!(!stderr.contains("hunter2"), "{stderr}");
}

#[test]
fn databases_have_flags_and_a_wrong_url_is_a_mistake_without_its_secret() {
    for (flag, url, word) in [
        ("--postgres", "postgres://u:hunter2@h/d?sslmode=maybe", "verify-full"),
        ("--mysql", "postgres://u:hunter2@h/d", "mysql://"),
    ] {
        let (code, _, stderr) = run(&[flag, url]);
        assert_eq!(code, Some(2), "{stderr}");
        assert!(stderr.contains(flag) && stderr.contains(word) && !stderr.contains("hunter2"), "{stderr}");
    }
}

#[test]
fn help_does_not_show_what_the_environment_holds() {
    let output = binary(&["--help"])
        .env("REDIS_URL", "redis://:hunter2@h")
        .env("HITMARK_EXPORTER_REDIS", "redis://:hunter2@h")
        .env("HITMARK_EXPORTER_POSTGRES", "postgres://u:hunter2@h/d")
        .env("HITMARK_EXPORTER_MYSQL", "mysql://u:hunter2@h")
        .output()
        .unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(help.contains("Example") && !help.contains("hunter2"), "{help}");
}

#[test]
fn the_password_file_of_redis_exporter_s_variable_is_read() {
    let mut command = binary(&["--probe-allow", "redis://h:*", "--listen", "127.0.0.1:0"]);
    let output = command.env("REDIS_PASSWORD_FILE", "/nowhere/passwords.json").output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("password_file: cannot be read"), "{told}");
}

#[test]
fn it_serves_with_the_environment_s_url_and_ends_well_on_sigterm() {
    let url = format!("redis://:hunter2@127.0.0.1:{}", free_port());
    let mut child = binary(&["--listen", "127.0.0.1:0", "--log-format", "json"])
        .env("REDIS_URL", url)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    log.read_line(&mut line).unwrap();
    let address = line.split("http://").nth(1).and_then(|rest| rest.split('"').next()).unwrap().to_owned();
    let mut page = String::new();
    let mut stream = TcpStream::connect(&address).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    stream.read_to_string(&mut page).unwrap();
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("\nredis_up 0\n"), "{page}");

    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let status = child.wait().unwrap();
    log.read_to_string(&mut line).unwrap();
    assert_eq!(status.code(), Some(0), "{line}");
    assert!(line.contains("target fails"), "{line}");
    assert!(!line.contains("hunter2") && !page.contains("hunter2"), "{line}{page}");
}

/// A started binary that listens, and the rest of its log.
struct Started {
    child: std::process::Child,
    log: BufReader<std::process::ChildStderr>,
    address: String,
}

impl Started {
    fn start(args: &[&str]) -> Self {
        let mut child = binary(args).stderr(Stdio::piped()).spawn().unwrap();
        let mut started =
            Self { log: BufReader::new(child.stderr.take().unwrap()), child, address: String::new() };
        let line = started.line("the exporter listens");
        let url = line.split("http://").nth(1).unwrap();
        started.address =
            url.split(|c: char| c != ':' && c != '.' && !c.is_ascii_digit()).next().unwrap().to_owned();
        started
    }

    /// The next line of the log that holds the text.
    fn line(&mut self, text: &str) -> String {
        loop {
            let mut line = String::new();
            assert!(self.log.read_line(&mut line).unwrap() > 0, "the log ended without {text:?}");
            if line.contains(text) {
                return line;
            }
        }
    }

    fn ask(&self, request: &str) -> String {
        let mut page = String::new();
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let request = format!("{request} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        stream.read_to_string(&mut page).unwrap();
        page
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_hangup_reads_the_file_anew_and_a_wrong_file_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("e.toml");
    let url = |port: u16| format!("redis://:hunter2@127.0.0.1:{port}");
    let (one, two) = (url(free_port()), url(free_port()));
    fs::write(&file, format!("redis = \"{one}\"\n")).unwrap();
    let mut exporter = Started::start(&[
        "--listen",
        "127.0.0.1:0",
        "--log-format",
        "json",
        "--config",
        file.to_str().unwrap(),
    ]);
    let reloaded = "hitmark_exporter_config_last_reload_successful";
    assert!(exporter.ask("GET /metrics").contains(&format!("\n{reloaded} 1\n")));

    fs::write(&file, format!("redis = [\"{one}\", \"{two}\"]\n")).unwrap();
    exporter.signal(Signal::HUP);
    exporter.line("the configuration was reloaded");
    assert_eq!(exporter.ask("GET /metrics").matches("\nredis_up{").count(), 2);

    fs::write(&file, format!("redis = [\"{one}\"]\nlissten = \"x\"\n")).unwrap();
    exporter.signal(Signal::HUP);
    let line = exporter.line("the configuration was not reloaded");
    assert!(line.contains("e.toml:2") && !line.contains("hunter2"), "{line}");
    let page = exporter.ask("GET /metrics");
    assert_eq!(page.matches("\nredis_up{").count(), 2, "the old configuration is in force");
    assert!(page.contains(&format!("\n{reloaded} 0\n")) && !page.contains("hunter2"), "{page}");
    assert!(exporter.ask("POST /-/reload").starts_with("HTTP/1.1 403"));
}

#[test]
fn a_request_reloads_where_that_is_allowed_and_is_told_every_mistake() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("e.toml");
    fs::write(&file, "redis = \"redis://127.0.0.1:1\"\n").unwrap();
    let args = ["--listen", "127.0.0.1:0", "--web-enable-lifecycle", "--config", file.to_str().unwrap()];
    let exporter = Started::start(&[&args[..], &["--log-format", "json"]].concat());
    assert!(exporter.ask("POST /-/reload").starts_with("HTTP/1.1 200"));
    assert!(exporter.ask("GET /-/reload").starts_with("HTTP/1.1 405"));
    fs::write(&file, "redis = \"redis://h:99999\"\ntimeout = \"soon\"\n").unwrap();
    let answer = exporter.ask("POST /-/reload");
    assert!(answer.starts_with("HTTP/1.1 500"), "{answer}");
    assert!(answer.contains("e.toml:1") && answer.contains("e.toml:2"), "{answer}");
}

#[test]
fn a_web_configuration_with_mistakes_is_refused_with_all_of_them() {
    let dir = tempfile::tempdir().unwrap();
    let (file, web) = (dir.path().join("e.toml"), dir.path().join("web.yml"));
    fs::write(&web, "basic_auth_users:\n  me: hunter2\ntls_server_config:\n  cert_file: gone.pem\n").unwrap();
    fs::write(&file, format!("web_config = {:?}\n", web.to_str().unwrap())).unwrap();
    for args in
        [&["check-config", file.to_str().unwrap()] as &[&str], &["--web-config", web.to_str().unwrap()]]
    {
        let (code, _, stderr) = run(args);
        assert_eq!(code, Some(2), "{stderr}");
        assert!(stderr.contains("web.yml: line 2:") && stderr.contains("cert_file and key_file"), "{stderr}");
        assert!(!stderr.contains("hunter2"), "{stderr}");
    }
}

#[test]
fn an_address_in_use_is_a_mistake_of_the_flag() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (code, _, stderr) = run(&["--listen", &taken.local_addr().unwrap().to_string()]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("--listen"), "{stderr}");
}
