//! Looking for nodes, and seeing if those we have are still there.

use core::net::SocketAddr;

use super::config::Demand;
use super::limits::{
    ASK_AFTER_PONG, ASK_WITHOUT_PING, BOOT_INTERVAL, FREE_DISTANCE, KEY_PAUSE, KEY_PAUSE_DOUBLINGS,
    KEY_TRIES, NODES_ASKED, NODES_CHECKED, NODES_IN_ANSWER, RANDOM_NODES, RANDOM_NODES_CHECKED,
    REFRESH_INTERVAL,
};
use super::machine::{Action, Discovery};
use super::packets::Packets;
use super::requests::{Due, Purpose};
use super::table::{Added, Node};
use crate::primitives::hash::NodeId;
use crate::proto::time::Timestamp;
use crate::wire::discovery::{Endpoint, FindNode, Message, MessageId, Neighbors, Ping};

impl<P: Packets> Discovery<P> {
    /// Does whatever its time has come for.
    pub(super) fn advance(&mut self, now: Timestamp) {
        self.send_due(now);
        match self.demand {
            Demand::Wanted => self.explore(now),
            Demand::Maintained => self.maintain(now),
            Demand::Satisfied => return,
        }
        self.send_due(now);
    }

    fn send_due(&mut self, now: Timestamp) {
        while let Some(due) = self.requests.next_due(now) {
            match due {
                Due::Send { to, packet } => self.send_packet(to, packet),
                Due::Expired(Purpose::Check(node) | Purpose::Challenge(node)) => self.lose(&node),
                Due::Expired(Purpose::Hint | Purpose::Answer | Purpose::FindNode(_)) => {}
            }
        }
    }

    fn explore(&mut self, now: Timestamp) {
        if self.table.is_empty() && now >= self.next_boot {
            self.next_boot = now.saturating_add(BOOT_INTERVAL);
            self.start_from_boot_nodes(now);
        }
        if now >= self.next_refresh {
            self.next_refresh = now.saturating_add(REFRESH_INTERVAL);
            self.refresh(now);
        }
        self.renew_key(now);
        while self.requests.has_room(Purpose::Hint)
            && let Some(address) = self.hints.next(now)
        {
            if !self.table.has_address(address) {
                self.ping(now, address, Purpose::Hint);
            }
        }
    }

    fn maintain(&mut self, now: Timestamp) {
        if self.next_check().is_some_and(|check| check <= now) {
            self.next_refresh = now.saturating_add(REFRESH_INTERVAL);
            self.check_some(now);
        }
    }

    /// When [`Self::maintain`] has something to do.
    pub(super) fn next_check(&self) -> Option<Timestamp> {
        (!self.table.is_empty()).then_some(self.next_refresh)
    }

    /// When [`Self::explore`] has something to do.
    pub(super) fn next_exploration(&self, now: Timestamp) -> Option<Timestamp> {
        let boot = (self.table.is_empty() && !self.config.boot_nodes.is_empty()).then_some(self.next_boot);
        let refresh = (!self.table.is_empty()).then_some(self.next_refresh);
        // Without room, the next request that expires makes some.
        let hint = self.requests.has_room(Purpose::Hint).then(|| self.hints.next_timeout(now)).flatten();
        [boot, refresh, hint, self.next_renewal].into_iter().flatten().min()
    }

    /// A node whose bucket for us is full never lists us, and tells those alone that it lists.
    fn renew_key(&mut self, now: Timestamp) {
        if self.next_renewal.is_none_or(|renewal| now < renewal) {
            return;
        }
        self.next_renewal = None;
        let mut nodes: Vec<NodeId> = self.table.nodes().map(|node| node.id).collect();
        if nodes.len() > 1 {
            // Who did not help the last time had its turn.
            nodes.retain(|id| Some(*id) != self.renewed_near);
        }
        if let Some(near) = self.random.choose(nodes) {
            self.renewals = self.renewals.saturating_add(1);
            self.renewed_near = Some(near);
            self.push(Action::RenewKey { near, distance: FREE_DISTANCE });
        }
    }

    fn start_from_boot_nodes(&mut self, now: Timestamp) {
        for index in 0..self.config.boot_nodes.len() {
            if let Some(host) = self.hints.add_boot_node(now, &self.config.boot_nodes[index]) {
                self.push(Action::Resolve { host });
            }
        }
    }

    /// Asks the nodes nearest to us and some others for more, and sees if some are there.
    fn refresh(&mut self, now: Timestamp) {
        let nearest = self.table.nearest_to(&self.local_id);
        for node in self.random.sample(nearest, NODES_ASKED, RANDOM_NODES) {
            self.ask(now, node);
        }
        self.check_some(now);
    }

