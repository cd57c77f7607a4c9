//! How a sync is shown: JSON lines, a progress bar in a terminal, or lines of text anywhere else.

use std::io::{self, IsTerminal};

use indicatif::{ProgressBar, ProgressStyle};

use super::{
    events::{Event, Progress, StopReason},
    search::UDP_SILENT,
};
use crate::{
    block::Block,
    exit::Failure,
    output::{self, bytes, duration, thousands},
};

/// Blocks that may be listed one by one; more are counted.
const BLOCKS_LISTED: u64 = 8;

/// Shows events.
#[derive(Debug)]
pub struct Console {
    style: Style,
    /// Whether the sync was level with a peer since the last progress line.
    is_level: bool,
    indent: &'static str,
}

#[derive(Debug)]
enum Style {
    Json,
    Lines,
    Bar(Bar),
}

impl Console {
    /// Chooses by what the output is.
    pub fn new(json: bool) -> Self {
        let is_terminal = io::stdout().is_terminal() && io::stderr().is_terminal();
        let style = match (json, is_terminal) {
            (true, _) => Style::Json,
            (false, true) => Style::Bar(Bar::new()),
            (false, false) => Style::Lines,
        };
        Self { style, is_level: false, indent: "" }
    }

    /// For a sync that is a part of something: starts at this height, and every line is indented.
    pub fn inside(indent: &'static str, first: u64) -> Self {
        let mut console = Self { indent, ..Self::new(false) };
        if let Style::Bar(bar) = &mut console.style {
            bar.first = Some(first);
        }
        console
    }

    /// True when progress is worth showing many times a second.
    pub fn is_animated(&self) -> bool {
        matches!(self.style, Style::Bar(_))
    }

    /// True when lines of progress are for people, who want few.
    pub fn is_for_people(&self) -> bool {
        !matches!(self.style, Style::Json)
    }

    /// Shows one event.
    pub fn show(&mut self, event: &Event) -> Result<(), Failure> {
        if let Event::Progress(progress) = event {
            return self.show_progress(event, progress);
        }
        match &mut self.style {
            Style::Json => output::json_line(event),
            Style::Lines => tell(event, self.is_level, output::line),
            Style::Bar(bar) => {
                bar.note(event);
                tell(event, self.is_level, |line| bar.suspend(|| output::line(line)))
            }
        }?;
        self.is_level |= matches!(event, Event::CaughtUp { .. });
        Ok(())
    }

    fn show_progress(&mut self, event: &Event, progress: &Progress) -> Result<(), Failure> {
        match &mut self.style {
            Style::Json => output::json_line(event)?,
            Style::Lines if progress.state == "syncing" => {
                output::line(&format!("{}{}", self.indent, progress_line(progress)))?;
            }
            Style::Lines => {}
            Style::Bar(bar) => bar.update(progress),
        }
        self.is_level &= progress.state != "syncing" || progress_is_short(progress);
        Ok(())
    }

    /// Takes the bar off the screen.
    pub fn finish(&mut self) {
        if let Style::Bar(bar) = &self.style {
            bar.clear();
        }
    }
}

/// A few blocks that came while following are no reason to stop listing them.
fn progress_is_short(progress: &Progress) -> bool {
    progress.peers_claim.is_none_or(|claim| claim.saturating_sub(progress.number) <= BLOCKS_LISTED)
}

/// What people are told of an event, a line at a time. While catching up, the progress says enough of blocks
/// that are added.
fn tell(
    event: &Event,
    is_level: bool,
    mut line: impl FnMut(&str) -> Result<(), Failure>,
) -> Result<(), Failure> {
    match event {
        Event::Progress(_) => Ok(()),
        Event::Started { network, data_dir, base, head } => {
            line(&format!("{network}, kept in {data_dir}, trusted from block {} on", name(base)))?;
            match head == base {
                true => line("starting from there"),
                false => line(&format!("going on from block {}", name(head))),
            }
        }
        Event::Extended { .. } if !is_level => Ok(()),
        Event::Extended { blocks: 1, number, hash, timestamp } => {
            line(&format!("+ block {} {hash}  {}", thousands(*number), output::utc(*timestamp)))
        }
        Event::Extended { blocks, number, hash, .. } => {
            line(&format!("+ {} blocks up to {} {hash}", thousands(*blocks), thousands(*number)))
        }
        Event::Reorg { common_ancestor, removed, added, number, hash } => {
            line(&format!(
                "reorganisation above block {}: {} removed, {} added, head {} {hash}",
                thousands(common_ancestor.number),
                removed.len(),
                added.len(),
                thousands(*number),
            ))?;
            for block in removed.iter().take(BLOCKS_LISTED as usize) {
                line(&format!("  - {}", name(block)))?;
            }
            for block in added.iter().take(BLOCKS_LISTED as usize) {
                line(&format!("  + {}", name(block)))?;
            }
            Ok(())
        }
        Event::Searching { nodes_found: 0, .. } => line("looking for peers: asking the boot nodes by UDP"),
        Event::Searching { nodes_found, seconds } => {
            line(&format!("looking for peers: {nodes_found} found by UDP in {seconds} s, dialling some"))
        }
        Event::UdpSilent { .. } => line(UDP_SILENT),
        Event::Connected { peer, client_id } => {
            line(&format!("connected to {} ({})", address(peer), printable(client_id)))
        }
        Event::Disconnected { peer, reason } => line(&format!("{}: {reason}", address(peer))),
        Event::CaughtUp { number, hash } => {
            line(&format!("level with the peer at block {} {hash}", thousands(*number)))
        }
        Event::Stopped { reason, number, headers_verified, milliseconds, .. } => {
            let why = match reason {
                StopReason::Interrupted => "stopped",
                StopReason::Synced => "synced",
                StopReason::Stalled => "given up",
                StopReason::Failed => "failed",
            };
            let speed = headers_verified.saturating_mul(1_000) / (*milliseconds).max(1);
            line(&format!(
                "{why} at block {}: {} headers verified in {}.{} s ({} a second)",
                thousands(*number),
                thousands(*headers_verified),
                milliseconds / 1_000,
                milliseconds % 1_000 / 100,
                thousands(speed),
            ))
        }
    }
}

