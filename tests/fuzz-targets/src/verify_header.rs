//! `verify_header` on any header that can be decoded, alone and above a parent.

use rustock_core::{
    consensus::{
        fork_detection_window::{Ancestor, ForkDetectionWindow},
        params::NetworkParams,
        parent::Parent,
        rules::merged_mining::commitment::{TAG, base_hash},
        verify::{Context, verify_header},
    },
    primitives::{
        header::{Header, HeaderFields, ProofFields},
        number::{BlockNumber, Difficulty, GasLimit, GasPrice, UnixTime},
    },
};

use crate::{input::Input, naive::double_sha256, networks};

/// Nonces tried: at difficulty 1 one in three will do.
const TRIES: u8 = 16;

/// A first byte for the network, a second for what is done to the header, and what its parent and the clock
/// differ by; then the header.
pub fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let params = networks::chosen_by(input.byte());
    let settings = input.byte();
    let differences: [i8; 4] = input.array().map(|byte: u8| byte as i8);
    let Ok(mut header) = Header::decode(input.rest(), &params.activations) else { return };
    if settings & 1 != 0 {
        header = with_proof(&header, &params);
    }
    let parent = parent_of(&header, differences);
    let ancestors = ancestors_of(&header, settings >> 1);
    let now = UnixTime::from_secs(header.timestamp().as_secs().saturating_add_signed(differences[3].into()));

    let alone = verify_header(header.clone(), &Context::standalone(now), &params);
    let context = Context { parent: Some(&parent), ancestors: Some(&ancestors), now };
    let above_parent = verify_header(header.clone(), &context, &params);
    for verified in alone.iter().chain(&above_parent) {
        assert_eq!(*verified.header(), header);
    }
    if header.number() != BlockNumber::GENESIS && above_parent.is_ok() {
        assert!(alone.is_ok(), "a parent and ancestors only add rules");
    }
}

/// The same header with a proof of its own, so that what stands behind the proof is reached.
fn with_proof(header: &Header, params: &NetworkParams) -> Header {
    let coinbase_tail = [TAG, &base_hash(header)].concat();
    // A whole transaction without a block before it: the midstate is SHA-256's first state.
    let transaction = [&[0; 40][..], &coinbase_tail].concat();
    let first_state = [
        0x6a09_e667u32,
        0xbb67_ae85,
        0x3c6e_f372,
        0xa54f_f53a,
        0x510e_527f,
        0x9b05_688c,
        0x1f83_d9ab,
        0x5be0_cd19,
    ];
    let mut coinbase = vec![0; 8];
    coinbase.extend(first_state.iter().flat_map(|word| word.to_be_bytes()));
    coinbase.extend(&transaction);
    let time = header.timestamp().as_secs() as u32;
    let mut bitcoin_header =
        [&[0; 36][..], &double_sha256(&transaction), &time.to_le_bytes(), &[0; 8]].concat();
    let mut fields = HeaderFields::of(header);
    for nonce in 0..TRIES {
        bitcoin_header[79] = nonce;
        // The hash's last byte is its highest: below 0x55 it is below a third of all.
        if double_sha256(&bitcoin_header)[31] < 0x55 {
            break;
        }
    }
    let is_path = params.activations.rskip92.is_active(header.number());
    // Before: a tree of one transaction, which it proves.
    let tree = [&[1, 0, 0, 0, 1][..], &double_sha256(&transaction), &[1, 1]].concat();
    let merkle_proof = if is_path { Vec::new() } else { tree };
    fields.proof = Some(ProofFields { bitcoin_header, merkle_proof, coinbase });
    Header::decode(&fields.encode(), &params.activations).unwrap_or_else(|_| header.clone())
}

/// A parent that fits, apart from the differences.
fn parent_of(header: &Header, [difficulty, gas_limit, time, _]: [i8; 4]) -> Parent {
    let add = |value: u128, difference: i8| value.saturating_add_signed(difference.into());
    Parent {
        hash: header.parent_hash(),
        number: header.number().saturating_sub(1),
        timestamp: UnixTime::from_secs(
            header.timestamp().as_secs().saturating_sub(14).saturating_add_signed(time.into()),
        ),
        difficulty: Difficulty::new(add(header.difficulty().get(), difficulty)),
        gas_limit: GasLimit::new(0, add(header.gas_limit().get(), gas_limit)),
        minimum_gas_price: header.minimum_gas_price().map(|price| GasPrice::new(price.get())),
    }
}

/// A window below the header, of four sizes, or one that does not reach it.
fn ancestors_of(header: &Header, settings: u8) -> ForkDetectionWindow {
    let mut ancestors = ForkDetectionWindow::new();
    let size = [0, 100, 448, 449][usize::from(settings & 3)];
    let lowest = header.number().saturating_sub(size);
    for block in 0..size.min(header.number().get()) {
        let number = lowest.saturating_add(block);
        let ancestor = Ancestor { number, bitcoin_hash_byte: settings, uncle_count: u32::from(settings) };
        ancestors.push(ancestor).expect("in order");
    }
    ancestors
}
