use super::*;
use crate::{
    consensus::test_headers,
    primitives::{
        activation::Activation,
        header::{HeaderFields, ProofFields},
        number::{BlockNumber, Difficulty},
    },
};
use k256::ecdsa::SigningKey;
use proptest::prelude::*;

const HEIGHT: u64 = 3_395;
const GREATEST_DIFFICULTY: u128 = 14_000_000_000_000_000;

fn secret(number: u8) -> SigningKey {
    SigningKey::from_slice(&[number; 32]).expect("a key")
}

fn public(secret: &SigningKey) -> FallbackKey {
    let mut key = [0; 65];
    key.copy_from_slice(secret.verifying_key().to_sec1_point(false).as_bytes());
    key
}

/// Mainnet, with keys of our own: the first for even heights.
fn params() -> NetworkParams {
    NetworkParams { fallback_keys: [public(&secret(1)), public(&secret(2))], ..NetworkParams::mainnet() }
}

fn header(field: Vec<u8>, edit: impl FnOnce(&mut HeaderFields)) -> Header {
    test_headers::header(&params(), |fields| {
        fields.number = BlockNumber::new(HEIGHT);
        fields.difficulty = Difficulty::new(GREATEST_DIFFICULTY);
        let (merkle_proof, coinbase) = (Vec::new(), Vec::new());
        fields.proof = Some(ProofFields { bitcoin_header: field, merkle_proof, coinbase });
        edit(fields);
    })
}

/// v, r and s of a signature over the header, r and s in their shortest signed form.
fn sign(header: &Header, secret: &SigningKey) -> [Vec<u8>; 3] {
    let (signature, recovery_id) = secret.sign_prehash_recoverable(&commitment::base_hash(header));
    let (r, s) = signature.split_bytes();
    [vec![FIRST_V + recovery_id.to_byte()], signed(&r), signed(&s)]
}

fn signed(number: &[u8]) -> Vec<u8> {
    let start = number.iter().position(|byte| *byte != 0).expect("not zero");
    let sign_byte = usize::from(number[start] & 0x80 != 0);
    [&[0][..sign_byte], &number[start..]].concat()
}

fn string(bytes: &[u8]) -> Vec<u8> {
    match bytes {
        [small] if *small < 0x80 => vec![*small],
        _ => [&[0x80 + bytes.len() as u8], bytes].concat(),
    }
}

fn list(items: &[Vec<u8>]) -> Vec<u8> {
    let content = items.concat();
    match content.len() {
        short @ 0..=55 => [&[0xc0 + short as u8][..], &content].concat(),
        long => [&[0xf8, long as u8][..], &content].concat(),
    }
}

fn encode(parts: &[Vec<u8>]) -> Vec<u8> {
    list(&parts.iter().map(|part| string(part)).collect::<Vec<_>>())
}

/// The parts of a good signature at [`HEIGHT`], which is odd.
fn good_parts() -> [Vec<u8>; 3] {
    sign(&header(vec![0xc0], |_| {}), &secret(2))
}

