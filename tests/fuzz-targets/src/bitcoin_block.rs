//! The field of the Bitcoin header where it can be a whole block: any bytes, and real blocks.

use rustock_core::{
    consensus::{params::NetworkParams, rules::merged_mining::bitcoin_block::header_of},
    primitives::number::BlockNumber,
};

use crate::input::Input;

/// The last height at which mainnet takes a whole block, and the first at which it does not.
const HEIGHTS: [BlockNumber; 2] = [BlockNumber::new(728_999), BlockNumber::new(729_000)];

/// A first byte says whether the rest is the field or what to make a block of.
pub fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let is_made = input.byte() & 1 != 0;
    let field = if is_made { block(input) } else { input.rest().to_vec() };
    let params = NetworkParams::mainnet();
    let [before, after] = HEIGHTS.map(|number| header_of(&field, &params, number));

    assert_eq!(after.is_ok(), field.len() == 80);
    assert!(field.len() != 80 || before.is_ok());
    assert!(!is_made || before.is_ok(), "a real block");
    for header in before.iter().chain(&after) {
        assert_eq!(header.as_slice(), &field[..80]);
    }
    if field.len() > 80 {
        let longer = [&field[..], &[0xff; 3]].concat();
        if before.is_ok() {
            assert!(
                header_of(&longer, &params, HEIGHTS[0]).is_ok(),
                "what follows the transactions is not read"
            );
        }
    }
}

/// A header, a count and so many transactions, with witnesses or without.
fn block(mut input: Input<'_>) -> Vec<u8> {
    let mut block = vec![7; 80];
    let count = input.byte() % 4;
    block.push(count);
    for _ in 0..count {
        let shape = input.byte();
        let (inputs, outputs, has_witness) = (1 + shape % 3, shape >> 2 & 3, shape & 0x80 != 0);
        block.extend([1, 0, 0, 0]);
        if has_witness {
            block.extend([0, 1]);
        }
        block.push(inputs);
        for _ in 0..inputs {
            block.extend([3; 36]);
            append_bytes(&mut block, &mut input);
            block.extend([0xff; 4]);
        }
        block.push(outputs);
        for _ in 0..outputs {
            block.extend([1; 8]);
            append_bytes(&mut block, &mut input);
        }
        for _ in 0..if has_witness { inputs } else { 0 } {
            let pushes = input.byte() % 3;
            block.push(pushes);
            (0..pushes).for_each(|_| append_bytes(&mut block, &mut input));
        }
        block.extend([0; 4]);
    }
    block
}

/// A size in one to nine bytes, and so many bytes.
fn append_bytes(block: &mut Vec<u8>, input: &mut Input<'_>) {
    let width = input.byte() % 4;
    let size = usize::from(input.byte());
    let content = input.take(size);
    let size = (content.len() as u64).to_le_bytes();
    match width {
        0 if content.len() < 0xfd => block.push(size[0]),
        0 | 1 => block.extend([&[0xfd][..], &size[..2]].concat()),
        2 => block.extend([&[0xfe][..], &size[..4]].concat()),
        _ => block.extend([&[0xff][..], &size].concat()),
    }
    block.extend_from_slice(content);
}
