//! The loop of `rustock sync`: waits for whatever happens next and shows it.

use core::{future::pending, time::Duration};
use std::{collections::BTreeMap, time::Instant};

use rustock_core::{
    ChainEvent, LightClient, NextError, RunState, Status, SubscribeOptions, Subscription,
    client::{ConnectionEnd, Diagnostic, Diagnostics, NextDiagnostic},
    proto::{peers::DropCause, sync::PeerId},
};
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};

use super::{
    STOP_DEADLINE,
    console::Console,
    events::{Event, Progress, StopReason},
    patience::Patience,
    search::{Search, UDP_SILENT},
};
use crate::{
    arguments::SyncOptions,
    block::Block,
    exit::{Exit, Failure},
    interrupt::Interrupt,
};

/// Between two lines of progress for programs.
const PROGRESS_PERIOD: Duration = Duration::from_secs(1);
/// Between two lines of progress for people.
const LINE_PERIOD: Duration = Duration::from_secs(5);
/// Between two pictures of a progress bar.
const PICTURE_PERIOD: Duration = Duration::from_millis(100);
/// Blocks in one event: at least what one commit holds.
const MAX_BATCH: u32 = 10_000;

/// One run of `rustock sync`.
pub struct Follow<'a> {
    client: LightClient,
    options: &'a SyncOptions,
    console: Console,
    started: Instant,
    /// Why peers were sent away, until their connection has ended.
    faults: BTreeMap<PeerId, String>,
    shown: Option<Progress>,
    was_following: bool,
    search: Search,
}

/// Why the loop ended.
enum End {
    Interrupted,
    Synced,
    Stalled,
    Failed(String),
}

impl<'a> Follow<'a> {
    /// A run that has not begun.
    pub fn new(client: LightClient, options: &'a SyncOptions, console: Console) -> Self {
        Self {
            client,
            options,
            console,
            started: Instant::now(),
            faults: BTreeMap::new(),
            shown: None,
            was_following: false,
            search: Search::new(options.peers.is_empty()),
        }
    }

    /// Runs to the end and stops the client.
    pub async fn run(mut self) -> Result<Exit, Failure> {
        let outcome = self.follow().await;
        let status = self.client.status();
        let _ = self.client.stop(STOP_DEADLINE).await;
        self.console.finish();
        let (reason, result) = match outcome? {
            End::Interrupted => (StopReason::Interrupted, Ok(Exit::Success)),
            End::Synced => (StopReason::Synced, Ok(Exit::Success)),
            End::Stalled => (StopReason::Stalled, Err(self.stalled(&status))),
            End::Failed(sentence) => (StopReason::Failed, Err(Failure::new(sentence))),
        };
        // Stopping writes what was verified and not yet written.
        let head = self.client.status().head;
        self.console.show(&Event::Stopped {
            reason,
            number: head.number.get(),
            hash: head.hash.to_string(),
            headers_verified: status.progress.headers_verified,
            milliseconds: self.started.elapsed().as_millis() as u64,
        })?;
        result
    }

    async fn follow(&mut self) -> Result<End, Failure> {
        let cannot_start = |error: &dyn core::fmt::Display| Failure::new(format!("cannot start: {error}"));
        let mut interrupt = Interrupt::new()?;
        let mut diagnostics = Some(self.client.diagnostics());
        let mut states = self.client.watch_status();
        let options = SubscribeOptions { max_batch: MAX_BATCH, ..SubscribeOptions::default() };
        let mut blocks = self.client.subscribe(options).map_err(|error| cannot_start(&error))?;
        let status = self.client.status();
        self.console.show(&Event::Started {
            network: self.options.network.name().to_owned(),
            data_dir: self.options.data_dir.display().to_string(),
            base: status.base.into(),
            head: status.head.into(),
        })?;
        self.client.start().map_err(|error| cannot_start(&error))?;
        let mut patience = Patience::new(self.options.patience.0, Instant::now());
        let mut ticks = self.ticks();
        loop {
            tokio::select! {
                () = interrupt.wait() => return Ok(End::Interrupted),
                event = blocks.next() => match event {
                    Ok(event) => self.take(&mut blocks, &event)?,
                    Err(NextError::Store(error)) => return Ok(End::Failed(self.in_directory(&error))),
                    Err(_) => return Ok(End::Interrupted),
                },
                diagnostic = next_diagnostic(&mut diagnostics) => self.show_diagnostic(diagnostic)?,
                status = states.next() => {
                    if let Some(end) = self.look_at(&status, &mut blocks).await? {
                        return Ok(end);
                    }
                }
                _ = ticks.tick() => {
                    let status = self.client.status();
                    if let Some(event) = self.search.look(self.started.elapsed(), status.peers) {
                        self.console.show(&event)?;
                    }
                    self.show_progress(&status)?;
                    if self.options.until_synced && patience.is_lost(&status, Instant::now()) {
                        return Ok(End::Stalled);
                    }
                }
            }
        }
    }

