//! What is told of looking for peers: that it goes on, and that nobody answers.

use core::time::Duration;

use super::events::Event;

/// How long nobody may answer by UDP before that is said.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two words about the search.
const PERIOD: Duration = Duration::from_secs(5);
/// What is said then.
pub const UDP_SILENT: &str = "no node has answered by UDP: it may be blocked here, or there is no network; \
                              `rustock doctor peers` looks closer, and --peer needs no UDP";

/// Looking for peers, as far as it is told.
#[derive(Debug)]
pub struct Search {
    is_on: bool,
    nodes_found: u64,
    next_word: Duration,
    has_complained: bool,
}

impl Search {
    /// Silent where nobody is looked for.
    pub fn new(is_on: bool) -> Self {
        Self { is_on, nodes_found: 0, next_word: Duration::ZERO, has_complained: false }
    }

    /// A node answered.
    pub fn found(&mut self) {
        self.nodes_found += 1;
    }

    /// True when nobody has answered so far.
    pub fn is_in_vain(&self) -> bool {
        self.is_on && self.nodes_found == 0
    }

    /// What there is to tell now, so long after the start.
    pub fn look(&mut self, elapsed: Duration, peers: usize) -> Option<Event> {
        if !self.is_on || peers > 0 {
            return None;
        }
        let seconds = elapsed.as_secs();
        if self.is_in_vain() && elapsed >= PATIENCE && !self.has_complained {
            self.has_complained = true;
            return Some(Event::UdpSilent { seconds });
        }
        if elapsed < self.next_word || self.has_complained && self.is_in_vain() {
            return None;
        }
        self.next_word = elapsed + PERIOD;
        Some(Event::Searching { nodes_found: self.nodes_found, seconds })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_search_says_that_it_goes_on_and_once_that_nobody_answers() {
        let mut search = Search::new(true);
        assert_eq!(search.look(at(0), 0), Some(Event::Searching { nodes_found: 0, seconds: 0 }));
        assert_eq!(search.look(at(4), 0), None);
        assert_eq!(search.look(at(5), 0), Some(Event::Searching { nodes_found: 0, seconds: 5 }));
        assert_eq!(search.look(at(9), 0), None);
        assert_eq!(search.look(at(10), 0), Some(Event::UdpSilent { seconds: 10 }));
        assert_eq!(search.look(at(20), 0), None);
        assert!(search.is_in_vain());
        search.found();
        assert_eq!(search.look(at(21), 0), Some(Event::Searching { nodes_found: 1, seconds: 21 }));
        assert!(!search.is_in_vain());
        assert_eq!(search.look(at(30), 1), None);
    }

    #[test]
    fn nothing_is_said_where_peers_are_named() {
        let mut search = Search::new(false);
        assert_eq!(search.look(at(60), 0), None);
        assert!(!search.is_in_vain());
    }
}
