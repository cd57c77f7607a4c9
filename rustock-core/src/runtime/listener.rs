//! The listening socket, where one is asked for: hands what it accepts to the driver.

use core::{net::SocketAddr, time::Duration};
use std::io;

use tokio::{
    net::TcpListener,
    sync::{mpsc, watch},
    time,
};

use super::{
    connection::ConnectionEvent,
    socket::{Families, bind_udp, canonical, listen_tcp},
};

/// Pause after a failure to accept, so that a lack of descriptors does not keep a core busy.
const FAILED_PAUSE: Duration = Duration::from_millis(200);

/// Ports that are tried where any will do, until one is free for UDP too.
const PORT_DRAWS: usize = 16;

/// Binds the socket; on every address of IPv6 it is one for IPv4 too. Where discovery is to use the same port, to one that is free for UDP too. Must be called
/// inside a tokio runtime.
pub(crate) fn bind(address: SocketAddr, with_udp: bool) -> io::Result<TcpListener> {
    let mut draws = if address.port() == 0 { PORT_DRAWS } else { 1 };
    loop {
        draws -= 1;
        let socket = listen_tcp(address)?;
        // Given back at once: discovery binds it in a moment, from its own task.
        let udp = if with_udp { bind_udp(socket.local_addr()?, Families::Both).map(drop) } else { Ok(()) };
        match udp {
            Err(error) if draws == 0 => return Err(error),
            Err(_) => {}
            Ok(()) => return TcpListener::from_std(socket),
        }
    }
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
                let from = canonical(from);
                if events.send(ConnectionEvent::Incoming { stream, from }).await.is_err() {
                    return;
                }
            }
            Err(_) => time::sleep(FAILED_PAUSE).await,
        }
    }
}
