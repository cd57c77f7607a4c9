//! How a peer can let its remote down, for tests of what the remote makes of it.

use rlp::{Rlp, RlpStream};
use rustock_core::{
    primitives::{
        activation::Activations,
        header::{Header, HeaderFields},
    },
    wire::{
        p2p::DisconnectReason,
        rsk::{BlockHeadersResponse, RawList},
    },
};

/// What a peer does wrong. Everything else it does as it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Misbehaviour {
    /// Nothing.
    #[default]
    None,
    /// Takes the connection and never says a word, as rskj does to a wrong node id.
    NoHandshake,
    /// Greets, and answers no request.
    Silent,
    /// Disconnects for this reason right after Hello.
    DisconnectAfterHello(DisconnectReason),
    /// Falls silent after this many answers.
    StallAfter(u64),
    /// Breaks the connection in the middle of the answer after this many.
    DropDuringAnswer(u64),
    /// Answers requests for headers wrongly.
    WrongHeaders(WrongHeaders),
    /// Says it has this many blocks more than it has.
    ClaimHigher(u64),
    /// Announces its best block over and over.
    Flood,
    /// Says it is on another peer network.
    OtherNetwork,
    /// Says it has another genesis.
    OtherGenesis,
}

/// What is wrong with an answer of headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WrongHeaders {
    /// The lowest header has a merkle proof that leads nowhere. Its hash, which does not cover the proof, and
    /// all links are right.
    BrokenProof,
    /// The lowest header is missing.
    OneMissing,
    /// No header at all.
    Empty,
    /// Oldest first.
    Ascending,
    /// The highest header is one that nobody asked for.
    OtherHeader,
    /// The id is of another request.
    OtherId,
    /// From this height on, headers have one field more than anybody knows, as after an upgrade. Their hashes are
    /// not those of the headers they stand for.
    NewerLayoutFrom(u64),
}

impl WrongHeaders {
    /// Spoils an answer.
    ///
    /// # Panics
    /// When a header is not one of the network with these activations.
    pub fn spoil(self, response: &mut BlockHeadersResponse, activations: &Activations) {
        let headers = &mut response.headers;
        match self {
            Self::BrokenProof => {
                if let Some(lowest) = headers.last_mut() {
                    *lowest = break_proof(lowest, activations);
                }
            }
            Self::OneMissing => {
                headers.pop();
            }
            Self::Empty => headers.clear(),
            Self::Ascending => headers.reverse(),
            Self::OtherHeader => {
                if headers.len() > 1 {
                    headers.remove(0);
                } else {
                    headers.clear();
                }
            }
            Self::OtherId => response.id = response.id.next(),
            Self::NewerLayoutFrom(first) => {
                for header in headers {
                    if number_of(header, activations) >= first {
                        *header = with_a_field_more(header);
                    }
                }
            }
        }
    }
}

fn number_of(header: &RawList, activations: &Activations) -> u64 {
    let header = Header::decode(header.as_bytes(), activations).expect("served headers are the network's");
    header.number().get()
}

/// The header with an empty string after its last field.
fn with_a_field_more(header: &RawList) -> RawList {
    let fields = Rlp::new(header.as_bytes());
    let mut longer = RlpStream::new();
    longer.begin_unbounded_list();
    for field in fields.iter() {
        longer.append_raw(field.as_raw(), 1);
    }
    longer.append_empty_data();
    longer.finalize_unbounded_list();
    RawList::new(longer.out().to_vec()).expect("one list")
}

fn break_proof(header: &RawList, activations: &Activations) -> RawList {
    let header = Header::decode(header.as_bytes(), activations).expect("served headers are the network's");
    let mut fields = HeaderFields::of(&header);
    if let Some(proof) = &mut fields.proof {
        // The last byte of the coinbase is below the commitment, so that only the merkle root goes wrong.
        if let Some(last) = proof.coinbase.last_mut() {
            *last ^= 1;
        }
    }
    RawList::new(fields.encode()).expect("a header is one list")
}
