//! Syncs once, until level with a peer, and says what was verified.
//!
//!     sync_headers NETWORK ENODE DATA_DIR

use std::{env, error::Error, time::Duration};

use rustock_core::{LightClient, RunState};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(network), Some(enode), Some(data_dir)) = (arguments.next(), arguments.next(), arguments.next())
    else {
        return Err("usage: sync_headers NETWORK ENODE DATA_DIR".into());
    };
    // Building opens the store and validates everything; nothing touches the network before start.
    let client = LightClient::builder(network.parse()?).data_dir(data_dir).trusted_peers([enode]).build()?;
    println!("starting from {}", client.best_header().number());
    client.start()?;

    let mut status = client.watch_status();
    loop {
        let now = status.next().await;
        match now.run {
            RunState::Following => break,
            RunState::Failed(error) => return Err(error.into()),
            // What went wrong last, if anything did: the client goes on trying by itself.
            _ => {
                println!("{} at {} {}", now.run.name(), now.head.number, now.last_problem.unwrap_or_default())
            }
        }
    }
    let best = client.best_header();
    println!("level at {} {}", best.number(), best.hash());
    client.stop(Duration::from_secs(5)).await;
    Ok(())
}
