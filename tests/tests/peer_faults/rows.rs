//! The rows, in the order of the page.

use super::{Row, session, sync};

const fn row(offence: &'static str, commit: fn() -> super::Evidence, honest: fn() -> super::Evidence) -> Row {
    Row { offence, commit, honest }
}

/// Every row.
pub const ROWS: &[Row] = &[
    row("invalid header", sync::invalid_header, sync::slow),
    row("undecodable header", sync::undecodable_header, sync::slow),
    row("broken header chain", sync::broken_header_chain, sync::slow),
    row("wrong first header", sync::wrong_first_header, sync::reorganised_between_question_and_answer),
    row("wrong header count", sync::wrong_header_count, sync::lossy),
    row("wrong skeleton height", sync::wrong_skeleton_height, sync::slow),
    row("empty skeleton", sync::empty_skeleton, sync::lossy),
    row(
        "skeleton contradiction",
        sync::skeleton_contradiction,
        sync::reorganised_between_question_and_answer,
    ),
    row("bad handshake packet", session::garbage_for_an_ack, session::ack_by_the_byte),
    row("broken frame", session::changed_frame, session::frames_by_the_byte),
    row("malformed message", session::malformed_message, session::frames_by_the_byte),
    row("unassigned message code", session::unassigned_code, session::peer_exchange),
    row("Hello out of place", session::second_hello, session::late_hello),
    row(
        "flood of unwanted messages",
        session::transactions_past_the_limit,
        session::transactions_at_the_limit,
    ),
    row("announcement spam", session::announcements_past_the_limit, session::announcements_at_the_limit),
    row("other network", session::other_network, session::other_best_block),
    row("incompatible protocol", session::without_our_capability, session::version_5_with_more_capabilities),
    row("other chain", sync::other_chain, sync::slow),
    row("fork too deep", sync::fork_too_deep, sync::reorganised_between_question_and_answer),
    row("light branch", sync::light_branch, sync::reorganised_between_question_and_answer),
    row("client too old", sync::client_too_old, sync::slow),
    row("header from the future", sync::future_header, sync::future_header),
    row("request timeout", sync::two_timeouts, sync::two_timeouts),
    row("unresponsive", sync::unresponsive, sync::two_timeouts),
    row("handshake failed", session::no_hello, session::late_hello),
    row("ping timeout", session::no_pong, session::late_pong),
    row("not reading", session::reads_nothing, session::reads_late),
    row("unreachable", session::nobody_listens, session::somebody_listens),
    row("connection lost", session::closes_without_a_word, session::late_pong),
    row("refused", session::says_too_many_peers, session::late_hello),
    row("left", session::says_it_quits, session::late_pong),
    row("sent away", || super::Evidence::Stayed, session::late_pong),
];
