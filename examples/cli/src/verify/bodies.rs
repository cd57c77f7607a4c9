//! A file of bodies: one line each, the block's hash and the body in hex.
//!
//! Only where each body stands is kept in memory, so a file may be larger than that.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom},
    path::Path,
};

use rustock_core::primitives::hash::BlockHash;

/// Longest line that is read: a body of 16 MiB, more than any message of a peer's holds.
const MAX_LINE_BYTES: u64 = 2 * 16 * 1024 * 1024 + 256;

/// The bodies of a file, by the hash of their block.
pub struct Bodies {
    file: BufReader<File>,
    places: HashMap<BlockHash, Place>,
}

/// Where a body stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    line: u64,
    /// First digit of the body.
    offset: u64,
    digits: u64,
}

/// The file is not one of bodies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BodiesError {
    /// Counted from 1; `None` for the file as a whole.
    pub line: Option<u64>,
    /// What is wrong.
    pub reason: BodyLineFault,
}

/// What can be wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyLineFault {
    /// Not two words.
    #[error("a block hash, a blank and a body in hex are expected")]
    NotTwoWords,
    /// The first word is no hash.
    #[error("not a block hash: 0x and 64 hex digits are expected")]
    NotAHash,
    /// The second word is not hex.
    #[error("the body is not hex: {0}")]
    NotHex(String),
    /// Two lines have the same hash.
    #[error("the block of line {line} again")]
    Again {
        /// The line before.
        line: u64,
    },
    /// The line never ends.
    #[error("longer than {MAX_LINE_BYTES} characters")]
    TooLong,
    /// The system cannot open the file.
    #[error("cannot open: {0}")]
    CannotOpen(String),
    /// The system cannot read the file.
    #[error("cannot read: {0}")]
    CannotRead(String),
}

impl From<io::Error> for BodyLineFault {
    fn from(error: io::Error) -> Self {
        Self::CannotRead(error.to_string())
    }
}

impl Bodies {
    /// Reads the file through once.
    ///
    /// # Errors
    /// [`BodiesError`] for the first line that is not `hash body`.
    pub fn open(path: &Path) -> Result<Self, BodiesError> {
        let at = |line| move |reason| BodiesError { line, reason };
        let file =
            File::open(path).map_err(|error| at(None)(BodyLineFault::CannotOpen(error.to_string())))?;
        let mut file = BufReader::with_capacity(1 << 16, file);
        let mut places: HashMap<BlockHash, Place> = HashMap::new();
        let mut text = Vec::new();
        let (mut line, mut offset) = (0, 0);
        loop {
            text.clear();
            line += 1;
            let read = (&mut file)
                .take(MAX_LINE_BYTES)
                .read_until(b'\n', &mut text)
                .map_err(|error| at(Some(line))(error.into()))? as u64;
            if read == 0 {
                return Ok(Self { file, places });
            }
            if read == MAX_LINE_BYTES && text.last() != Some(&b'\n') {
                return Err(at(Some(line))(BodyLineFault::TooLong));
            }
            if let Some((hash, digits)) = parse(&text).map_err(at(Some(line)))? {
                let place = Place { line, offset: offset + digits.start as u64, digits: digits.len() as u64 };
                if let Some(before) = places.insert(hash, place) {
                    return Err(at(Some(line))(BodyLineFault::Again { line: before.line }));
                }
            }
            offset += read;
        }
    }

    /// The body of the block with this hash, once.
    ///
    /// # Errors
    /// When the file has changed or cannot be read any more.
    pub fn take(&mut self, hash: &BlockHash) -> Result<Option<Vec<u8>>, BodiesError> {
        let Some(place) = self.places.remove(hash) else { return Ok(None) };
        self.read(place).map(Some).map_err(|reason| BodiesError { line: Some(place.line), reason })
    }

    /// Bodies that were not taken.
    pub fn left(&self) -> u64 {
        self.places.len() as u64
    }

    fn read(&mut self, place: Place) -> Result<Vec<u8>, BodyLineFault> {
        let mut digits = vec![0; place.digits as usize];
        self.file.seek(SeekFrom::Start(place.offset))?;
        self.file.read_exact(&mut digits)?;
        hex::decode(digits).map_err(|error| BodyLineFault::NotHex(error.to_string()))
    }
}

/// The hash and where in the line the digits of the body are; `None` for a blank line or a comment.
fn parse(line: &[u8]) -> Result<Option<(BlockHash, core::ops::Range<usize>)>, BodyLineFault> {
    let text = line.trim_ascii();
    if matches!(text, [] | [b'#', ..]) {
        return Ok(None);
    }
    let blank = text.iter().position(u8::is_ascii_whitespace).ok_or(BodyLineFault::NotTwoWords)?;
    let (hash, body) = (&text[..blank], text[blank..].trim_ascii());
    if body.iter().any(u8::is_ascii_whitespace) {
        return Err(BodyLineFault::NotTwoWords);
    }
    let hash = core::str::from_utf8(hash).ok().and_then(|hash| hash.parse().ok());
    let hash = hash.ok_or(BodyLineFault::NotAHash)?;
    let digits = body.strip_prefix(b"0x").unwrap_or(body);
    hex::decode(digits).map_err(|error| BodyLineFault::NotHex(error.to_string()))?;
    let end = line.len() - (line.len() - line.trim_ascii_end().len());
    Ok(Some((hash, end - digits.len()..end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(text: impl AsRef<[u8]>) -> Result<Bodies, BodiesError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        Bodies::open(file.path())
    }

    fn hash(byte: u8) -> BlockHash {
        BlockHash::new([byte; 32])
    }

    #[test]
    fn each_body_is_found_by_its_hash_and_given_once() {
        let bare = hex::encode([2; 32]);
        let text = format!("# bodies\n\n  {} 0xc0ff \r\n{bare}\tEE\n{} 0x", hash(1), hash(3));
        let mut bodies = open(text).unwrap();
        assert_eq!(bodies.left(), 3);
        assert_eq!(bodies.take(&hash(2)), Ok(Some(vec![0xee])));
        assert_eq!(bodies.take(&hash(1)), Ok(Some(vec![0xc0, 0xff])));
        assert_eq!(bodies.take(&hash(1)), Ok(None));
        assert_eq!(bodies.take(&hash(3)), Ok(Some(Vec::new())));
        assert_eq!(bodies.left(), 0);
    }

    #[test]
    fn each_bad_line_is_named_with_what_is_wrong() {
        let first = format!("{} 0xc0\n", hash(1));
        let (digit, odd) = ("Invalid character 'z' at position 0", "Odd number of digits");
        let cases = [
            (hash(2).to_string(), BodyLineFault::NotTwoWords),
            (format!("{} 0xc0 0xc0", hash(2)), BodyLineFault::NotTwoWords),
            ("0x01 0xc0".to_owned(), BodyLineFault::NotAHash),
            (format!("{} zz", hash(2)), BodyLineFault::NotHex(digit.to_owned())),
            (format!("{} 0xc", hash(2)), BodyLineFault::NotHex(odd.to_owned())),
            (format!("{} 0xc1", hash(1)), BodyLineFault::Again { line: 1 }),
        ];
        for (line, reason) in cases {
            let error = open(format!("{first}{line}\n")).err();
            assert_eq!(error, Some(BodiesError { line: Some(2), reason }), "{line}");
        }
        let missing = Bodies::open(Path::new("no-such-file")).err().unwrap();
        assert!(matches!(missing, BodiesError { line: None, reason: BodyLineFault::CannotOpen(_) }));
    }
}
