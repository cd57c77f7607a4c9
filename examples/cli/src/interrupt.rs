//! Being asked to end: Ctrl-C, or the signal that service managers send.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit::Failure;

/// Catches the signals from its making on.
#[derive(Debug)]
pub struct Interrupt {
    interrupt: Signal,
    terminate: Signal,
}

impl Interrupt {
    /// Starts to catch them. Needs a tokio runtime with I/O.
    pub fn new() -> Result<Self, Failure> {
        let catch =
            |kind| signal(kind).map_err(|error| Failure::new(format!("cannot catch signals: {error}")));
        Ok(Self { interrupt: catch(SignalKind::interrupt())?, terminate: catch(SignalKind::terminate())? })
    }

    /// Waits for one. Cancelling the wait loses none.
    pub async fn wait(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
