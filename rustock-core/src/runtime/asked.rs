//! Which peers may have a large answer under way: those that were asked last.

use std::collections::VecDeque;

use crate::proto::{session::limits::LARGE_ANSWERS, sync::PeerId};

/// The peers asked last, the latest at the end. Synchronisation asks one peer at a time, so that whoever is not among
/// the last few has nothing left to say that somebody waits for.
#[derive(Debug, Default)]
pub(crate) struct LastAsked(VecDeque<PeerId>);

impl LastAsked {
    /// A peer is asked. Whoever has had its time comes back.
    pub fn ask(&mut self, peer: PeerId) -> Option<PeerId> {
        self.0.retain(|other| *other != peer);
        self.0.push_back(peer);
        if self.0.len() > LARGE_ANSWERS { self.0.pop_front() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_was_asked_before_the_others_has_had_its_time() {
        let mut last = LastAsked::default();
        let [first, second, third] = [PeerId(1), PeerId(2), PeerId(3)];
        assert_eq!(last.ask(first), None);
        assert_eq!(last.ask(first), None);
        assert_eq!(last.ask(second), None);
        assert_eq!(last.ask(first), None);
        assert_eq!(last.ask(third), Some(second));
        assert_eq!(last.ask(first), None);
    }
}
