//! What else an upgrade decides: which extension a height has, whether its full form may lack the base event, and from
//! where on fork-detection data is compared.

use rustock_core::{
    consensus::{
        body_error::{BodyError, EdgesFault},
        error::Rule,
        fork_detection_window::{Ancestor, ForkDetectionWindow},
        rules::fork_detection::ForkDetectionCheck,
        verify_body::{Application, BodyContext, verify_body},
    },
    primitives::{
        block::Body,
        header::{FullHeader, Header, HeaderExtension},
        number::BlockNumber,
        rlp::Item,
    },
};

use crate::{
    Network::{self, Eras, Mainnet, Regtest, Testnet},
    setting::{NOW, Setting},
};

/// An extension of one of the four layouts there can be, with nothing in its parts.
fn extension(has_base_event: bool, has_edges: bool) -> HeaderExtension {
    HeaderExtension {
        logs_bloom: Box::new([0; 256]),
        base_event: has_base_event.then(Vec::new),
        edges: has_edges.then(Vec::new),
    }
}

/// The layouts that the bodies at a height decode with: of the base event and of the edges, whether it has them.
/// None where there is no extension.
fn layouts(network: Network, height: u64) -> Vec<(bool, bool)> {
    let (params, number) = (network.params(), BlockNumber::new(height));
    let decodes = |extension| {
        let body = Body { transactions: Vec::new(), uncles: Vec::new(), extension };
        Body::decode(&body.encode(), &params.activations, number).is_ok_and(|decoded| decoded == body)
    };
    let layouts = [(false, false), (false, true), (true, false), (true, true)];
    let fitting: Vec<_> =
        layouts.into_iter().filter(|(base, edges)| decodes(Some(extension(*base, *edges)))).collect();
    assert_eq!(decodes(None), fitting.is_empty(), "{network:?} #{height}");
    fitting
}

#[test]
fn rskip_351_144_and_535_decide_the_extension() {
    let v1 = Some((false, false));
    let v1_with_edges = Some((false, true));
    let v2_with_edges = Some((true, true));
    let either: &[_] = &[(false, true), (true, true)];
    for (network, height, expected) in [
        (Mainnet, 1, &[][..]),
        (Mainnet, 20_000_000, &[]),
        // RSKIP-351 and RSKIP-144 begin together.
        (Testnet, 7_139_599, &[]),
        (Testnet, 7_139_600, v1_with_edges.as_slice()),
        (Testnet, 7_604_199, v1_with_edges.as_slice()),
        // Version 1 goes on while base events may be missing.
        (Testnet, 7_604_200, either),
        (Testnet, 7_799_999, either),
        (Testnet, 7_800_000, v2_with_edges.as_slice()),
        (Testnet, 20_000_000, v2_with_edges.as_slice()),
        (Regtest, 1, v2_with_edges.as_slice()),
        (Eras, 499, &[]),
        (Eras, 500, v1_with_edges.as_slice()),
        (Eras, 559, v1_with_edges.as_slice()),
        (Eras, 560, v2_with_edges.as_slice()),
    ] {
        assert_eq!(layouts(network, height), expected, "{network:?} #{height}");
    }
    // Where RSKIP-144 is later than RSKIP-351, or earlier.
    let mut params = Regtest.params();
    for (rskip144, height, expected) in
        [(20, 19, v1), (20, 20, v1_with_edges), (5, 9, None), (5, 10, v1_with_edges)]
    {
        use rustock_core::primitives::activation::Activation;
        params.activations.rskip351 = Activation::at(10);
        params.activations.rskip144 = Activation::at(rskip144);
        params.activations.rskip535 = Activation::NEVER;
        let number = BlockNumber::new(height);
        for (has_base_event, has_edges) in [(false, false), (false, true), (true, false), (true, true)] {
            let raw = extension(has_base_event, has_edges).encode();
            let decodes = HeaderExtension::decode(&raw, &params.activations, number).is_ok();
            let is_expected = expected == Some((has_base_event, has_edges));
            // A list of two parts is a bloom and either of the others: what it is, the height says.
            let looks_the_same = (has_base_event, has_edges) == (true, false) && expected == v1_with_edges;
            assert_eq!(decodes, is_expected || looks_the_same, "RSKIP-144 from {rskip144} on, #{height}");
        }
    }
}

#[test]
fn edges_are_judged_from_the_first_height_that_has_them() {
    for (network, height, has_edges) in [
        (Testnet, 7_139_599, false),
        (Testnet, 7_139_600, true),
        (Regtest, 1, true),
        (Eras, 499, false),
        (Eras, 500, true),
        (Mainnet, 20_000_000, false),
    ] {
        let judge = |edges: &[i16]| {
            let mut setting = Setting::at(network, height);
            if let Some(extension) = &mut setting.draft.body.extension {
                extension.edges = Some(edges.to_vec());
            }
            setting.draft.commit_to_extension();
            let (params, body) = (setting.params.clone(), setting.draft.body.clone());
            let header = setting.verify().expect("the header commits to it");
            verify_body(&header, body, &BodyContext::standalone(NOW), &params)
        };
        let at = format!("{network:?} #{height}");
        let expected = if has_edges { Application::Applied } else { Application::NotRequired };
        let whole = judge(&[]).expect("no edges");
        assert_eq!(whole.applied_to_body().edges, expected, "{at}");
        // There are no transactions for an edge to stand behind.
        let refusal = EdgesFault::PastTransactions { transactions: 0, seen: 1 };
        let refusal = has_edges.then_some(BodyError::Edges(refusal));
        assert_eq!(judge(&[1]).err(), refusal, "{at}");
    }
}

