//! From received headers to our chain: verification as work for the host, what becomes of its outcome, and the
//! checks that had to wait for ancestors.

use core::time::Duration;

use super::{
    Action, BACKFILL_RETRY, SyncReport,
    branch::Branch,
    fault::PeerFault,
    job::{JobFailure, JobHeaders, JobId, VerifyJob, VerifyOutcome},
    machine::{Round, Stage, Step, SyncMachine},
    peer::PeerId,
};
use crate::{primitives::number::CumulativeDifficulty, proto::time::Timestamp};

impl SyncMachine {
    pub(super) fn start_verification(&mut self) {
        if self.verifying.is_some() || self.ledger.is_full() {
            return;
        }
        let Some(round) = &mut self.round else { return };
        let (branch, headers): (&mut Branch, JobHeaders) = match &mut round.stage {
            Stage::Download(download) => match download.take_received() {
                Some(headers) => (&mut download.branch, headers),
                None => return,
            },
            Stage::Follow(follow) => match follow.take_linked() {
                Some((branch, headers)) => (branch, headers),
                None => return,
            },
            _ => return,
        };
        self.next_job += 1;
        let id = JobId(self.next_job);
        self.verifying = Some(id);
        let job = VerifyJob { id, parent: branch.parent(), window: branch.take_window(), headers };
        self.actions.push_back(Action::Verify(Box::new(job)));
    }

    pub(super) fn on_verified(&mut self, now: Timestamp, outcome: VerifyOutcome) {
        if self.verifying != Some(outcome.id) {
            return;
        }
        self.verifying = None;
        let Some(Round { peer, stage }) = self.round.take() else { return };
        self.count_served(peer, outcome.verified.len() as u64);
        let (mut branch, rest) = match stage {
            Stage::Download(download) => download.split(),
            Stage::Follow(mut follow) => match follow.take_branch() {
                Some(branch) => (branch, None),
                None => {
                    self.round = Some(Round { peer, stage: Stage::Follow(follow) });
                    return;
                }
            },
            // The round was replaced while its verification ran: the outcome has no place any more.
            other => {
                self.round = Some(Round { peer, stage: other });
                return;
            }
        };
        let step = self.adopt(now, &mut branch, outcome, peer);
        let step = match step {
            Some(Step::Fault(fault))
                if rest.as_ref().is_some_and(|rest| rest.is_off_connection_point(&fault)) =>
            {
                self.contradicted(peer, fault)
            }
            Some(end) => end,
            None => match rest {
                Some(rest) => Step::Continue(Stage::Download(rest.join(branch))),
                None => {
                    self.remember_tip(peer, branch.top_id());
                    Step::Over
                }
            },
        };
        self.round = Some(Round { peer, stage: Stage::Poll });
        match step {
            Step::Continue(stage) => {
                self.round = Some(Round { peer, stage });
                self.pump(now);
                self.finish_download(now);
            }
            end => self.end_round(now, end),
        }
    }

    /// Puts verified headers on the branch, and the branch on the chain if it is the better one. An end of the
    /// round comes back when the run failed.
    pub(super) fn adopt(
        &mut self,
        now: Timestamp,
        branch: &mut Branch,
        outcome: VerifyOutcome,
        peer: PeerId,
    ) -> Option<Step> {
        self.verified += outcome.verified.len() as u64;
        if branch.extend(outcome.verified, outcome.window).is_err() {
            // 2^54 blocks of today's work: only made-up difficulties could get here.
            let (ours, theirs) = (CumulativeDifficulty::default(), CumulativeDifficulty::default());
            return Some(Step::Fault(PeerFault::LightBranch { length: branch.len(), ours, theirs }));
        }
        if branch.is_preferred(self.ledger.tail()) {
            self.last_improvement = now;
            let ancestor = branch.common_ancestor();
            let (entries, unchecked) = branch.take_entries();
            self.ledger.replace(ancestor, entries);
            if let Some(unchecked) = unchecked {
                self.ledger.set_fork_detection_from(unchecked.next());
            }
        } else if branch.len() > super::branch::MAX_BRANCH_LENGTH {
            let (ours, theirs) = branch.weights(self.ledger.tail());
            return Some(Step::Fault(PeerFault::LightBranch { length: branch.len(), ours, theirs }));
        }
        match outcome.failure? {
            JobFailure::Fault(fault) => Some(Step::Fault(fault)),
            JobFailure::NotYetValid { until, now: wall } => {
                let wait = Duration::from_secs(until.as_secs().saturating_sub(wall.as_secs()).clamp(1, 60));
                self.report(SyncReport::HeaderFromTheFuture { peer, wait });
                Some(Step::Retry(wait))
            }
        }
    }

    pub(super) fn give_up_backfill(&mut self, now: Timestamp, peer: PeerId) {
        self.backfill_due = now.saturating_add(BACKFILL_RETRY);
        let known = self.ledger.tail().ancestors().len() as u64;
        self.report(SyncReport::AncestorsUnavailable { peer, known });
        if let Some(Round { stage: Stage::Backfill(backfill), .. }) = &self.round {
            let step = backfill.then();
            self.end_round(now, step);
        }
    }

    pub(super) fn defer_backfill(&mut self, now: Timestamp, peer: PeerId) {
        self.backfill_due = now.saturating_add(BACKFILL_RETRY);
        let known = self.ledger.tail().ancestors().len() as u64;
        self.report(SyncReport::AncestorsUnavailable { peer, known });
    }

    /// Asks for headers whose fork-detection data could not be checked when they came, and can be now.
    pub(super) fn check_ancestors_late(&mut self) {
        let busy = self.round.is_some() || self.verifying.is_some() || self.loading_headers.is_some();
        if busy || !self.ledger.is_settled() {
            return;
        }
        if let Some((from, to)) = self.late_range() {
            self.loading_headers = Some(from);
            self.actions.push_back(Action::LoadHeaders { from: self.base.number, to });
        }
    }

    /// After a rollback, every peer's chain is looked at again.
    pub(super) fn look_again(&mut self) {
        for peer in self.peers.values_mut() {
            peer.caught_up = false;
            // What was lighter than the chain that was taken back may be the best there is now.
            peer.lighter_tip = None;
            peer.round_due = Some(peer.connected_at);
        }
    }
}
