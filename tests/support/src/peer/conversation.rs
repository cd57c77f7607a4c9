//! One remote's conversation with the peer, after Hello: what to send, and when.

use std::collections::VecDeque;

use core::time::Duration;

use rustock_core::{
    primitives::{
        activation::Activations,
        hash::BlockHash,
        number::{BlockNumber, CumulativeDifficulty},
    },
    wire::{
        p2p::DisconnectReason,
        rsk::{BlockIdentifier, MAX_USED_IDENTIFIERS, NewBlockHashes, RskMessage, Status},
    },
};

use super::{
    misbehaviour::Misbehaviour,
    pacing::{Pace, Pacer},
    served_chain::ServedChain,
    serving::answer,
};

/// Messages that may wait; rskj drops what comes on top.
const QUEUE_LIMIT: usize = 2_000;
/// A remote that has sent no RSK Status for this long is sent no announcements.
const STATUS_EXPIRY: Duration = Duration::from_secs(600);

/// Announcements that a flood consists of, each with as many blocks as a remote reads: more blocks than anybody
/// has reason to announce in a minute.
const FLOOD: u32 = 100;

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Send the message.
    Send(RskMessage),
    /// Write the first half of the message's bytes and break the connection.
    SendHalfAndBreak(RskMessage),
    /// Disconnect with a reason.
    Disconnect(DisconnectReason),
}

#[derive(Debug, Clone)]
enum Waiting {
    /// To be answered from the chain as it is when its turn comes.
    Request(RskMessage),
    Announcement(RskMessage),
}

/// The state of one conversation. Times are durations since the Unix epoch.
#[derive(Debug, Clone)]
pub struct Conversation {
    pacer: Pacer,
    misbehaviour: Misbehaviour,
    activations: Activations,
    waiting: VecDeque<Waiting>,
    last_status: Option<Duration>,
    answers: u64,
    disconnect: Option<DisconnectReason>,
    flood_left: u32,
}

impl Conversation {
    /// A conversation that starts now.
    pub fn new(pace: Pace, misbehaviour: Misbehaviour, activations: Activations) -> Self {
        let disconnect = match misbehaviour {
            Misbehaviour::DisconnectAfterHello(reason) => Some(reason),
            _ => None,
        };
        Self {
            pacer: Pacer::new(pace),
            misbehaviour,
            activations,
            waiting: VecDeque::new(),
            last_status: None,
            answers: 0,
            disconnect,
            flood_left: if misbehaviour == Misbehaviour::Flood { FLOOD } else { 0 },
        }
    }

    /// Takes a message in. Those that nobody answers, that are too many for the minute or for the queue, are
    /// dropped.
    pub fn receive(&mut self, now: Duration, message: RskMessage) {
        if !self.pacer.take_in(now) {
            return;
        }
        match message {
            RskMessage::Status(_) => self.last_status = Some(now),
            RskMessage::BlockHeadersRequest(_)
            | RskMessage::BlockHashRequest(_)
            | RskMessage::SkeletonRequest(_) => self.enqueue(Waiting::Request(message)),
            _ => {}
        }
    }

    /// Announces a block, if the remote has sent an RSK Status in the last ten minutes.
    pub fn announce(&mut self, now: Duration, block: BlockIdentifier) {
        if self.last_status.is_some_and(|sent| now.saturating_sub(sent) <= STATUS_EXPIRY) {
            let message = NewBlockHashes { identifiers: vec![block], ignored: 0 };
            self.enqueue(Waiting::Announcement(RskMessage::NewBlockHashes(message)));
        }
    }

    /// Tells the remote what the best block is, as rskj does every eleven seconds.
    pub fn tell_status(&mut self, chain: &ServedChain) {
        let status = claimed_status(chain, self.misbehaviour);
        self.enqueue(Waiting::Announcement(RskMessage::Status(status)));
    }

