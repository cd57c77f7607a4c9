//! What the four messages have in common: lossy text, integers with or without leading zeros, the message id
//! and the network id that may be missing.
//!
//! No RSKIP. Mirrors rskj's `PeerDiscoveryMessage.extractMessageId` and `setNetworkIdWithRLP`,
//! `ByteUtil.byteArrayToInt` and `ByteUtil.stripLeadingZeroes`.

use rlp::RlpStream;

use super::message_id::MessageId;
use crate::wire::{
    error::{MessageError, MessageFault},
    fields::{Fields, append_bytes},
};

/// Text as Java reads it: what is not UTF-8 becomes the replacement character. Empty text is refused, as an
/// empty string is a null reference to rskj.
pub(super) fn text(fields: &mut Fields<'_>, field: &'static str) -> Result<String, MessageError> {
    let bytes = fields.string(field)?;
    if bytes.is_empty() {
        return Err(fields.fault(field, MessageFault::EmptyText));
    }
    Ok(String::from_utf8_lossy(bytes).into_owned())
}

/// An integer as rskj reads it: any number of bytes, of which the last four count.
pub(super) fn low_32_bits(fields: &mut Fields<'_>, field: &'static str) -> Result<u32, MessageError> {
    let bytes = fields.string(field)?;
    Ok(bytes.iter().fold(0u32, |number, byte| number << 8 | u32::from(*byte)))
}

pub(super) fn message_id(fields: &mut Fields<'_>) -> Result<MessageId, MessageError> {
    let text = text(fields, "message id")?;
    text.parse().map_err(|reason| fields.fault("message id", MessageFault::MessageId(reason)))
}

/// The last element. Old nodes leave it out; whatever follows it is read past.
pub(super) fn network_id(fields: &mut Fields<'_>) -> Result<Option<u32>, MessageError> {
    if fields.is_empty() { Ok(None) } else { low_32_bits(fields, "network id").map(Some) }
}

/// Insists on `least` elements, counted from the first.
pub(super) fn at_least(fields: &Fields<'_>, least: usize) -> Result<(), MessageError> {
    let actual = fields.count("elements")?;
    if actual < least {
        return Err(fields.fault("elements", MessageFault::TooFewEntries { least, actual }));
    }
    Ok(())
}

pub(super) fn append_text(stream: &mut RlpStream, text: &str) {
    append_bytes(stream, text.as_bytes());
}

/// An integer without leading zeros, except that zero is one zero byte.
pub(super) fn append_zero_as_byte(stream: &mut RlpStream, number: u32) {
    let bytes = number.to_be_bytes();
    let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len() - 1);
    append_bytes(stream, &bytes[start..]);
}

/// The message id and the network id, if there is one: the end of every message.
pub(super) fn append_end(stream: &mut RlpStream, message_id: MessageId, network_id: Option<u32>) {
    append_text(stream, &message_id.to_string());
    if let Some(network_id) = network_id {
        append_zero_as_byte(stream, network_id);
    }
}

/// Starts a message of so many elements before the network id.
pub(super) fn open_list(elements: usize, network_id: Option<u32>) -> RlpStream {
    RlpStream::new_list(elements + usize::from(network_id.is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number_of(item: &[u8]) -> u32 {
        let mut list = vec![0xc0 + item.len() as u8];
        list.extend(item);
        let mut fields = Fields::of_payload("Test", &list).expect("a list");
        low_32_bits(&mut fields, "number").expect("a string")
    }

    #[test]
    fn zero_is_read_in_both_forms_and_written_as_a_zero_byte() {
        assert_eq!(number_of(&[0x80]), 0);
        assert_eq!(number_of(&[0x00]), 0);
        let mut stream = RlpStream::new();
        append_zero_as_byte(&mut stream, 0);
        assert_eq!(stream.out().to_vec(), [0x00]);
    }

    #[test]
    fn leading_zeros_and_high_bytes_are_read_past() {
        assert_eq!(number_of(&[0x83, 0, 3, 7]), 775);
        assert_eq!(number_of(&[0x85, 9, 0, 0, 3, 7]), 775);
        assert_eq!(number_of(&[0x84, 0xff, 0xff, 0xff, 0xff]), u32::MAX);
    }
}
