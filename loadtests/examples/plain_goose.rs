//! goose as its own documentation shows it, for a comparison of overheads: one GET, body read,
//! closed loop. `plain_goose URL USERS SECONDS` prints requests and requests per second.

use goose::config::GooseConfiguration;
use goose::prelude::*;

async fn get(user: &mut GooseUser) -> TransactionResult {
    let response = user.get("/noop").await?;
    if let Ok(response) = response.response {
        let _ = response.bytes().await;
    }
    Ok(())
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "this is what the program is for")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, users, seconds] = arguments.as_slice() else {
        return Err("usage: plain_goose URL USERS SECONDS".into());
    };
    let options = [
        "--host",
        url,
        "--users",
        users,
        "--increase-rate",
        users,
        "--run-time",
        seconds,
        "--no-telnet",
        "--no-print-metrics",
        "-q",
    ];
    let configuration = GooseConfiguration::parse_args_default(&options)?;
    let scenario = scenario!("plain").register_transaction(transaction!(get));
    let attack = GooseAttack::initialize_with_config(configuration)?.register_scenario(scenario);
    let metrics = Box::pin(attack.execute()).await?;
    let requests: usize =
        metrics.requests.values().map(|request| request.success_count + request.fail_count).sum();
    println!("{requests} requests, {:.0} per second", requests as f64 / seconds.parse::<f64>()?);
    Ok(())
}
