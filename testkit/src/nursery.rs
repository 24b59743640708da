//! The one thread that starts child processes.
//!
//! The kernel's parent-death signal fires when the *thread* that started a child ends. A test thread
//! or a runtime's worker may end long before the test process, so children are started by a thread
//! that lives as long as the process does: they then die with the process and not earlier.

use std::io;
use std::process::{Child, Command};
use std::sync::{OnceLock, mpsc};

struct Order {
    command: Command,
    reply: mpsc::SyncSender<io::Result<Child>>,
}

static ORDERS: OnceLock<mpsc::Sender<Order>> = OnceLock::new();

/// Starts the command from the long-lived thread.
pub(crate) fn spawn(command: Command) -> io::Result<Child> {
    let gone = || io::Error::other("the thread that starts servers has ended");
    let (reply, child) = mpsc::sync_channel(1);
    orders().send(Order { command, reply }).map_err(|_| gone())?;
    child.recv().map_err(|_| gone())?
}

fn orders() -> &'static mpsc::Sender<Order> {
    ORDERS.get_or_init(|| {
        let (sender, orders) = mpsc::channel::<Order>();
        std::thread::spawn(move || {
            for mut order in orders {
                // Whoever ordered may have given up; its child must not outlive that.
                if let Err(mpsc::SendError(Ok(mut child))) = order.reply.send(order.command.spawn()) {
                    let _ = child.kill();
                    let _ = child.wait();
                }
            }
        });
        sender
    })
}
