use super::*;
use crate::primitives::{
    activation::Activation,
    header::{HeaderExtension, HeaderFields},
};
use proptest::prelude::*;

/// Mainnet block 9,286,615.
const REAL: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/header-9286615.hex"));

/// Version 0 up to 19, version 2 from 20 on.
fn activations() -> Activations {
    Activations {
        rskip92: Activation::GENESIS,
        rskip98: Activation::GENESIS,
        rskip_umm: Activation::GENESIS,
        rskip144: Activation::at(20),
        rskip351: Activation::at(20),
        rskip535: Activation::at(20),
        ..Activations::NONE
    }
}

fn extension() -> HeaderExtension {
    HeaderExtension { logs_bloom: Box::new([3; 256]), base_event: Some(vec![1; 60]), edges: Some(vec![1, 2]) }
}

fn full_header_at(number: u64) -> FullHeader {
    let real = hex::decode(REAL.trim()).expect("test data");
    let mut fields = HeaderFields::of(&Header::decode(&real, &activations_of_real()).expect("real"));
    fields.number = BlockNumber::new(number);
    let extension = (number >= 20).then(extension);
    if let Some(extension) = &extension {
        fields.logs = extension.commitment();
    }
    let header = Header::decode(&fields.encode(), &activations()).expect("well-formed");
    FullHeader::new(header, extension).expect("its own extension")
}

fn activations_of_real() -> Activations {
    Activations { rskip351: Activation::NEVER, ..activations() }
}

/// REMASC's transaction of testnet block 3.
fn transaction() -> Transaction {
    let raw = hex::decode("dd02000094000000000000000000000000000000000100000880808080").expect("test data");
    Transaction::decode(&[&raw[..], &[0x80]].concat()).expect("nine fields")
}

fn block_at(number: u64) -> Block {
    let (header, extension) = full_header_at(number).into_parts();
    let uncles = vec![full_header_at(number - 1), full_header_at(number - 2)];
    Block { header, body: Body { transactions: vec![transaction()], uncles, extension } }
}

#[test]
fn blocks_and_bodies_of_each_version_come_back() {
    for number in [18, 19, 20, 21, 25] {
        let block = block_at(number);
        let whole = block.encode().expect("its own extension");
        assert_eq!(Block::decode(&whole, &activations()).as_ref(), Ok(&block), "height {number}");
        let body = block.body.encode();
        assert_eq!(Body::decode(&body, &activations(), block.number()).as_ref(), Ok(&block.body));
    }
}

#[test]
fn a_transaction_has_nine_fields_and_the_hash_of_its_bytes() {
    let transaction = transaction();
    let digest = crate::primitives::hash::keccak256(&[transaction.raw()]);
    assert_eq!(*transaction.hash().as_bytes(), digest);
    let eight = &[0xc8, 1, 2, 3, 4, 5, 6, 7, 8];
    assert_eq!(Transaction::decode(eight), Err(TransactionDecodeError::FieldCount { actual: 8 }));
    assert!(Transaction::decode(&[0xc9, 1, 2, 3, 4, 5, 6, 7, 8, 9]).is_ok());
    let ten = &[0xca, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
    assert_eq!(Transaction::decode(ten), Err(TransactionDecodeError::FieldCount { actual: 10 }));
    let nested = &[0xc9, 1, 2, 3, 4, 5, 6, 7, 8, 0xc0];
    assert_eq!(Transaction::decode(nested), Err(RlpError::ExpectedString.into()));
    assert_eq!(Transaction::decode(&[0x05]), Err(RlpError::ExpectedList.into()));
}

#[test]
fn the_part_at_fault_is_named() {
    let body = |bytes: &[u8], number| {
        Body::decode(bytes, &activations(), BlockNumber::new(number)).expect_err("not a body").to_string()
    };
    let list = "not a list of transactions, uncles and extension: ";
    assert_eq!(body(&[0xc1, 0xc0], 19), format!("{list}the list has too few items"));
    assert_eq!(body(&[0xc3, 0xc0, 0xc0, 0xc0], 19), format!("{list}bytes follow the last item"));
    assert_eq!(body(&[0xc2, 0xc0, 0xc0], 20), format!("{list}the list has too few items"));
    assert_eq!(body(&[0xc2, 0xc0, 0x80], 19), format!("{list}expected a list, found a string"));
    let transaction = [0xc3, 0xc1, 0xc0, 0xc0];
    assert_eq!(body(&transaction, 19), "transaction 1: 0 fields where 9 belong");
    let uncle = [0xc3, 0xc0, 0xc1, 0xc0];
    assert_eq!(body(&uncle, 19), "uncle 1: parentHash: the list has too few items");
    let extension = [0xc4, 0xc0, 0xc0, 0xc1, 0x01];
    assert_eq!(body(&extension, 20), "extension: version: version 1 at a height of version 2");
}

#[test]
fn a_block_without_its_own_extension_has_no_full_form() {
    let mut block = block_at(20);
    block.body.extension = None;
    assert_eq!(block.encode(), Err(ExtensionMismatch::Missing));
    let mut block = block_at(19);
    block.body.extension = Some(extension());
    assert_eq!(block.encode(), Err(ExtensionMismatch::NotExpected));
}

#[test]
fn the_list_of_uncles_is_their_full_forms() {
    let mut body = block_at(25).body;
    let (one, two) = (body.uncles[0].encode(), body.uncles[1].encode());
    let list = body.encode_uncles();
    assert!(list.ends_with(&[one, two].concat()));
    body.uncles.clear();
    assert_eq!(body.encode_uncles(), [0xc0]);
}

proptest! {
    #[test]
    fn random_and_mutated_bytes_do_not_panic_and_what_is_accepted_encodes_back(
        number in 18u64..24,
        mutations in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        noise in proptest::collection::vec(any::<u8>(), 0..100),
    ) {
        let _ = Body::decode(&noise, &activations(), BlockNumber::new(number));
        let _ = Block::decode(&noise, &activations());
        let mut raw = block_at(number).encode().expect("its own extension");
        for (place, byte) in mutations {
            let place = place.index(raw.len());
            raw[place] = byte;
        }
        if let Ok(block) = Block::decode(&raw, &activations()) {
            prop_assert_eq!(block.encode(), Ok(raw));
        }
    }
}
