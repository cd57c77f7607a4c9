//! `FullHeader::decode`: what it takes is written back alike, and its wire form is the one that a few lines make of it.

use rustock_core::{
    consensus::params::NetworkParams,
    primitives::{
        activation::{Activations, HeaderVersion},
        header::{FullHeader, Header},
    },
};

use crate::{
    decode_header,
    input::Input,
    naive::{items, keccak256, list},
    networks,
};

/// Fields before `ummRoot`.
const SHARED: usize = 16;
/// The place of the logs bloom.
const LOGS: usize = 6;

/// A first byte for the network, and the header in its full form.
pub fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let params = networks::chosen_by(input.byte());
    let raw = input.rest();
    if let Ok(header) = FullHeader::decode(raw, &params.activations) {
        check_accepted(&header, raw, &params);
    }
}

fn check_accepted(full: &FullHeader, raw: &[u8], params: &NetworkParams) {
    let header = full.header();
    check_encoding(full, raw, &params.activations);
    assert_eq!(FullHeader::new(header.clone(), full.extension().cloned()).as_ref(), Ok(full));
    assert_eq!(full.extension().is_some(), header.version() != HeaderVersion::V0);
    assert_eq!(header.raw(), wire_form(full, &full.encode(), &params.activations));
    assert_eq!(Header::decode(header.raw(), &params.activations).as_ref(), Ok(header));
    decode_header::check_accepted(header, header.raw(), params);
}

/// A version-2 header of the first release may lack its base event, and gets an empty one.
fn check_encoding(full: &FullHeader, raw: &[u8], activations: &Activations) {
    let encoded = full.encode();
    if encoded != raw {
        let header = full.header();
        assert_eq!(header.version(), HeaderVersion::V2);
        assert!(!activations.base_event_required.is_active(header.number()));
        let mut without = items(&encoded);
        let base_event = without.remove(extension_place(full) + 1 + usize::from(has_edges(full)));
        assert_eq!((base_event, list(&without)), (Vec::new(), raw.to_vec()));
    }
    assert_eq!(FullHeader::decode(&encoded, activations).as_ref(), Ok(full));
}

/// Where the version stands, which edges and base event follow.
fn extension_place(full: &FullHeader) -> usize {
    SHARED + usize::from(full.header().umm_root().is_some())
}

fn has_edges(full: &FullHeader) -> bool {
    full.extension().is_some_and(|extension| extension.edges.is_some())
}

/// The full form with what the extension holds taken out, and its hash put in.
fn wire_form(full: &FullHeader, encoded: &[u8], activations: &Activations) -> Vec<u8> {
    let mut fields = items(encoded);
    let version = full.header().version();
    if version == HeaderVersion::V0 {
        return list(&fields);
    }
    let place = extension_place(full);
    assert_eq!(fields.remove(place), [version.number()]);
    let edges = activations.has_edges(full.header().number()).then(|| fields.remove(place));
    let base_event = (version == HeaderVersion::V2).then(|| fields.remove(place));
    let bloom_hash = keccak256(&fields[LOGS]).to_vec();
    let hashed: Vec<Vec<u8>> = [Some(bloom_hash), base_event, edges].into_iter().flatten().collect();
    fields[LOGS] = list(&[vec![version.number()], keccak256(&list(&hashed)).to_vec()]);
    list(&fields)
}
