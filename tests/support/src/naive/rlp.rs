//! RLP as two kinds of value. Reading is lenient, as rskj's is; writing has one form only, so whoever wants the
//! canonical form writes what was read and compares.

/// Lists in lists deeper than this are refused: no header has more than two levels.
const DEEPEST: usize = 8;

/// One RLP value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rlp {
    /// A byte string.
    Bytes(Vec<u8>),
    /// A list of values.
    List(Vec<Rlp>),
}

impl Rlp {
    /// The one value that `input` consists of. Needlessly long forms are read too.
    ///
    /// # Errors
    /// When the input ends early, goes on after the value, or nests too deep.
    pub fn decode(input: &[u8]) -> Result<Self, String> {
        let (value, rest) = read(input, 0)?;
        if rest.is_empty() { Ok(value) } else { Err(format!("{} bytes follow the value", rest.len())) }
    }

    /// The canonical encoding.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Bytes(bytes) if bytes.len() == 1 && bytes[0] < 0x80 => bytes.clone(),
            Self::Bytes(bytes) => with_prefix(0x80, bytes),
            Self::List(items) => with_prefix(0xc0, &items.iter().flat_map(Self::encode).collect::<Vec<u8>>()),
        }
    }

    /// A byte string of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.to_vec())
    }

    /// The bytes of a byte string.
    ///
    /// # Errors
    /// When it is a list.
    pub fn bytes(&self) -> Result<&[u8], String> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::List(_) => Err("a list in place of a byte string".into()),
        }
    }

    /// The values of a list.
    ///
    /// # Errors
    /// When it is a byte string.
    pub fn list(&self) -> Result<&[Rlp], String> {
        match self {
            Self::Bytes(_) => Err("a byte string in place of a list".into()),
            Self::List(items) => Ok(items),
        }
    }
}

fn with_prefix(base: u8, payload: &[u8]) -> Vec<u8> {
    let length = payload.len();
    let mut encoded = if length <= 55 {
        vec![base + length as u8]
    } else {
        let size: Vec<u8> = length.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
        let mut prefix = vec![base + 55 + size.len() as u8];
        prefix.extend(size);
        prefix
    };
    encoded.extend(payload);
    encoded
}

/// The first value of the input, and what follows it.
fn read(input: &[u8], depth: usize) -> Result<(Rlp, &[u8]), String> {
    if depth > DEEPEST {
        return Err("lists nest too deep".into());
    }
    let (first, rest) = input.split_first().ok_or("the input ends before a value")?;
    match first {
        0..=0x7f => Ok((Rlp::Bytes(vec![*first]), rest)),
        0x80..=0xb7 => bytes_of(usize::from(first - 0x80), rest),
        0xb8..=0xbf => {
            let (length, rest) = long_length(usize::from(first - 0xb7), rest)?;
            bytes_of(length, rest)
        }
        0xc0..=0xf7 => list_of(usize::from(first - 0xc0), rest, depth),
        0xf8..=0xff => {
            let (length, rest) = long_length(usize::from(first - 0xf7), rest)?;
            list_of(length, rest, depth)
        }
    }
}

fn take(length: usize, input: &[u8]) -> Result<(&[u8], &[u8]), String> {
    input.split_at_checked(length).ok_or_else(|| format!("{length} bytes announced, {} left", input.len()))
}

/// A size of several bytes, as a 32-bit signed number: what does not fit is lost on the way, as in rskj's
/// `RLP.bytesToLength`.
fn long_length(size: usize, input: &[u8]) -> Result<(usize, &[u8]), String> {
    let (size_bytes, rest) = take(size, input)?;
    let length = size_bytes.iter().fold(0_i32, |length, byte| (length << 8) | i32::from(*byte));
    let length = usize::try_from(length).map_err(|_| format!("{length} bytes announced"))?;
    Ok((length, rest))
}

fn bytes_of(length: usize, input: &[u8]) -> Result<(Rlp, &[u8]), String> {
    let (bytes, rest) = take(length, input)?;
    Ok((Rlp::of(bytes), rest))
}

fn list_of(length: usize, input: &[u8], depth: usize) -> Result<(Rlp, &[u8]), String> {
    let (mut payload, rest) = take(length, input)?;
    let mut items = Vec::new();
    while !payload.is_empty() {
        let (item, left) = read(payload, depth + 1)?;
        items.push(item);
        payload = left;
    }
    Ok((Rlp::List(items), rest))
}

#[cfg(test)]
mod tests {
    use super::Rlp;

    #[test]
    fn writes_the_shortest_form_and_reads_it_back() {
        let long = Rlp::List(vec![Rlp::of(&[7; 60]), Rlp::of(&[]), Rlp::of(&[0x7f]), Rlp::of(&[0x80])]);
        let encoded = long.encode();
        assert_eq!(encoded[..3], [0xf8, 66, 0xb8]);
        assert_eq!(encoded[encoded.len() - 4..], [0x80, 0x7f, 0x81, 0x80]);
        assert_eq!(Rlp::decode(&encoded), Ok(long));
    }

    #[test]
    fn reads_long_forms_that_it_would_not_write() {
        let cut_size = [0xbf, 1, 2, 3, 4, 0, 0, 0, 1, 5];
        for long_form in [&[0x81, 0x05][..], &[0xb8, 0x01, 0x05], &[0xb9, 0x00, 0x01, 0x05], &cut_size] {
            let value = Rlp::decode(long_form).unwrap();
            assert_eq!(value, Rlp::of(&[5]));
            assert_ne!(value.encode(), long_form);
        }
    }

    #[test]
    fn refuses_what_is_cut_off_or_goes_on() {
        let nested = [[0xc1; 9].as_slice(), &[0xc0]].concat();
        let inputs: [&[u8]; 7] = [&[], &[0x82, 1], &[0xc2, 0x82], &[0xb8], &[0xbf; 9], &[1, 2], &nested];
        for input in inputs {
            assert!(Rlp::decode(input).is_err(), "{input:02x?}");
        }
    }
}
