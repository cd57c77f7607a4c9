//! What both sides compute from the two handshake packets: the keys of the frames.
//!
//! No RSKIP. Mirrors rskj's `EncryptionHandshake.agreeSecret`.

use core::fmt;

use crate::primitives::hash::keccak256;
use crate::wire::rlpx::entropy::Nonce;
use crate::wire::rlpx::frame::{FrameDecoder, FrameEncoder, JudgeLargeFrame};
use crate::wire::rlpx::mac::FrameMac;

/// Which side of the handshake we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// We dialled and sent the auth packet.
    Initiator,
    /// We were dialled and sent the ack packet.
    Responder,
}

/// The exchanged part of a handshake that both sides have seen alike.
#[derive(Debug, Clone, Copy)]
pub struct Transcript<'a> {
    /// The nonce in the auth packet.
    pub initiator_nonce: &'a Nonce,
    /// The nonce in the ack packet.
    pub responder_nonce: &'a Nonce,
    /// The auth packet as sent, size prefix included.
    pub auth_packet: &'a [u8],
    /// The ack packet as sent, size prefix included.
    pub ack_packet: &'a [u8],
}

/// The secrets of one session. They are not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secrets {
    /// Secret both one-time keys and both nonces went into.
    pub shared: [u8; 32],
    /// Key of the AES-256-CTR streams.
    pub aes: [u8; 32],
    /// Key of the MACs.
    pub mac: [u8; 32],
}

impl Secrets {
    /// Computes the secrets from the Diffie-Hellman agreement of the two one-time keys and the nonces.
    pub fn derive(agreement: &[u8; 32], initiator_nonce: &Nonce, responder_nonce: &Nonce) -> Self {
        let nonces = keccak256(&[responder_nonce, initiator_nonce]);
        let shared = keccak256(&[agreement, &nonces]);
        let aes = keccak256(&[agreement, &shared]);
        let mac = keccak256(&[agreement, &aes]);
        Self { shared, aes, mac }
    }

    /// The MAC states at the start: `(of what the initiator sends, of what the responder sends)`.
    pub fn initial_macs(&self, transcript: &Transcript<'_>) -> (FrameMac, FrameMac) {
        let Transcript { initiator_nonce, responder_nonce, auth_packet, ack_packet } = transcript;
        let initiator = FrameMac::new(&self.mac, responder_nonce, auth_packet);
        let responder = FrameMac::new(&self.mac, initiator_nonce, ack_packet);
        (initiator, responder)
    }

    /// The two ends of the frame streams for the side that is `role`; `judge` says what to do with
    /// the large frames among those received.
    pub fn frame_codecs(
        &self,
        role: Role,
        transcript: &Transcript<'_>,
        judge: JudgeLargeFrame,
    ) -> (FrameEncoder, FrameDecoder) {
        let (initiator, responder) = self.initial_macs(transcript);
        let (egress, ingress) = match role {
            Role::Initiator => (initiator, responder),
            Role::Responder => (responder, initiator),
        };
        (FrameEncoder::new(&self.aes, egress), FrameDecoder::new(&self.aes, ingress, judge))
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(hidden)")
    }
}