fn name(block: &Block) -> String {
    format!("{} {}", thousands(block.number), block.hash)
}

/// The part of an enode that people recognise.
fn address(enode: &str) -> &str {
    enode.rsplit_once('@').map_or(enode, |(_, address)| address)
}

/// What a peer says of itself must not steer the terminal.
fn printable(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(64).collect()
}

fn progress_line(progress: &Progress) -> String {
    let mut line = format!("block {}", thousands(progress.number));
    if let Some(claim) = progress.peers_claim {
        line.push_str(&format!(" of {}", thousands(claim)));
    }
    line.push_str(&format!("  {}", rates(progress)));
    line
}

/// `12,345 headers/s  6.7 MB  1 peer  ETA 8 s`
fn rates(progress: &Progress) -> String {
    let peers = if progress.peers == 1 { "peer" } else { "peers" };
    let mut text = format!(
        "{} headers/s  {}  {} {peers}",
        thousands(progress.headers_per_second),
        bytes(progress.bytes_received),
        progress.peers,
    );
    if let Some(left) = progress.seconds_left.filter(|left| *left > 0) {
        text.push_str(&format!("  ETA {}", duration(left)));
    }
    text
}

/// A progress bar from where this run started to what a peer claims.
#[derive(Debug)]
pub struct Bar {
    bar: ProgressBar,
    first: Option<u64>,
    style: Shape,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// The end is known.
    Bar,
    /// It is not, or it is reached.
    Line,
}

impl Bar {
    /// A bar that is not drawn yet.
    pub fn new() -> Self {
        let bar = ProgressBar::new(0);
        let new = Self { bar, first: None, style: Shape::Line };
        new.apply_style();
        new
    }

    /// Learns where the run starts.
    fn note(&mut self, event: &Event) {
        if let Event::Started { head, .. } = event {
            self.first = Some(head.number);
        }
    }

    /// Draws where things stand.
    pub fn update(&mut self, progress: &Progress) {
        let first = *self.first.get_or_insert(progress.number);
        let claim = progress.peers_claim.filter(|claim| *claim > first && progress.state == "syncing");
        let shape = if claim.is_some() { Shape::Bar } else { Shape::Line };
        if shape != self.style {
            self.style = shape;
            self.apply_style();
        }
        match claim {
            Some(claim) => {
                self.bar.set_length(claim - first);
                self.bar.set_position(progress.number.saturating_sub(first));
                self.bar.set_message(bar_line(progress, claim));
            }
            None => {
                let state = progress.state;
                let block = thousands(progress.number);
                let peers = if progress.peers == 1 { "peer" } else { "peers" };
                self.bar.set_message(format!("{state}  block {block}  {} {peers}", progress.peers));
            }
        }
        self.bar.tick();
    }

    /// Writes something above the bar.
    pub fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        self.bar.suspend(write)
    }

    /// Takes the bar off the screen.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }

    fn apply_style(&self) {
        let template = match self.style {
            Shape::Bar => "[{bar:12.cyan}] {percent:>3}%  {wide_msg}",
            Shape::Line => "{spinner} {wide_msg}",
        };
        let style = ProgressStyle::with_template(template).expect("the template is one");
        self.bar.set_style(style.progress_chars("=> ").tick_chars("|/-\\ "));
    }
}

/// What stands beside the bar: short enough for a terminal of 80 columns.
fn bar_line(progress: &Progress, claim: u64) -> String {
    let left = progress.seconds_left.map_or_else(String::new, |left| format!("  {} left", duration(left)));
    format!(
        "{}/{}  {}/s  {}  {} {}{left}",
        thousands(progress.number),
        thousands(claim),
        thousands(progress.headers_per_second),
        bytes(progress.bytes_received),
        progress.peers,
        if progress.peers == 1 { "peer" } else { "peers" },
    )
}
