//! Watches the tip and prints what came and went, as a wallet would take it in, for a number of events.
//!
//!     watch_tip NETWORK ENODE DATA_DIR EVENTS

use std::{env, error::Error, time::Duration};

use rustock_core::{ChainEvent, LightClient, SubscribeOptions};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [network, enode, data_dir, events] = arguments.as_slice() else {
        return Err("usage: watch_tip NETWORK ENODE DATA_DIR EVENTS".into());
    };
    let client =
        LightClient::builder(network.parse()?).data_dir(data_dir).trusted_peers([enode.as_str()]).build()?;
    // A wallet passes `after` the cursor that it stored with its own data, and misses nothing in between.
    let mut subscription = client.subscribe(SubscribeOptions::default())?;
    client.start()?;
    for _ in 0..events.parse::<u32>()? {
        let event = subscription.next().await?;
        match &event {
            ChainEvent::Extended { blocks, .. } => println!("extended by {}", blocks.len()),
            ChainEvent::Reorg { removed, added, common_ancestor, .. } => {
                println!("undo {} down to {}, apply {}", removed.len(), common_ancestor.number, added.len());
            }
            ChainEvent::Rebased { new, .. } => println!("rescan from {}", new.number),
            _ => {}
        }
        println!("now at {}", event.cursor().block);
        // Only now is it taken in: whatever fails before, the same event comes again.
        subscription.ack(event.cursor())?;
    }
    client.stop(Duration::from_secs(5)).await;
    Ok(())
}
