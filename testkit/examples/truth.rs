//! The truth server by itself, for comparing load generators by hand: prints its URL and answers
//! until it is killed.

use hitmark_testkit::{TruthConfig, TruthServer};

#[tokio::main]
#[expect(clippy::print_stdout, reason = "the URL is what a caller needs")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = TruthServer::start(TruthConfig { threads: 2 }).await?;
    println!("{}", server.url());
    std::future::pending().await
}
