//! goose: launches the crews of users and ends when all of them are done.
//!
//! The only file that knows goose. A crew, the users of one thread, is one user to goose, which keeps
//! tens of kilobytes for each; and its transaction is the whole of a crew's work, since goose's own
//! loop between two transactions costs more than a request may. Requests inside it go over our own
//! transport into our own recorder, since goose times to the response headers and keeps hits and
//! misses in one histogram. So its metrics, tables, controllers and request clients stay off, and
//! it is stopped by ending each user's iterations: its kill switch is global to the process and
//! would stop other attacks as well.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use goose::client::GooseClientBuilder;
use goose::config::GooseConfiguration;
use goose::goose::{GooseUser, Scenario, Transaction, TransactionFunction};
use goose::{GooseAttack, GooseError};

/// What crews do. `crew` is a number from 0.
pub trait Work: Send + Sync + 'static {
    /// All that a crew's users do, from their first request to their last.
    fn of_crew(self: Arc<Self>, crew: usize) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// goose could not run.
#[derive(Debug, thiserror::Error)]
pub enum AttackError {
    /// goose refused its configuration or failed while it ran.
    #[error("goose could not run the attack: {0}")]
    Goose(#[from] Box<GooseError>),
    /// goose did not take an option.
    #[error("goose did not take an option: {0}")]
    Option(String),
}

/// The number of a crew, in its session.
#[derive(Debug, Clone, Copy)]
struct UserNumber(usize);

/// Runs so many crews of users until all of them are done.
///
/// # Errors
///
/// If goose cannot run.
pub async fn attack(crews: usize, host: &str, work: Arc<dyn Work>) -> Result<(), AttackError> {
    let crews_text = crews.to_string();
    let options = [
        "--host",
        host,
        "--users",
        &crews_text,
        "--increase-rate",
        &crews_text,
        "--no-metrics",
        "--no-telnet",
        "-q",
    ];
    let configuration = GooseConfiguration::parse_args_default(&options)
        .map_err(|error| AttackError::Option(error.to_string()))?;
    let scenario = Scenario::new("users")
        .register_transaction(numbering().set_name("number").set_on_start())
        .register_transaction(whole(work).set_name("work"));
    // goose would build a client of its own for each user, which nobody here uses: 0.4 MB each.
    let shared_client = GooseClientBuilder::new().without_cookies();
    let attack = GooseAttack::initialize_with_config(configuration)
        .and_then(|attack| attack.set_client_builder_without_cookies(shared_client))
        .map_err(Box::new)?
        .register_scenario(scenario);
    // goose's own future is some 20 KiB: on the heap it does not swell every future that awaits it.
    Box::pin(attack.execute()).await.map_err(Box::new)?;
    Ok(())
}

/// Gives each crew its number.
fn numbering() -> Transaction {
    let next = Arc::new(AtomicUsize::new(0));
    let function: TransactionFunction = Arc::new(move |user: &mut GooseUser| {
        user.set_session_data(UserNumber(next.fetch_add(1, Ordering::Relaxed)));
        Box::pin(async { Ok(()) })
    });
    Transaction::new(function)
}

/// A crew's work, and then its end: it gets an iteration limit that it has reached.
fn whole(work: Arc<dyn Work>) -> Transaction {
    let function: TransactionFunction = Arc::new(move |user: &mut GooseUser| {
        let work = Arc::clone(&work);
        Box::pin(async move {
            let number = user.get_session_data::<UserNumber>().map_or(0, |number| number.0);
            work.of_crew(number).await;
            user.config.iterations = Some(1);
            Ok(())
        })
    });
    Transaction::new(function)
}