    fn ticks(&self) -> Interval {
        let period = if self.console.is_animated() {
            PICTURE_PERIOD
        } else if self.console.is_for_people() && self.options.patience.0 >= LINE_PERIOD {
            LINE_PERIOD
        } else {
            PROGRESS_PERIOD
        };
        let mut ticks = interval(period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks
    }

    /// Shows what is new about the state, and says whether it is the end.
    async fn look_at(&mut self, status: &Status, blocks: &mut Subscription) -> Result<Option<End>, Failure> {
        if let RunState::Failed(error) = &status.run {
            return Ok(Some(End::Failed(self.in_directory(error))));
        }
        let is_following = status.run == RunState::Following;
        if is_following && !self.was_following {
            // What led here comes first.
            while let Ok(Ok(event)) = timeout(Duration::ZERO, blocks.next()).await {
                self.take(blocks, &event)?;
            }
            self.show_progress(status)?;
            let head = status.head;
            self.console.show(&Event::CaughtUp { number: head.number.get(), hash: head.hash.to_string() })?;
            if self.options.until_synced {
                return Ok(Some(End::Synced));
            }
        }
        // Blocks that are announced make a client sync for a moment; that is not falling behind.
        let is_behind = status.peers_claim.is_none_or(|claim| claim.blocks_above(status.head.number) > 8);
        self.was_following = is_following || (self.was_following && !is_behind && status.peers > 0);
        Ok(None)
    }

    /// Shows a change of the chain and moves on.
    fn take(&mut self, blocks: &mut Subscription, event: &ChainEvent) -> Result<(), Failure> {
        match event {
            ChainEvent::Extended { blocks, .. } => {
                if let Some(last) = blocks.last() {
                    self.console.show(&Event::Extended {
                        blocks: blocks.len() as u64,
                        number: last.number.get(),
                        hash: last.hash.to_string(),
                        timestamp: last.timestamp.as_secs(),
                    })?;
                }
            }
            ChainEvent::Reorg { common_ancestor, removed, added, cursor } => {
                self.console.show(&Event::Reorg {
                    common_ancestor: common_ancestor.into(),
                    removed: removed.iter().map(Block::from).collect(),
                    added: added.iter().map(Block::from).collect(),
                    number: cursor.block.number.get(),
                    hash: cursor.block.hash.to_string(),
                })?;
            }
            // The subscription starts at the store's own head, so it is never rebased.
            _ => {}
        }
        blocks.ack(event.cursor()).map_err(|error| Failure::new(error.to_string()))
    }

    fn show_diagnostic(&mut self, diagnostic: Diagnostic) -> Result<(), Failure> {
        match diagnostic {
            Diagnostic::Found { .. } => {
                self.search.found();
                Ok(())
            }
            Diagnostic::Connected { enode, client_id, .. } => {
                self.console.show(&Event::Connected { peer: enode.to_string(), client_id })
            }
            Diagnostic::Expelled { peer, fault } => {
                self.faults.insert(peer, fault.to_string());
                Ok(())
            }
            // What the sync machine says is more precise, and comes first.
            Diagnostic::Dropped { peer, cause: DropCause::Offence(offence), .. } => {
                self.faults.entry(peer).or_insert_with(|| offence.name().to_owned());
                Ok(())
            }
            Diagnostic::Disconnected { reason: ConnectionEnd::Stopping, .. } => Ok(()),
            Diagnostic::Disconnected { peer, enode, reason } => {
                let fault = peer.and_then(|peer| self.faults.remove(&peer));
                let reason = match fault {
                    Some(fault) => format!("sent away: {fault}"),
                    None => reason.to_string(),
                };
                self.console.show(&Event::Disconnected { peer: enode.to_string(), reason })
            }
            _ => Ok(()),
        }
    }

    fn show_progress(&mut self, status: &Status) -> Result<(), Failure> {
        let progress = Progress::from(status);
        if !self.console.is_animated() && self.shown.as_ref() == Some(&progress) {
            return Ok(());
        }
        self.shown = Some(progress.clone());
        self.console.show(&Event::Progress(progress))
    }

    fn stalled(&self, status: &Status) -> Failure {
        let problem = match &status.last_problem {
            _ if self.search.is_in_vain() => UDP_SILENT.to_owned(),
            Some(problem) => format!("the last problem was with {problem}"),
            None if status.peers == 0 => "no peer could be connected to".to_owned(),
            None => "the peer does not answer".to_owned(),
        };
        let sentence =
            format!("no progress for {} s at block {}: {problem}", self.options.patience, status.head.number);
        Failure::with(Exit::Stalled, sentence)
    }

    fn in_directory(&self, reason: &dyn core::fmt::Display) -> String {
        format!("{}: {reason}", self.options.data_dir.display())
    }
}

/// The next diagnostic that was not lost; waits for ever once there will be none.
async fn next_diagnostic(diagnostics: &mut Option<Diagnostics>) -> Diagnostic {
    while let Some(source) = diagnostics {
        match source.next().await {
            Some(NextDiagnostic::Event(diagnostic)) => return *diagnostic,
            Some(NextDiagnostic::Lost(_)) => {}
            None => *diagnostics = None,
        }
    }
    pending().await
}
