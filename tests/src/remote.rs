//! The other end of a session of ours, as far as its keys go: it answers the handshake and then writes what it likes.

use rustock_core::{
    consensus::network::Network,
    proto::session::SessionConfig,
    wire::rlpx::{
        ack::seal_ack,
        entropy::HandshakeEntropy,
        frame::{FrameEncoder, LargeFrame},
        keys::SecretKey,
        packet::HandshakeFormat,
        secrets::{Role, Secrets, Transcript},
    },
};

/// The settings of a client of mainnet.
///
/// # Panics
/// Never: mainnet has a genesis.
pub fn client_config() -> SessionConfig {
    let params = Network::Mainnet.params();
    let genesis = params.genesis_header().expect("mainnet has a genesis");
    SessionConfig::for_client("rustock", params.network_id, &genesis)
}

/// What a remote answers to the auth packet of a client with this key, and what encodes its frames from then on.
pub fn acknowledge(
    client: &SecretKey,
    ours: &HandshakeEntropy,
    theirs: &HandshakeEntropy,
    auth_packet: &[u8],
) -> (Vec<u8>, FrameEncoder) {
    let ack_packet = seal_ack(HandshakeFormat::Eip8, &client.public_key(), theirs);
    let agreement = theirs.ephemeral_key().agree(&ours.ephemeral_key().public_key());
    let secrets = Secrets::derive(&agreement, ours.nonce(), theirs.nonce());
    let transcript = Transcript {
        initiator_nonce: ours.nonce(),
        responder_nonce: theirs.nonce(),
        auth_packet,
        ack_packet: &ack_packet,
    };
    let (encoder, _) = secrets.frame_codecs(Role::Responder, &transcript, |_, _| LargeFrame::Skip);
    (ack_packet, encoder)
}
