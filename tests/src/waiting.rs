//! Waiting for what a client shows, with a deadline that only a failure reaches.

use core::time::Duration;

use rustock_core::{LightClient, Status};

/// How long anything may take before a test gives up on it.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The first status in which the client has `reached` what is waited for.
///
/// # Panics
/// When it does not within [`PATIENCE`]; `what` says what was waited for.
pub async fn wait_for(client: &LightClient, what: &str, reached: impl Fn(&Status) -> bool) -> Status {
    let mut watch = client.watch_status();
    let waiting = async {
        loop {
            let status = watch.next().await;
            if reached(&status) {
                return status;
            }
        }
    };
    match tokio::time::timeout(PATIENCE, waiting).await {
        Ok(status) => status,
        Err(_) => panic!("waited in vain for {what}: {:?}", client.status()),
    }
}
