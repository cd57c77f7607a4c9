//! The requests whose answers may be large, as long as anybody waits for them.

use std::collections::VecDeque;

use crate::proto::session::limits::ANSWER_PATIENCE;
use crate::proto::time::Timestamp;

/// Requests that count at once. More are not made; if they were, the oldest would be forgotten.
const MAX_AWAITED: usize = 8;

/// When what is still unanswered was asked, oldest first. Which answer belongs to which request is not looked at: it
/// is about how much may come, and what comes is judged elsewhere.
#[derive(Debug, Default)]
pub(super) struct AwaitedAnswers(VecDeque<Timestamp>);

impl AwaitedAnswers {
    pub(super) fn asked(&mut self, now: Timestamp) {
        if self.0.len() >= MAX_AWAITED {
            self.0.pop_front();
        }
        self.0.push_back(now);
    }

    pub(super) fn answered(&mut self) {
        self.0.pop_front();
    }

    pub(super) fn forget(&mut self) {
        self.0.clear();
    }

    /// True when a large answer may come.
    pub(super) fn is_any(&mut self, now: Timestamp) -> bool {
        while self.0.front().is_some_and(|asked| now.since(*asked) >= ANSWER_PATIENCE) {
            self.0.pop_front();
        }
        !self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn an_answer_is_awaited_until_it_comes_or_its_time_is_over() {
        let mut awaited = AwaitedAnswers::default();
        assert!(!awaited.is_any(at(0)));
        awaited.asked(at(0));
        awaited.asked(at(10_000));
        awaited.answered();
        assert!(awaited.is_any(at(39_999)));
        assert!(!awaited.is_any(at(40_000)));
        awaited.asked(at(40_000));
        awaited.answered();
        awaited.answered();
        assert!(!awaited.is_any(at(40_000)));
    }

    #[test]
    fn requests_without_end_leave_room_for_so_many_answers_and_no_more() {
        let mut awaited = AwaitedAnswers::default();
        for _ in 0..1_000 {
            awaited.asked(at(0));
        }
        for _ in 0..MAX_AWAITED {
            assert!(awaited.is_any(at(0)));
            awaited.answered();
        }
        assert!(!awaited.is_any(at(0)));
    }
}
