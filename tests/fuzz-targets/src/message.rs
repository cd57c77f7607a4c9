//! Every message of the base protocol and of `rsk/62`: what is taken is written back alike.

use rustock_core::wire::{
    p2p::{DisconnectReason, P2pMessage},
    rsk::{LegacyStatus, MessageKind, PEEK_SIZE, RskMessage},
};

use crate::input::Input;

/// The message code, and the payload.
pub fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let code = input.byte();
    let payload = input.rest();
    match code {
        LegacyStatus::CODE => check_legacy_status(payload),
        RskMessage::CODE => check_rsk(payload),
        code => check_p2p(code, payload),
    }
}

fn check_legacy_status(payload: &[u8]) {
    if let Ok(status) = LegacyStatus::decode(payload) {
        assert_eq!(status.encode(), payload);
    }
}

fn check_rsk(payload: &[u8]) {
    let peeked = MessageKind::peek(&payload[..payload.len().min(PEEK_SIZE)]);
    assert_eq!(MessageKind::peek(payload), peeked, "the first bytes suffice");
    let Ok(message) = RskMessage::decode(payload) else { return };
    assert_eq!(peeked, Some(message.kind()));
    let encoded = message.encode();
    match &message {
        // The body is not kept.
        RskMessage::Ignored { kind, .. } => {
            assert!(kind.is_ignored());
            assert_eq!(RskMessage::decode(&encoded), Ok(message));
        }
        RskMessage::NewBlockHashes(announced) if announced.ignored > 0 => {
            assert!(encoded.len() < payload.len())
        }
        _ => assert_eq!(encoded, payload),
    }
}

fn check_p2p(code: u8, payload: &[u8]) {
    let Ok(message) = P2pMessage::decode(code, payload) else { return };
    assert_eq!(message.code(), code);
    let encoded = message.encode();
    match &message {
        // Elements after the fifth are not kept.
        P2pMessage::Hello(_) if encoded.len() < payload.len() => {
            assert_eq!(P2pMessage::decode(code, &encoded), Ok(message));
        }
        // Zero may be written as a zero byte.
        P2pMessage::Disconnect(DisconnectReason::Requested) => {
            assert!(payload == [0xc1, 0x80] || payload == [0xc1, 0])
        }
        P2pMessage::Ignored { size, .. } => assert_eq!(*size, payload.len()),
        _ => assert_eq!(encoded, payload),
    }
}