    /// When to ask for the next step; `None` while there is nothing to do.
    pub fn next_due(&self) -> Option<Duration> {
        if self.disconnect.is_some() || self.flood_left > 0 {
            return Some(Duration::ZERO);
        }
        (!self.waiting.is_empty()).then(|| self.pacer.next_send())
    }

    /// The next thing to do, if its time has come.
    pub fn next_step(&mut self, now: Duration, chain: &ServedChain) -> Option<Step> {
        if let Some(reason) = self.disconnect.take() {
            self.waiting.clear();
            return Some(Step::Disconnect(reason));
        }
        if let Some(left) = self.flood_left.checked_sub(1) {
            self.flood_left = left;
            let identifiers = vec![chain.best_identifier(); MAX_USED_IDENTIFIERS];
            return Some(Step::Send(RskMessage::NewBlockHashes(NewBlockHashes { identifiers, ignored: 0 })));
        }
        while now >= self.pacer.next_send() {
            let step = match self.waiting.pop_front()? {
                Waiting::Announcement(message) => Some(Step::Send(message)),
                Waiting::Request(request) => self.answer(&request, chain),
            };
            if step.is_some() {
                self.pacer.sent(now);
                return step;
            }
        }
        None
    }

    fn answer(&mut self, request: &RskMessage, chain: &ServedChain) -> Option<Step> {
        let mut message = answer(chain, request)?;
        match self.misbehaviour {
            Misbehaviour::Silent => return None,
            Misbehaviour::StallAfter(answers) if self.answers >= answers => return None,
            Misbehaviour::DropDuringAnswer(answers) if self.answers >= answers => {
                return Some(Step::SendHalfAndBreak(message));
            }
            Misbehaviour::WrongHeaders(wrong) => {
                if let RskMessage::BlockHeadersResponse(response) = &mut message {
                    wrong.spoil(response, &self.activations);
                }
            }
            _ => {}
        }
        self.answers += 1;
        Some(Step::Send(message))
    }

    fn enqueue(&mut self, waiting: Waiting) {
        if self.waiting.len() < QUEUE_LIMIT {
            self.waiting.push_back(waiting);
        }
    }
}

/// What the peer says of its best block, truly or not.
pub(super) fn claimed_status(chain: &ServedChain, misbehaviour: Misbehaviour) -> Status {
    let mut status = chain.status();
    if let Misbehaviour::ClaimHigher(blocks) = misbehaviour {
        let work = status.total_difficulty.get().saturating_add(u128::from(blocks) << 64);
        status.number = BlockNumber::new(status.number.get().saturating_add(blocks));
        status.best_hash = BlockHash::new([0xc1; 32]);
        status.total_difficulty = CumulativeDifficulty::new(work);
    }
    status
}

#[cfg(test)]
mod tests {
    use rustock_core::{
        consensus::params::NetworkParams,
        primitives::header::Header,
        wire::rsk::{BlockHashRequest, BlockHeadersRequest, BlockHeadersResponse, RawList, RequestId},
    };

    use super::*;
    use crate::{
        chainkit::{Chain, ChainBuilder},
        peer::WrongHeaders,
    };

    const NOON: Duration = Duration::from_secs(1_700_000_040);

    fn start(pace: Pace, misbehaviour: Misbehaviour) -> (Chain, ServedChain, Conversation) {
        let chain = ChainBuilder::simnet().build(20);
        let served = ServedChain::new(chain.headers().to_vec()).unwrap();
        let conversation = Conversation::new(pace, misbehaviour, NetworkParams::simnet().activations);
        (chain, served, conversation)
    }

    fn ask_hash(height: u64) -> RskMessage {
        let id = RequestId::new(height).unwrap();
        RskMessage::BlockHashRequest(BlockHashRequest { id, height: BlockNumber::new(height) })
    }

    fn ids(conversation: &mut Conversation, now: Duration, served: &ServedChain) -> Vec<u64> {
        let mut ids = Vec::new();
        while let Some(step) = conversation.next_step(now, served) {
            match step {
                Step::Send(message) => ids.push(message.request_id().unwrap().get()),
                other => panic!("{other:?}"),
            }
        }
        ids
    }

