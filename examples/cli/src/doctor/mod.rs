//! `rustock doctor peers`: each step from a boot node's name to a peer's session, and which of them works here.
//!
//! The steps are those of a client: look the names up, bond by UDP, ask for neighbours, dial. Nothing is kept.

mod report;

use core::{net::SocketAddr, time::Duration};
use std::collections::{BTreeMap, BTreeSet};

use rustock_core::{
    DiscoveryEvent, LightClient, Network, StartFrom, UdpDiscovery, UdpSettings,
    client::{Diagnostic, Discovery, NextDiagnostic, Trust},
    primitives::{hash::NodeId, peer::is_local},
    proto::discovery::{BootNode, DiscoveryConfig},
    wire::rlpx::enode::Enode,
};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout, timeout_at},
};

use self::report::{BootReport, Dial, Report};
use crate::{
    arguments::DoctorPeersOptions,
    exit::{Exit, Failure},
    output,
};

/// Nodes that are enough.
const NODES_WANTED: usize = 32;
/// Nodes that are dialled.
const DIALS: usize = 6;
/// How long nothing new may be found, once something was.
const QUIET: Duration = Duration::from_secs(3);
/// How long a name may take to be looked up.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(5);
/// Events that may wait.
const EVENTS: usize = 64;
const STOP_DEADLINE: Duration = Duration::from_secs(2);

/// Examines, and says what works. Fails when no session came about.
pub fn peers(options: &DoctorPeersOptions) -> Result<Exit, Failure> {
    let boot_nodes = match options.boot.is_empty() {
        true => options.network.params().boot_nodes.iter().filter_map(|node| node.parse().ok()).collect(),
        false => options.boot.clone(),
    };
    if boot_nodes.is_empty() {
        let sentence = format!("{} has no boot nodes: give --boot", options.network);
        return Err(Failure::with(Exit::Unreadable, sentence));
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("cannot start: {error}")))?;
    let report = runtime.block_on(examine(options, &boot_nodes))?;
    match options.json {
        true => output::json_line(&report)?,
        false => output::line(&report.to_string())?,
    }
    match report.diagnosis() {
        None => Ok(Exit::Success),
        Some(sentence) => Err(Failure::new(sentence)),
    }
}

async fn examine(options: &DoctorPeersOptions, boot_nodes: &[BootNode]) -> Result<Report, Failure> {
    let mut boot = Vec::new();
    for node in boot_nodes {
        boot.push(BootReport { node: node.to_string(), addresses: look_up(node).await, answered: false });
    }
    let addresses: BTreeSet<SocketAddr> = boot.iter().flat_map(|node| node.addresses.clone()).collect();
    let found = find(options, boot_nodes, &addresses).await?;
    let answering: BTreeSet<SocketAddr> = found.values().copied().collect();
    for node in &mut boot {
        node.answered = node.addresses.iter().any(|address| answering.contains(address));
    }
    let dials = dial(&options.network, &found, options.patience.0).await?;
    let network = options.network.name().to_owned();
    Ok(Report { network, boot_nodes: boot, nodes_found: found.len(), dials })
}

async fn look_up(node: &BootNode) -> Vec<SocketAddr> {
    let lookup = tokio::net::lookup_host((node.host.as_str(), node.port));
    match timeout(RESOLVE_TIMEOUT, lookup).await {
        Ok(Ok(addresses)) => addresses.collect(),
        Ok(Err(_)) | Err(_) => Vec::new(),
    }
}

/// Nodes that answer by UDP, the boot nodes among them.
async fn find(
    options: &DoctorPeersOptions,
    boot_nodes: &[BootNode],
    addresses: &BTreeSet<SocketAddr>,
) -> Result<BTreeMap<NodeId, SocketAddr>, Failure> {
    let mut found = BTreeMap::new();
    if addresses.is_empty() {
        return Ok(found);
    }
    let config = DiscoveryConfig {
        network_id: options.network.params().network_id,
        boot_nodes: boot_nodes.to_vec(),
        local_networks: addresses.iter().any(|address| is_local(address.ip())),
    };
    let discovery = UdpDiscovery::bind(UdpSettings::all_interfaces(config, 0))
        .await
        .map_err(|error| Failure::new(error.to_string()))?;
    let (sender, mut events) = mpsc::channel(EVENTS);
    let (commands, command_receiver) = mpsc::channel(1);
    let running = tokio::spawn(discovery.run(sender, command_receiver));
    let end = Instant::now() + options.patience.0;
    let mut wait_until = end;
    while found.len() < NODES_WANTED
        && let Ok(Some(event)) = timeout_at(wait_until, events.recv()).await
    {
        if let DiscoveryEvent::Found { node, address } = event
            && found.insert(node, address).is_none()
        {
            wait_until = end.min(Instant::now() + QUIET);
        }
    }
    drop(commands);
    // It ends by itself once nobody can command it.
    let _ = running.await;
    Ok(found)
}

/// Opens sessions with a few, as a client that keeps nothing.
async fn dial(
    network: &Network,
    found: &BTreeMap<NodeId, SocketAddr>,
    patience: Duration,
) -> Result<Vec<Dial>, Failure> {
    let failed = |error: &dyn core::fmt::Display| Failure::new(format!("cannot dial: {error}"));
    let client = LightClient::builder(network.clone())
        .in_memory()
        .start_from(StartFrom::Genesis)
        .discovery(Discovery::Off)
        .max_peers(DIALS)
        .build()
        .map_err(|error| failed(&error))?;
    let mut diagnostics = client.diagnostics();
    client.start().map_err(|error| failed(&error))?;
    // By id, which is as good as by chance: nobody chose it for its place here.
    let mut dials = BTreeMap::new();
    for (node, address) in found.iter().take(DIALS) {
        let Ok(enode) = Enode::new(node, &address.ip().to_string(), address.port()) else { continue };
        let text = enode.to_string();
        client.add_peer(&text, Trust::Ordinary).map_err(|error| failed(&error))?;
        dials.insert(
            *node,
            Dial { peer: text, client_id: None, problem: Some("no answer in time".to_owned()) },
        );
    }
    let end = Instant::now() + patience;
    let mut waiting: BTreeSet<NodeId> = dials.keys().copied().collect();
    while !waiting.is_empty()
        && let Ok(Some(next)) = timeout_at(end, diagnostics.next()).await
    {
        let NextDiagnostic::Event(event) = next else { continue };
        let (enode, client_id, problem) = match *event {
            Diagnostic::Connected { enode, client_id, .. } => (enode, Some(client_id), None),
            Diagnostic::Disconnected { enode, reason, .. } => (enode, None, Some(reason.to_string())),
            _ => continue,
        };
        if waiting.remove(&enode.node_id())
            && let Some(dial) = dials.get_mut(&enode.node_id())
        {
            dial.client_id = client_id;
            dial.problem = problem;
        }
    }
    client.stop(STOP_DEADLINE).await;
    Ok(dials.into_values().collect())
}
