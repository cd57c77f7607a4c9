//! Answering others, as rskj does.

use core::net::SocketAddr;

use super::address::Source;
use super::limits::{ASK_AFTER_PONG, NODES_IN_ANSWER, RANDOM_NODES};
use super::machine::Discovery;
use super::packets::Packets;
use super::requests::Purpose;
use crate::primitives::hash::NodeId;
use crate::proto::time::Timestamp;
use crate::wire::discovery::{Endpoint, Message, MessageId, Neighbor, Neighbors, Pong};

impl<P: Packets> Discovery<P> {
    /// A pong, always; and a ping of our own to whoever is not in the table.
    pub(super) fn serve_ping(&mut self, now: Timestamp, from: SocketAddr, sender: NodeId, id: MessageId) {
        let endpoint = Endpoint::from(self.identity.endpoint);
        let network_id = Some(self.config.network_id);
        self.send(from, &Message::Pong(Pong { endpoint, message_id: id, network_id }));
        if self.table.get(&sender).is_some() {
            self.table.mark_seen(&sender);
            self.requests.hasten_find_node(&sender, now.saturating_add(ASK_AFTER_PONG));
            return;
        }
        self.ping(now, from, Purpose::Answer);
        self.requests.note_ping_from(from);
    }

    /// The nodes nearest to the asker and some others, but only to nodes of the table, and only to the address
    /// that the node proved, wherever the request came from. What it looks for is not looked at.
    pub(super) fn serve_find_node(
        &mut self,
        now: Timestamp,
        from: SocketAddr,
        sender: NodeId,
        id: MessageId,
    ) {
        let Some(asker) = self.table.get(&sender) else {
            self.counters.unexpected += 1;
            return;
        };
        let source = Source::of(asker.address);
        // A request can be replayed from anywhere; that must not become a flood for its maker.
        if source != Source::of(from) && !self.budget.charge(now, source) {
            self.counters.over_budget += 1;
            return;
        }
        let nearest = self.table.nearest_to(&sender);
        let nodes = self.random.sample(nearest, NODES_IN_ANSWER, RANDOM_NODES);
        let nodes = nodes.into_iter().map(|node| Neighbor {
            host: node.address.ip().to_string(),
            port: u32::from(node.address.port()),
            id: node.id.as_bytes().to_vec(),
        });
        let neighbors =
            Neighbors { nodes: nodes.collect(), message_id: id, network_id: Some(self.config.network_id) };
        self.send(asker.address, &Message::Neighbors(neighbors));
        self.table.mark_seen(&sender);
    }
}