    #[test]
    fn answers_come_in_order_ten_milliseconds_apart_and_unanswerable_requests_cost_no_time() {
        let (_, served, mut conversation) = start(Pace::Rskj, Misbehaviour::None);
        assert_eq!(conversation.next_due(), None);
        for height in [3, 0, 500, 4] {
            conversation.receive(NOON, ask_hash(height));
        }
        assert_eq!(ids(&mut conversation, NOON, &served), [3]);
        let due = conversation.next_due().unwrap();
        assert_eq!(due, NOON + Duration::from_millis(10));
        assert_eq!(ids(&mut conversation, due - Duration::from_millis(1), &served), [0; 0]);
        assert_eq!(ids(&mut conversation, due, &served), [4]);
        assert_eq!(conversation.next_due(), None);
    }

    #[test]
    fn after_1001_messages_the_rest_of_the_minute_is_silence() {
        let (_, served, mut conversation) = start(Pace::Rskj, Misbehaviour::None);
        let mut answered = 0;
        let mut now = NOON;
        for _ in 0..1_010 {
            conversation.receive(now, ask_hash(1));
            answered += ids(&mut conversation, now, &served).len();
            now += Duration::from_millis(10);
        }
        assert_eq!(answered, 1_001);
        assert_eq!(conversation.next_due(), None);
        conversation.receive(NOON + Duration::from_secs(60), ask_hash(2));
        assert_eq!(ids(&mut conversation, NOON + Duration::from_secs(60), &served), [2]);
    }

    #[test]
    fn the_queue_is_bounded() {
        let (_, served, mut conversation) = start(Pace::None, Misbehaviour::None);
        for _ in 0..QUEUE_LIMIT + 5 {
            conversation.receive(NOON, ask_hash(1));
        }
        assert_eq!(ids(&mut conversation, NOON, &served).len(), QUEUE_LIMIT);
    }

    #[test]
    fn blocks_are_announced_only_to_who_sent_a_status_in_the_last_ten_minutes() {
        let (_, served, mut conversation) = start(Pace::None, Misbehaviour::None);
        let block = served.best_identifier();
        conversation.announce(NOON, block);
        assert_eq!(conversation.next_step(NOON, &served), None);
        conversation.receive(NOON, RskMessage::Status(served.status()));
        for (seconds, announced) in [(0, true), (600, true), (601, false)] {
            let now = NOON + Duration::from_secs(seconds);
            conversation.announce(now, block);
            let message = RskMessage::NewBlockHashes(NewBlockHashes { identifiers: vec![block], ignored: 0 });
            assert_eq!(conversation.next_step(now, &served), announced.then_some(Step::Send(message)));
        }
    }

