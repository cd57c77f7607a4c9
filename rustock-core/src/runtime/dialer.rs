//! One dialled connection: from the name or address to the end of its session.

use core::time::Duration;

use tokio::{net::TcpStream, time};

use super::connection::{Connection, ConnectionEnd};

/// How long a TCP connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Dials the connection's peer and runs the session. Tells the driver of its end, whatever it is.
pub(crate) async fn dial(mut connection: Connection, host: String, port: u16) {
    let end = match connect(&mut connection, host, port).await {
        Ok(stream) => connection.run(stream).await,
        Err(end) => end,
    };
    connection.tell_end(end).await;
}

/// Runs the session on a connection that somebody opened to us.
pub(crate) async fn accept(mut connection: Connection, stream: TcpStream) {
    let end = connection.run(stream).await;
    connection.tell_end(end).await;
}

async fn connect(connection: &mut Connection, host: String, port: u16) -> Result<TcpStream, ConnectionEnd> {
    let connecting = time::timeout(CONNECT_TIMEOUT, TcpStream::connect((host, port)));
    tokio::select! {
        connecting = connecting => match connecting {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(ConnectionEnd::Unreachable { reason: error.to_string() }),
            Err(_) => Err(ConnectionEnd::Unreachable { reason: "no answer".to_owned() }),
        },
        _ = connection.stopping.wait_for(|stopping| *stopping) => Err(ConnectionEnd::Stopping),
        hostile = connection.orders.told_to_leave() => Err(ConnectionEnd::Expelled { hostile }),
    }
}
