//! Keys, handshake packets, secrets and frames against rskj's own vectors, byte for byte.

use ctr::cipher::{KeyIvInit, StreamCipher};
use rustock_core::{
    primitives::hash::{NodeId, keccak256},
    wire::rlpx::{
        ack::{AckReader, ReceivedAck},
        auth::{AuthReader, ReceivedAuth},
        ecies::{self, EciesEntropy, EciesError},
        frame::{FrameCipher, FrameDecoder, FrameEncoder, LargeFrame, Received},
        keys::{PublicKey, SecretKey},
        packet::HandshakeFormat,
        secrets::{Role, Secrets, Transcript},
    },
};
use rustock_tests::vectors::{array, bytes, network_entry, number, text};
use serde_json::Value;

fn secret(entry: &Value, key: &str) -> SecretKey {
    text(entry, key).parse().expect("a secret key")
}

fn node_id(entry: &Value, key: &str) -> NodeId {
    text(entry, key).parse().expect("a node id")
}

fn handshake() -> Value {
    network_entry("rlpx_eip8_handshake")
}

fn open_auth(entry: &Value, packet: &str) -> ReceivedAuth {
    let key = secret(entry, "static_key_responder_B");
    let read = AuthReader::new().read(&key, &mut bytes(entry, packet).as_slice());
    read.expect("rskj accepts it").expect("whole")
}

fn open_ack(entry: &Value, packet: &str) -> ReceivedAck {
    let key = secret(entry, "static_key_initiator_A");
    let read = AckReader::new().read(&key, &mut bytes(entry, packet).as_slice());
    read.expect("rskj accepts it").expect("whole")
}

fn agreement(entry: &Value) -> [u8; 32] {
    let (ours, theirs) = (secret(entry, "ephemeral_key_A"), secret(entry, "ephemeral_key_B"));
    ours.agree(&theirs.public_key())
}

/// The frame streams of the recorded handshake, for one of its sides.
fn codecs(entry: &Value, role: Role) -> (FrameEncoder, FrameDecoder) {
    let auth = open_auth(entry, "auth_v4_A_to_B");
    let ack = open_ack(entry, "ack_v4_B_to_A");
    let transcript = Transcript {
        initiator_nonce: &auth.nonce,
        responder_nonce: &ack.nonce,
        auth_packet: &auth.packet,
        ack_packet: &ack.packet,
    };
    let secrets = Secrets::derive(&agreement(entry), &auth.nonce, &ack.nonce);
    secrets.frame_codecs(role, &transcript, |_, _| LargeFrame::Hold)
}

#[test]
fn keccak_has_the_original_padding() {
    let entry = network_entry("keccak256_original_padding");
    for case in entry["cases"].as_array().expect("cases") {
        let digest = keccak256(&[text(case, "input_ascii").as_bytes()]);
        assert_eq!(digest, array(case, "digest"), "{case}");
    }
}

#[test]
fn keys_have_their_node_ids() {
    let mut pairs = network_entry("private_key_to_node_id")["pairs"].as_array().expect("pairs").clone();
    assert_eq!(pairs.len(), 5);
    pairs.push(network_entry("key_to_public"));
    for pair in pairs {
        assert_eq!(secret(&pair, "private_key").node_id(), node_id(&pair, "node_id"));
    }
}

#[test]
fn the_frame_cipher_is_aes_256_in_counter_mode() {
    let entry = network_entry("aes256_ctr_zero_iv");
    let (key, iv): ([u8; 32], [u8; 16]) = (array(&entry, "key"), array(&entry, "iv"));
    let mut text = bytes(&entry, "plaintext");
    FrameCipher::new(&key.into(), &iv.into()).apply_keystream(&mut text);
    assert_eq!(text, bytes(&entry, "ciphertext"));
}

#[test]
fn the_key_derivation_gives_the_known_bytes() {
    let entry = network_entry("ecies_concat_kdf_sha256");
    let mut output = vec![0; usize::try_from(number(&entry, "length")).expect("small")];
    ecies::concatenation_kdf(&bytes(&entry, "shared_secret"), &mut output);
    assert_eq!(output, bytes(&entry, "output"));
}

#[test]
fn the_known_ciphertext_opens_with_its_key_only() {
    let entry = network_entry("ecies_decrypt_secp256k1_no_shared_mac_data");
    let ciphertext = bytes(&entry, "ciphertext");
    let key = secret(&entry, "private_key");
    assert_eq!(ecies::decrypt(&key, &ciphertext, &[]), Ok(bytes(&entry, "plaintext")));
    assert_eq!(ecies::decrypt(&key, &ciphertext, &[0]), Err(EciesError::BadTag));
    let other = secret(&network_entry("key_to_public"), "private_key");
    assert_eq!(ecies::decrypt(&other, &ciphertext, &[]), Err(EciesError::BadTag));
}

#[test]
fn both_auth_packets_tell_who_dialled() {
    let entry = handshake();
    for packet in ["auth_v4_A_to_B", "auth_v56_3_extra_elements_A_to_B"] {
        let auth = open_auth(&entry, packet);
        assert_eq!(auth.format, HandshakeFormat::Eip8);
        assert_eq!(auth.packet, bytes(&entry, packet));
        assert_eq!(auth.nonce, array(&entry, "nonce_A"));
        assert_eq!(auth.initiator, secret(&entry, "static_key_initiator_A").public_key());
        assert_eq!(auth.ephemeral_key, secret(&entry, "ephemeral_key_A").public_key());
        assert_eq!(auth.initiator.node_id(), node_id(&entry["auth_plain"], "public_key"));
    }
}

