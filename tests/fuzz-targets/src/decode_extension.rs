//! `HeaderExtension`, alone and as a body has it: what is taken is written back alike, and hashed as it should be.

use rustock_core::primitives::{activation::HeaderVersion, header::HeaderExtension, number::BlockNumber};

use crate::{
    input::Input,
    naive::{items, keccak256, list},
    networks,
};

/// A first byte for the network, two for the height, one for the form; then the extension.
pub fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let activations = networks::chosen_by(input.byte()).activations;
    let number = BlockNumber::new(u16::from_be_bytes(input.array()).into());
    let in_body = input.byte() & 1 != 0;
    let raw = input.rest();
    let decoded = if in_body {
        HeaderExtension::decode_in_body(raw, &activations, number)
    } else {
        HeaderExtension::decode(raw, &activations, number)
    };
    let Ok(extension) = decoded else { return };
    let version = extension.version();
    assert_ne!(version, HeaderVersion::V0);
    assert!(networks::may_be(version, &activations, number));
    // Alone it does not say its version, so it is of the height's.
    assert!(in_body || version == activations.header_version(number));
    assert_eq!(extension.edges.is_some(), activations.has_edges(number));

    let encoded = extension.encode();
    let wrapped = list(&[vec![version.number()], encoded.clone()]);
    assert_eq!(extension.encode_in_body(), wrapped);
    assert_eq!(if in_body { &wrapped } else { &encoded }, raw);
    assert_eq!(HeaderExtension::decode_in_body(&wrapped, &activations, number).as_ref(), Ok(&extension));
    if version == activations.header_version(number) {
        assert_eq!(HeaderExtension::decode(&encoded, &activations, number).as_ref(), Ok(&extension));
    }

    let mut fields = items(&encoded);
    assert_eq!(fields[0], extension.logs_bloom.as_slice());
    fields[0] = keccak256(&fields[0]).to_vec();
    assert_eq!(*extension.hash().as_bytes(), keccak256(&list(&fields)));
}
