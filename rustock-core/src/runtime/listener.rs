//! The listening socket, where one is asked for: hands what it accepts to the driver.

use core::time::Duration;

use tokio::{
    net::TcpListener,
    sync::{mpsc, watch},
    time,
};

use super::connection::ConnectionEvent;

/// Pause after a failure to accept, so that a lack of descriptors does not keep a core busy.
const FAILED_PAUSE: Duration = Duration::from_millis(200);

/// Accepts until the client stops. The driver's full queue makes those that knock wait in the system's own.
pub(crate) async fn listen(
    listener: TcpListener,
    events: mpsc::Sender<ConnectionEvent>,
    mut stopping: watch::Receiver<bool>,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopping.wait_for(|stopping| *stopping) => return,
        };
        match accepted {
            Ok((stream, from)) => {
                if events.send(ConnectionEvent::Incoming { stream, from }).await.is_err() {
                    return;
                }
            }
            Err(_) => time::sleep(FAILED_PAUSE).await,
        }
    }
}