#[test]
fn a_full_form_without_its_base_event_is_read_in_testnets_window_and_nowhere_else() {
    for (network, height, is_read) in [
        (Testnet, 7_604_200, true),
        (Testnet, 7_799_999, true),
        (Testnet, 7_800_000, false),
        (Regtest, 1, false),
        (Eras, 560, false),
    ] {
        let setting = Setting::at(network, height);
        let (rules, extension) = (setting.params.activations.clone(), setting.draft.body.extension.clone());
        let header = Header::decode(&setting.draft.mine_bytes(), &rules).expect("a header");
        let full = FullHeader::new(header, extension).expect("its own extension");
        assert_eq!(FullHeader::decode(&full.encode(), &rules), Ok(full.clone()), "{network:?} #{height}");

        let without = without_field(&full.encode(), BASE_EVENT);
        let decoded = FullHeader::decode(&without, &rules);
        // It is the header with an empty base event, and so has its hash.
        assert_eq!(decoded.ok(), is_read.then_some(full), "{network:?} #{height}");
    }
    // One height below there is no version 2, and the field has no place.
    let setting = Setting::at(Testnet, 7_604_199);
    let (rules, extension) = (setting.params.activations.clone(), setting.draft.body.extension.clone());
    let header = Header::decode(&setting.draft.mine_bytes(), &rules).expect("a header");
    let full = FullHeader::new(header, extension).expect("its own extension").encode();
    assert!(FullHeader::decode(&full, &rules).is_ok());
    assert!(FullHeader::decode(&without_field(&full, BASE_EVENT), &rules).is_err());
}

/// Place of the base event in a full form with `ummRoot`, version and edges before it.
const BASE_EVENT: usize = 19;

fn without_field(list: &[u8], place: usize) -> Vec<u8> {
    let mut items = Item::decode(list).expect("an item").list().expect("a list");
    let mut kept = Vec::new();
    let mut index = 0;
    while !items.is_empty() {
        let item = items.next_item().expect("an item");
        if index != place {
            kept.extend_from_slice(item.encoded());
        }
        index += 1;
    }
    // A full form has more than 255 bytes, its bloom alone being 256.
    let size = u16::try_from(kept.len()).expect("far less than 65,536 bytes").to_be_bytes();
    [&[0xf9][..], &size, &kept].concat()
}

#[test]
fn fork_detection_data_is_carried_from_449_and_compared_from_450_or_later() {
    use ForkDetectionCheck::{Checked, NotRequired};
    let refused = Err(Rule::ForkDetection);
    let no_commitment = Err(Rule::MergedMiningCommitment);
    // The verdict on a header with the data of its ancestors, with other data, and with the end of its own hash.
    for (network, height, right, other, own_hash) in [
        (Mainnet, 1_590_999u64, no_commitment, no_commitment, Ok(NotRequired)),
        (Mainnet, 1_591_000, Ok(Checked), refused, refused),
        (Mainnet, 1_591_001, Ok(Checked), refused, refused),
        (Testnet, 448, no_commitment, no_commitment, Ok(NotRequired)),
        (Testnet, 449, Ok(NotRequired), Ok(NotRequired), Ok(NotRequired)),
        (Testnet, 450, Ok(Checked), refused, refused),
        (Regtest, 448, no_commitment, no_commitment, Ok(NotRequired)),
        (Regtest, 449, Ok(NotRequired), Ok(NotRequired), Ok(NotRequired)),
        (Regtest, 450, Ok(Checked), refused, refused),
        (Eras, 448, no_commitment, no_commitment, Ok(NotRequired)),
        (Eras, 449, Ok(NotRequired), Ok(NotRequired), Ok(NotRequired)),
        (Eras, 450, Ok(Checked), refused, refused),
    ] {
        let mut window = ForkDetectionWindow::new();
        for number in height.saturating_sub(449)..height {
            let (bitcoin_hash_byte, uncle_count) = (number as u8, (number % 3) as u32);
            let number = BlockNumber::new(number);
            window.push(Ancestor { number, bitcoin_hash_byte, uncle_count }).expect("one after another");
        }
        // Height 448 has no such data; what it would be does not matter.
        let data = window.expected(BlockNumber::new(height)).unwrap_or([7; 12]);
        let mut changed = data;
        changed[11] ^= 1;
        let judge = |data: Option<[u8; 12]>| {
            let mut setting = Setting::at(network, height);
            setting.ancestors = Some(window.clone());
            setting.draft.fork_data = data;
            let verdict = setting.verify().map(|verified| verified.applied().fork_detection);
            verdict.map_err(|error| error.rule())
        };
        let verdicts = (judge(Some(data)), judge(Some(changed)), judge(None));
        assert_eq!(verdicts, (right, other, own_hash), "{network:?} #{height}");
    }
}