fn judge(field: Vec<u8>) -> Result<(), FallbackSignatureFault> {
    match check(&header(field, |_| {}), &params()) {
        Ok(()) => Ok(()),
        Err(HeaderError::FallbackSignature(fault)) => Err(fault),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn the_key_of_the_heights_parity_signs() {
    for (number, right, wrong) in [(HEIGHT, 2, 1), (HEIGHT + 1, 1, 2)] {
        let at_height = |field| header(field, |fields| fields.number = BlockNumber::new(number));
        let signed_by = |key| at_height(encode(&sign(&at_height(vec![0xc0]), &secret(key))));
        assert_eq!(check(&signed_by(right), &params()), Ok(()));
        let refusal = HeaderError::FallbackSignature(FallbackSignatureFault::OtherKey);
        assert_eq!(check(&signed_by(wrong), &params()), Err(refusal.clone()));
        assert_eq!(check(&signed_by(right), &NetworkParams::mainnet()), Err(refusal));
    }
}

#[test]
fn signing_is_for_low_difficulties_without_proof_before_rskip98() {
    let asks = |number, difficulty, coinbase: &[u8], merkle_proof: &[u8]| {
        let header = header(Vec::new(), |fields| {
            fields.number = BlockNumber::new(number);
            fields.difficulty = Difficulty::new(difficulty);
            let (merkle_proof, coinbase) = (merkle_proof.to_vec(), coinbase.to_vec());
            fields.proof = Some(ProofFields { bitcoin_header: vec![0; 80], merkle_proof, coinbase });
        });
        must_be_signed(&header, &params())
    };
    assert!(asks(728_999, GREATEST_DIFFICULTY, &[], &[]));
    assert!(!asks(729_000, GREATEST_DIFFICULTY, &[], &[]));
    assert!(!asks(728_999, GREATEST_DIFFICULTY + 1, &[], &[]));
    assert!(!asks(728_999, GREATEST_DIFFICULTY, &[0], &[]));
    assert!(!asks(728_999, GREATEST_DIFFICULTY, &[], &[0]));
    let without_proof = header(Vec::new(), |fields| fields.proof = None);
    assert!(must_be_signed(&without_proof, &params()));
    assert_eq!(
        check(&without_proof, &params()),
        Err(HeaderError::FallbackSignature(FallbackSignatureFault::NotThreeStrings))
    );
}

#[test]
fn other_networks_never_ask_for_a_signature() {
    for params in [NetworkParams::testnet(), NetworkParams::regtest()] {
        let genesis = params.genesis_header().expect("a header");
        assert!(!must_be_signed(&genesis, &params), "{}", params.name);
    }
    // Where RSKIP-98 comes late, a threshold of zero still lets nothing but zero through.
    let mut params = NetworkParams::simnet();
    params.activations.rskip98 = Activation::at(2_000);
    params.fallback_mining_difficulty = Difficulty::new(0);
    let with = |difficulty| test_headers::child(|fields| fields.difficulty = Difficulty::new(difficulty));
    assert!(must_be_signed(&with(0), &params));
    assert!(!must_be_signed(&with(1), &params));
}

#[test]
fn where_the_hash_needs_fork_detection_data_no_signature_is_good() {
    let mut params = params();
    params.activations.rskip110 = Activation::at(HEIGHT);
    let signed = header(encode(&good_parts()), |_| {});
    let refusal = HeaderError::FallbackSignature(FallbackSignatureFault::NoForkDetectionData);
    assert_eq!(check(&signed, &params), Err(refusal));
    params.activations.rskip110 = Activation::at(HEIGHT + 1);
    assert_eq!(check(&signed, &params), Ok(()));
}

#[test]
fn v_is_one_byte_in_range() {
    let [v, r, s] = good_parts();
    let with = |v: Vec<u8>| judge(encode(&[v, r.clone(), s.clone()]));
    assert_eq!(with(v.clone()), Ok(()));
    for wrong in [vec![], vec![0, v[0]], vec![26], vec![31], vec![32], vec![0xff]] {
        assert_eq!(with(wrong), Err(FallbackSignatureFault::RecoveryId));
    }
    let other_parity = vec![v[0] ^ 27 ^ 28];
    assert!(with(other_parity).is_err());
}

#[test]
fn r_and_s_are_in_their_shortest_signed_form() {
    let [v, r, s] = good_parts();
    let padded = |number: &[u8]| [&[0], number].concat();
    for (r, s) in [(padded(&r), s.clone()), (r.clone(), padded(&s)), (vec![], s.clone()), (r.clone(), vec![])]
    {
        assert_eq!(judge(encode(&[v.clone(), r, s])), Err(FallbackSignatureFault::NotMinimal));
    }
    let negative = vec![0x80; 32];
    assert_eq!(judge(encode(&[v.clone(), negative, s.clone()])), Err(FallbackSignatureFault::NotMinimal));
    let zero = vec![0];
    assert_eq!(judge(encode(&[v.clone(), zero.clone(), s])), Err(FallbackSignatureFault::NoKey));
    assert_eq!(judge(encode(&[v, r, zero])), Err(FallbackSignatureFault::NoKey));
}

#[test]
fn s_is_below_half_of_the_order() {
    let [v, r, _] = good_parts();
    let with = |s: &[u8]| judge(encode(&[v.clone(), r.clone(), s.to_vec()]));
    assert_eq!(with(&HALF_ORDER), Err(FallbackSignatureFault::HighS));
    let mut below = HALF_ORDER;
    below[31] -= 1;
    assert_ne!(with(&below), Err(FallbackSignatureFault::HighS));
    assert!(with(&below).is_err(), "of another key");
    assert_eq!(with(&padded_order()), Err(FallbackSignatureFault::HighS));
    assert_eq!(with(&[1; 33]), Err(FallbackSignatureFault::NoKey));
}

/// The order less one, with its sign byte.
fn padded_order() -> Vec<u8> {
    let order = hex::decode("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140").expect("hex");
    [&[0][..], &order].concat()
}

#[test]
fn the_field_is_one_list_of_three_strings() {
    let [v, r, s] = good_parts();
    let three = encode(&[v.clone(), r.clone(), s.clone()]);
    let not_three = Err(FallbackSignatureFault::NotThreeStrings);
    assert_eq!(judge(three.clone()), Ok(()));
    assert_eq!(judge(encode(&[v.clone(), r.clone()])), not_three);
    assert_eq!(judge(encode(&[v.clone(), r.clone(), s.clone(), vec![1]])), not_three);
    assert_eq!(judge(string(&three[2..40])), not_three);
    assert_eq!(judge([&three[..], &[0]].concat()), not_three);
    assert_eq!(judge(three[..three.len() - 1].to_vec()), not_three);
    assert_eq!(judge(list(&[v, list(&[string(&r)]), string(&s)])), not_three);
    assert_eq!(judge(vec![0xc0]), not_three);
    assert_eq!(judge(vec![0xff; 80]), not_three);
}

#[test]
fn sizes_may_be_written_long_as_rskj_reads_them() {
    let [v, r, s] = good_parts();
    let items = [vec![0x81, v[0]], [&[0xb8, r.len() as u8], &r[..]].concat(), string(&s)].concat();
    let size = items.len() as u8;
    assert_eq!(judge([&[0xfb, 0, 0, 0, size][..], &items].concat()), Ok(()));
    assert_eq!(judge([&[0xff, 1, 2, 3, 4, 0, 0, 0, size][..], &items].concat()), Ok(()), "cut to four bytes");
    let negative = judge([&[0xfb, 0x80, 0, 0, size][..], &items].concat());
    assert_eq!(negative, Err(FallbackSignatureFault::NotThreeStrings));
}

proptest! {
    #[test]
    fn every_signature_of_the_right_key_is_good_and_of_a_changed_header_is_not(paid_fees in any::<u128>()) {
        let with = |field, paid_fees| header(field, |fields| fields.paid_fees = paid_fees);
        let field = encode(&sign(&with(vec![0xc0], paid_fees), &secret(2)));
        prop_assert_eq!(check(&with(field.clone(), paid_fees), &params()), Ok(()));
        prop_assert!(check(&with(field, paid_fees ^ 1), &params()).is_err());
    }

    #[test]
    fn any_bytes_are_judged(field in proptest::collection::vec(any::<u8>(), 1..120)) {
        prop_assert!(judge(field).is_err());
    }
}
