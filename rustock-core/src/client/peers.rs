//! What an app can see and say of peers.

use core::time::Duration;

use super::handle::LightClient;
use crate::{
    primitives::{
        hash::NodeId,
        peer::{Ban, BanSubject, PeerAddress, PeerBatch, PeerSource},
    },
    proto::peers::{Input, TooManyBans, reputation::Reputation},
    runtime::peers::PeerInfo,
    store::{Store, StoreError},
    wire::rlpx::enode::{Enode, EnodeError},
};

/// Peers that come with the library, by network: full nodes that their operators have published with their ids.
pub(super) fn bundled(network: &str) -> &'static [&'static str] {
    match network {
        "mainnet" => &[
            "enode://e3a25521354aa99424f5de89cdd2e36aa9b9a96d965d1f7f47d876be0cdbd29c7df327a74170f6a9ea44f54f6ab8ae0dae28e40bb89dbd572a617e2008cfc215@snapshot-sync-use1-1.mainnet.rskcomputing.net:5050",
            "enode://f0093935353f94c723a9b67d143ad62464aaf3c959dc05a87f00b637f9c734513493d53f7223633514ea33f2a685878620f0d002cabc05d7f37e6c152774d5da@snapshot-sync-euw2-1.mainnet.rskcomputing.net:5050",
        ],
        _ => &[],
    }
}

/// What is known of a peer that is added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// It is always dialled and never banned by itself. What it sends is verified like anybody's.
    Trusted,
    /// It is dialled when there is a place.
    Ordinary,
}

/// Why something could not be said of a peer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PeerError {
    /// The text is no enode.
    #[error("{value:?}: {reason}")]
    Enode {
        /// The text given.
        value: String,
        /// What is wrong with it.
        reason: EnodeError,
    },
    /// The client is not running.
    #[error("the client is not running")]
    NotRunning,
    /// Too much waits to be done already.
    #[error("too many commands wait already; try again")]
    Busy,
    /// There are too many bans of the user's.
    #[error(transparent)]
    TooManyBans(#[from] TooManyBans),
    /// The store could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl LightClient {
    /// The connections, those being made among them; none while the client is not running. From a snapshot.
    pub fn peers(&self) -> Vec<PeerInfo> {
        let now = self.clock().now();
        self.shared().peers().peers(now)
    }

    /// Adds a peer to a running client by its enode.
    ///
    /// # Errors
    /// [`PeerError::Enode`], [`PeerError::NotRunning`], [`PeerError::Busy`].
    pub fn add_peer(&self, enode: &str, trust: Trust) -> Result<(), PeerError> {
        let enode: Enode =
            enode.parse().map_err(|reason| PeerError::Enode { value: enode.to_owned(), reason })?;
        self.tell_peers(add_input(&enode, PeerSource::Configured, trust == Trust::Trusted))
    }

    /// Ends the connection with a peer and forgets it, until it is heard of again.
    ///
    /// # Errors
    /// [`PeerError::NotRunning`], [`PeerError::Busy`].
    pub fn remove_peer(&self, node: NodeId) -> Result<(), PeerError> {
        self.tell_peers(Input::Remove(node))
    }

    /// Bans a node or an address, for a time or for ever. It holds over restarts, and for trusted peers too. A client
    /// that is not started writes it into its store.
    ///
    /// # Errors
    /// [`PeerError`].
    pub fn ban(&self, subject: BanSubject, duration: Option<Duration>) -> Result<(), PeerError> {
        if self.is_running() {
            return self.tell_peers(Input::Ban { subject, duration });
        }
        self.change_stored_bans(|reputation| {
            reputation.ban_by_user(self.clock().wall(), subject, duration).map(drop)
        })
    }

    /// Lifts a ban, and forgets the ones before it.
    ///
    /// # Errors
    /// [`PeerError`].
    pub fn unban(&self, subject: BanSubject) -> Result<(), PeerError> {
        if self.is_running() {
            return self.tell_peers(Input::Unban(subject));
        }
        self.change_stored_bans(|reputation| {
            reputation.lift(&subject);
            Ok(())
        })
    }

    /// The bans in force, by subject. Those of a client that is not running come from its store.
    pub fn bans(&self) -> Vec<Ban> {
        if self.is_running() {
            return self.shared().peers().bans.to_vec();
        }
        let wall = self.clock().wall();
        let stored = self.shared().store.peers().unwrap_or_default().saved;
        stored.bans.into_iter().filter(|ban| ban.is_active(wall)).collect()
    }

    /// Says that the device is on another network, or on none: every connection is closed, and those to be had
    /// are made anew at once.
    ///
    /// # Errors
    /// [`PeerError::NotRunning`], [`PeerError::Busy`].
    pub fn network_changed(&self, is_online: bool) -> Result<(), PeerError> {
        self.tell_peers(Input::NetworkChanged { is_online })
    }

    fn change_stored_bans(
        &self,
        change: impl FnOnce(&mut Reputation) -> Result<(), TooManyBans>,
    ) -> Result<(), PeerError> {
        let store = &self.shared().store;
        let mut reputation = Reputation::new(store.peers()?.saved.bans, false, self.clock().wall());
        change(&mut reputation)?;
        let mut batch = PeerBatch::default();
        reputation.take_changes(&mut batch);
        Ok(store.commit_peers(&batch)?)
    }
}

/// What the machine is told of a peer with a known id.
pub(super) fn add_input(enode: &Enode, source: PeerSource, is_trusted: bool) -> Input {
    let address = PeerAddress::new(enode.host(), enode.port()).expect("an enode has a host and a port");
    Input::Add { node: enode.node_id(), address, source, is_trusted }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bundled_peers_are_enodes() {
        assert_eq!(bundled("mainnet").len(), 2);
        for enode in bundled("mainnet") {
            enode.parse::<Enode>().expect("an enode");
        }
        assert!(bundled("regtest").is_empty());
    }
}