    fn check_some(&mut self, now: Timestamp) {
        let nearest = self.table.nearest_to(&self.local_id);
        for node in self.random.sample(nearest, NODES_CHECKED, RANDOM_NODES_CHECKED) {
            self.ping(now, node.address, Purpose::Check(node.id));
        }
    }

    /// Pings an address, unless an earlier ping to it is unanswered.
    pub(super) fn ping(&mut self, now: Timestamp, to: SocketAddr, purpose: Purpose) {
        let message_id = self.random.message_id();
        let endpoint = Endpoint::from(self.identity.endpoint);
        let ping = Ping { endpoint, message_id, network_id: Some(self.config.network_id) };
        let (key, local_id) = (&self.identity.key, &self.local_id);
        self.requests.add(message_id, purpose, to, now, || P::seal(&Message::Ping(ping), key, local_id));
    }

    /// Asks a node for others at `when`.
    fn ask(&mut self, when: Timestamp, node: Node) {
        let message_id = self.random.message_id();
        let target = self.local_id.as_bytes().to_vec();
        let find_node = FindNode { target, message_id, network_id: Some(self.config.network_id) };
        let (key, local_id) = (&self.identity.key, &self.local_id);
        self.requests.add(message_id, Purpose::FindNode(node.id), node.address, when, || {
            P::seal(&Message::FindNode(find_node), key, local_id)
        });
    }

    /// A pong that is awaited: whoever signed it is at the address it came from.
    pub(super) fn take_pong(&mut self, now: Timestamp, from: SocketAddr, sender: NodeId, id: MessageId) {
        let Some(answered) = self.requests.answer_ping(id) else { return };
        if answered.purpose == Purpose::Challenge(sender) {
            return self.table.mark_seen(&sender);
        }
        if let Purpose::Challenge(node) | Purpose::Check(node) = answered.purpose
            && node != sender
        {
            // Another node is at the address now.
            self.lose(&node);
        }
        self.prove(now, sender, from, answered.pinged_us);
    }

    fn prove(&mut self, now: Timestamp, id: NodeId, address: SocketAddr, pinged_us: bool) {
        self.hints.mark_tried(now, address);
        let added = self.table.add(id, address);
        let is_where_it_was = self.table.get(&id).is_some_and(|node| node.address == address);
        match added {
            Added::Ourselves => return,
            Added::Refreshed if is_where_it_was => return,
            Added::Refreshed | Added::SubnetFull => {}
            Added::New => {
                if self.demand == Demand::Wanted {
                    let pause = if pinged_us { ASK_AFTER_PONG } else { ASK_WITHOUT_PING };
                    self.ask(now.saturating_add(pause), Node { id, address });
                    if !self.is_heard && self.next_renewal.is_none() {
                        let doublings =
                            (self.renewals + 1).saturating_sub(KEY_TRIES).min(KEY_PAUSE_DOUBLINGS);
                        let factor = 1 << doublings;
                        self.next_renewal = Some(now.saturating_add(KEY_PAUSE * factor));
                    }
                }
            }
            Added::Full(oldest) => self.ping(now, oldest.address, Purpose::Challenge(oldest.id)),
        }
        self.push(Action::Found { node: id, address });
    }

    fn lose(&mut self, id: &NodeId) {
        self.requests.forget_node(id);
        if let Some(Node { id: node, address }) = self.table.remove(id) {
            self.push(Action::Lost { node, address });
        }
    }

    /// Neighbors that are awaited: addresses to try. The ids in them prove nothing.
    pub(super) fn take_neighbors(&mut self, now: Timestamp, sender: NodeId, neighbors: &Neighbors) {
        if self.table.get(&sender).is_none() || !self.requests.answer_find_node(neighbors.message_id, &sender)
        {
            self.counters.unexpected += 1;
            return;
        }
        self.table.mark_seen(&sender);
        self.is_heard = true;
        self.next_renewal = None;
        self.renewals = 0;
        // rskj's way with an answer that is too long.
        let used =
            if neighbors.nodes.len() > NODES_IN_ANSWER { NODES_IN_ANSWER - 1 } else { NODES_IN_ANSWER };
        for node in neighbors.nodes.iter().take(used) {
            if node.id != self.local_id.as_bytes()
                && let Some(host) = self.hints.add_told(now, &node.host, node.port)
            {
                self.push(Action::Resolve { host });
            }
        }
    }
}