    #[test]
    fn the_status_is_the_chains_unless_the_peer_lies() {
        for (misbehaviour, number) in [(Misbehaviour::None, 20), (Misbehaviour::ClaimHigher(1_000), 1_020)] {
            let (_, served, mut conversation) = start(Pace::None, misbehaviour);
            conversation.tell_status(&served);
            match conversation.next_step(NOON, &served) {
                Some(Step::Send(RskMessage::Status(status))) => {
                    assert_eq!(status.number.get(), number);
                    assert_eq!(status.best_hash == served.best().hash(), number == 20);
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn a_silent_peer_and_one_that_stalls_stop_answering_but_keep_telling_their_status() {
        for (misbehaviour, answers) in
            [(Misbehaviour::Silent, 0), (Misbehaviour::StallAfter(2), 2), (Misbehaviour::None, 5)]
        {
            let (_, served, mut conversation) = start(Pace::None, misbehaviour);
            for height in 1..=5 {
                conversation.receive(NOON, ask_hash(height));
            }
            assert_eq!(ids(&mut conversation, NOON, &served).len(), answers);
            conversation.tell_status(&served);
            assert!(matches!(conversation.next_step(NOON, &served), Some(Step::Send(RskMessage::Status(_)))));
        }
    }

    #[test]
    fn a_flood_announces_more_blocks_than_anybody_has_reason_to_and_ends() {
        let (_, served, mut conversation) = start(Pace::Rskj, Misbehaviour::Flood);
        assert_eq!(conversation.next_due(), Some(Duration::ZERO));
        let mut announced = 0;
        while let Some(Step::Send(RskMessage::NewBlockHashes(message))) =
            conversation.next_step(NOON, &served)
        {
            announced += message.identifiers.len();
        }
        assert!(announced > 12_000, "{announced}");
        assert_eq!(conversation.next_due(), None);
    }

    #[test]
    fn a_connection_can_break_in_the_middle_of_an_answer_or_end_with_a_reason() {
        let (_, served, mut conversation) = start(Pace::None, Misbehaviour::DropDuringAnswer(1));
        conversation.receive(NOON, ask_hash(1));
        conversation.receive(NOON, ask_hash(2));
        assert!(matches!(conversation.next_step(NOON, &served), Some(Step::Send(_))));
        assert!(matches!(conversation.next_step(NOON, &served), Some(Step::SendHalfAndBreak(_))));

        let reason = DisconnectReason::TooManyPeers;
        let (_, served, mut conversation) = start(Pace::Rskj, Misbehaviour::DisconnectAfterHello(reason));
        assert_eq!(conversation.next_due(), Some(Duration::ZERO));
        assert_eq!(conversation.next_step(NOON, &served), Some(Step::Disconnect(reason)));
    }

    fn wrong_answer(wrong: WrongHeaders) -> (Chain, BlockHeadersResponse) {
        let (chain, served, mut conversation) = start(Pace::None, Misbehaviour::WrongHeaders(wrong));
        let request =
            BlockHeadersRequest { id: RequestId::new(5).unwrap(), hash: chain.best().hash(), count: 3 };
        conversation.receive(NOON, RskMessage::BlockHeadersRequest(request));
        match conversation.next_step(NOON, &served) {
            Some(Step::Send(RskMessage::BlockHeadersResponse(response))) => (chain, response),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn headers_of_a_newer_layout_have_a_field_more_from_their_height_on() {
        let activations = NetworkParams::simnet().activations;
        let (_, response) = wrong_answer(WrongHeaders::NewerLayoutFrom(19));
        let is_known = |raw: &RawList| Header::decode(raw.as_bytes(), &activations).is_ok();
        assert_eq!(response.headers.iter().map(is_known).collect::<Vec<_>>(), [false, false, true]);
    }

    #[test]
    fn headers_can_be_wrong_in_every_way() {
        let activations = NetworkParams::simnet().activations;
        let numbers = |response: &BlockHeadersResponse| -> Vec<u64> {
            let decode = |raw: &_| Header::decode(AsRef::<[u8]>::as_ref(raw), &activations).unwrap();
            response.headers.iter().map(|raw| decode(raw).number().get()).collect()
        };
        for (wrong, expected) in [
            (WrongHeaders::OneMissing, vec![20, 19]),
            (WrongHeaders::Empty, vec![]),
            (WrongHeaders::Ascending, vec![18, 19, 20]),
            (WrongHeaders::OtherHeader, vec![19, 18]),
            (WrongHeaders::OtherId, vec![20, 19, 18]),
            (WrongHeaders::BrokenProof, vec![20, 19, 18]),
        ] {
            let (chain, response) = wrong_answer(wrong);
            assert_eq!(numbers(&response), expected, "{wrong:?}");
            assert_eq!(response.id.get() == 5, wrong != WrongHeaders::OtherId);
            if wrong == WrongHeaders::BrokenProof {
                let lowest = Header::decode(response.headers[2].as_bytes(), &activations).unwrap();
                let good = chain.header(18).unwrap();
                assert_eq!(lowest.hash(), good.hash());
                assert_ne!(&lowest, good);
            }
        }
    }
}
