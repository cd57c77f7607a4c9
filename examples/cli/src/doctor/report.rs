//! What the examination found, for people and programs.

use core::{fmt, net::SocketAddr};

use serde::Serialize;

/// The whole of it.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The network's name.
    pub network: String,
    /// What became of each boot node.
    pub boot_nodes: Vec<BootReport>,
    /// Nodes that answered by UDP, boot nodes among them.
    pub nodes_found: usize,
    /// What became of those that were dialled.
    pub dials: Vec<Dial>,
}

/// One boot node.
#[derive(Debug, Clone, Serialize)]
pub struct BootReport {
    /// As it was given.
    pub node: String,
    /// What its name was looked up to.
    pub addresses: Vec<SocketAddr>,
    /// It proved by UDP to be there.
    pub answered: bool,
}

/// One attempt to have a session.
#[derive(Debug, Clone, Serialize)]
pub struct Dial {
    /// The enode.
    pub peer: String,
    /// What the peer says it runs; there when a session came about.
    pub client_id: Option<String>,
    /// Why none came about.
    pub problem: Option<String>,
}

impl Report {
    /// The first step that does not work, as a sentence; none when there was a session.
    pub fn diagnosis(&self) -> Option<String> {
        if self.dials.iter().any(|dial| dial.client_id.is_some()) {
            return None;
        }
        let sentence = if self.boot_nodes.iter().all(|node| node.addresses.is_empty()) {
            "no boot node's name can be looked up: DNS does not work here, or there is no network".to_owned()
        } else if self.nodes_found == 0 {
            "no node answers by UDP: it may be blocked here; peers that are named with --peer need none"
                .to_owned()
        } else {
            format!("{} nodes answer by UDP, and none of those that were dialled by TCP", self.nodes_found)
        };
        Some(sentence)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let looked_up = self.boot_nodes.iter().filter(|node| !node.addresses.is_empty()).count();
        let answered = self.boot_nodes.iter().filter(|node| node.answered).count();
        let all = self.boot_nodes.len();
        writeln!(
            f,
            "{}: {looked_up} of {all} boot nodes can be looked up, {answered} answer by UDP",
            self.network
        )?;
        for node in &self.boot_nodes {
            let state = match (node.addresses.is_empty(), node.answered) {
                (true, _) => "its name cannot be looked up",
                (false, true) => "answers by UDP",
                (false, false) => "does not answer by UDP",
            };
            writeln!(f, "  {}: {state}", node.node)?;
        }
        write!(f, "{} nodes found by UDP, {} dialled", self.nodes_found, self.dials.len())?;
        for dial in &self.dials {
            let address = dial.peer.rsplit_once('@').map_or("", |(_, address)| address);
            match (&dial.client_id, &dial.problem) {
                (Some(client_id), _) => write!(f, "\n  {address}: a session, with {client_id:.64}")?,
                (None, problem) => {
                    write!(f, "\n  {address}: {}", problem.as_deref().unwrap_or("no session"))?
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_step_that_fails_is_named() {
        let node = |addresses| BootReport { node: "host:1".to_owned(), addresses, answered: false };
        let address: SocketAddr = "192.0.2.1:1".parse().unwrap();
        let dial = |client_id: Option<&str>| Dial {
            peer: "enode://x@192.0.2.1:1".to_owned(),
            client_id: client_id.map(str::to_owned),
            problem: client_id.is_none().then(|| "cannot connect".to_owned()),
        };
        let report = |addresses, nodes_found, dials| {
            let network = "mainnet".to_owned();
            Report { network, boot_nodes: vec![node(addresses)], nodes_found, dials }.diagnosis()
        };
        assert!(report(vec![], 0, vec![]).unwrap().contains("looked up"));
        assert!(report(vec![address], 0, vec![]).unwrap().contains("UDP: it may be blocked"));
        assert!(report(vec![address], 2, vec![dial(None)]).unwrap().contains("dialled by TCP"));
        assert_eq!(report(vec![address], 2, vec![dial(None), dial(Some("rskj"))]), None);
    }
}