#[test]
fn the_signature_of_the_auth_packet_names_the_one_time_key() {
    let entry = handshake();
    let remote = secret(&entry, "static_key_responder_B").public_key();
    let token = secret(&entry, "static_key_initiator_A").agree(&remote);
    assert_eq!(token, array(&network_entry("rlpx_eip8_handshake_intermediates"), "ecdh_static_secret"));
    let nonce: [u8; 32] = array(&entry, "nonce_A");
    let digest: [u8; 32] = core::array::from_fn(|index| token[index] ^ nonce[index]);
    let signature = array(&entry["auth_plain"], "signature_rsv");
    let ephemeral_key = secret(&entry, "ephemeral_key_A");
    assert_eq!(PublicKey::recover(&digest, &signature), Ok(ephemeral_key.public_key()));
    // The recorded one is not deterministic, ours is: the bytes differ, and receivers only recover the key.
    let ours = ephemeral_key.sign(&digest);
    assert_eq!(PublicKey::recover(&digest, &ours), Ok(ephemeral_key.public_key()));
}

#[test]
fn both_ack_packets_give_key_and_nonce() {
    let entry = handshake();
    for packet in ["ack_v4_B_to_A", "ack_v57_3_extra_elements_B_to_A"] {
        let ack = open_ack(&entry, packet);
        assert_eq!(ack.format, HandshakeFormat::Eip8);
        assert_eq!(ack.packet, bytes(&entry, packet));
        assert_eq!(ack.nonce, array(&entry, "nonce_B"));
        assert_eq!(ack.ephemeral_key, secret(&entry, "ephemeral_key_B").public_key());
        assert_eq!(ack.ephemeral_key.node_id(), node_id(&entry["ack_plain"], "ephemeral_public_key"));
    }
}

#[test]
fn the_secrets_and_the_first_mac_states_are_the_known_ones() {
    let entry = handshake();
    let known = network_entry("rlpx_eip8_handshake_intermediates");
    assert_eq!(agreement(&entry), array(&known, "ecdh_ephemeral_secret"));

    let (nonce_a, nonce_b) = (array(&entry, "nonce_A"), array(&entry, "nonce_B"));
    let secrets = Secrets::derive(&agreement(&entry), &nonce_a, &nonce_b);
    assert_eq!(secrets.shared, array(&known, "shared_secret"));
    assert_eq!(keccak256(&[&secrets.shared]), array(&known, "token"));
    assert_eq!(secrets.aes, array(&entry["session"], "aes_secret"));
    assert_eq!(secrets.mac, array(&entry["session"], "mac_secret"));
    let seed =
        |nonce: &[u8; 32]| -> [u8; 32] { core::array::from_fn(|index| secrets.mac[index] ^ nonce[index]) };
    assert_eq!(seed(&nonce_b), array(&known, "initiator_egress_mac_seed"));
    assert_eq!(seed(&nonce_a), array(&known, "initiator_ingress_mac_seed"));

    let transcript = Transcript {
        initiator_nonce: &nonce_a,
        responder_nonce: &nonce_b,
        auth_packet: &bytes(&entry, "auth_v4_A_to_B"),
        ack_packet: &bytes(&entry, "ack_v4_B_to_A"),
    };
    let (mut initiator, responder) = secrets.initial_macs(&transcript);
    assert_eq!(*initiator.digest().as_bytes(), array(&known, "initiator_egress_mac_digest_after_init"));
    assert_eq!(*responder.digest().as_bytes(), array(&known, "initiator_ingress_mac_digest_after_init"));
    initiator.feed(b"foo");
    let after_foo = array(&entry["session"], "responder_ingress_mac_after_update_foo");
    assert_eq!(*initiator.digest().as_bytes(), after_foo);
}

#[test]
fn the_nine_frames_are_written_and_read_as_known() {
    let entry = handshake();
    let (mut initiator_out, mut initiator_in) = codecs(&entry, Role::Initiator);
    let (mut responder_out, mut responder_in) = codecs(&entry, Role::Responder);
    let sequence = network_entry("rlpx_frame_sequence");
    let frames = sequence["frames"].as_array().expect("frames");
    assert_eq!(frames.len(), 9);
    for frame in frames {
        let (encoder, decoder) = match text(frame, "direction") {
            "A->B" => (&mut initiator_out, &mut responder_in),
            "B->A" => (&mut responder_out, &mut initiator_in),
            direction => panic!("{direction} is no direction"),
        };
        let code = u8::try_from(number(frame, "code")).expect("a code");
        let (payload, wire) = (bytes(frame, "payload"), bytes(frame, "frame"));
        assert_eq!(encoder.encode(code, &payload).expect("small"), wire, "{}", text(frame, "what"));
        let Ok(Some(Received::Message(message))) = decoder.read(&mut wire.as_slice()) else {
            panic!("{} cannot be read", text(frame, "what"));
        };
        assert_eq!((message.code(), message.payload()), (code, payload.as_slice()));
    }
}

#[test]
fn a_handshake_packet_for_one_side_does_not_open_for_the_other() {
    let entry = handshake();
    let packet = bytes(&entry, "auth_v4_A_to_B");
    let wrong = secret(&entry, "static_key_initiator_A");
    assert!(AuthReader::new().read(&wrong, &mut packet.as_slice()).is_err());
    let entropy = EciesEntropy { ephemeral_key: wrong.clone(), iv: [0; 16] };
    let sealed = ecies::encrypt(&wrong.public_key(), &entropy, b"secret", &[1, 2]);
    assert_eq!(ecies::decrypt(&wrong, &sealed, &[1, 2]).as_deref(), Ok(&b"secret"[..]));
}
