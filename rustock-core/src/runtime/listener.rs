//! The listening socket, where one is asked for: hands what it accepts to the driver.

use core::{net::SocketAddr, time::Duration};
use std::io;

use tokio::{
    net::TcpListener,
    sync::{mpsc, watch},
    time,
};

use super::connection::ConnectionEvent;

/// Pause after a failure to accept, so that a lack of descriptors does not keep a core busy.
const FAILED_PAUSE: Duration = Duration::from_millis(200);

/// Binds the socket. Must be called inside a tokio runtime.
pub(crate) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = std::net::TcpListener::bind(address)?;
    socket.set_nonblocking(true)?;
    TcpListener::from_std(socket)
}

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
