//! From lines of text to header bytes.

use std::io::{BufRead, Read};

/// Longest line that is read: a header of a whole mebibyte, which is more than a peer may send.
const MAX_LINE_BYTES: u64 = 2 * 1024 * 1024 + 64;

/// One header's bytes and where they stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderLine {
    /// Counted from 1, comments and blank lines included.
    pub line: u64,
    /// The bytes.
    pub raw: Vec<u8>,
}

/// A line is not hex.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineError {
    /// Counted from 1.
    pub line: u64,
    /// What is wrong.
    pub reason: LineFault,
}

/// What can be wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineFault {
    /// The two characters in front are missing.
    #[error("not a header: hex that starts with 0x is expected")]
    NoPrefix,
    /// Nothing follows them.
    #[error("an empty header")]
    Empty,
    /// Half a byte at the end.
    #[error("not hex: an odd number of digits")]
    OddLength,
    /// A character that is no digit.
    #[error("not hex: character {place} is not a digit")]
    NotADigit {
        /// Its place in the line, from 1, blanks at the edge not counted.
        place: usize,
    },
    /// The line never ends.
    #[error("longer than {MAX_LINE_BYTES} characters")]
    TooLong,
    /// The system cannot read the file.
    #[error("cannot read: {0}")]
    Unreadable(String),
}

/// Reads header lines; comments and blank lines are skipped. Memory is bounded whatever the file holds.
pub struct HeaderLines<R> {
    input: R,
    number: u64,
    buffer: Vec<u8>,
}

impl<R: BufRead> HeaderLines<R> {
    /// Reads from the beginning of `input`.
    pub fn new(input: R) -> Self {
        Self { input, number: 0, buffer: Vec::new() }
    }

    /// The line read last, counted from 1; 0 in an empty file.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Reads one line into the buffer; `false` at the end of the file.
    fn read_line(&mut self) -> Result<bool, LineFault> {
        self.buffer.clear();
        let mut limited = (&mut self.input).take(MAX_LINE_BYTES);
        let read = limited
            .read_until(b'\n', &mut self.buffer)
            .map_err(|error| LineFault::Unreadable(error.to_string()))?;
        self.number += u64::from(read > 0);
        if read as u64 == MAX_LINE_BYTES && self.buffer.last() != Some(&b'\n') {
            return Err(LineFault::TooLong);
        }
        Ok(read > 0)
    }
}

impl<R: BufRead> Iterator for HeaderLines<R> {
    type Item = Result<HeaderLine, LineError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let outcome = match self.read_line() {
                Ok(false) => return None,
                Ok(true) => match self.buffer.trim_ascii() {
                    [] | [b'#', ..] => continue,
                    text => parse(text),
                },
                Err(fault) => Err(fault),
            };
            let line = self.number;
            return Some(match outcome {
                Ok(raw) => Ok(HeaderLine { line, raw }),
                Err(reason) => Err(LineError { line, reason }),
            });
        }
    }
}

fn parse(text: &[u8]) -> Result<Vec<u8>, LineFault> {
    let digits = text.strip_prefix(b"0x").ok_or(LineFault::NoPrefix)?;
    if digits.is_empty() {
        return Err(LineFault::Empty);
    }
    hex::decode(digits).map_err(|error| match error {
        hex::FromHexError::InvalidHexCharacter { index, .. } => LineFault::NotADigit { place: index + 3 },
        _ => LineFault::OddLength,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> Vec<Result<HeaderLine, LineError>> {
        HeaderLines::new(text).collect()
    }

    #[test]
    fn comments_and_blank_lines_are_skipped_and_counted() {
        let text = b"# a comment\n\n  0xc0ff \r\n\t\n#\n0xEE";
        let expected =
            [HeaderLine { line: 3, raw: vec![0xc0, 0xff] }, HeaderLine { line: 6, raw: vec![0xee] }];
        assert_eq!(read(text), expected.map(Ok));
    }

    #[test]
    fn each_bad_line_is_named_with_what_is_wrong() {
        let faults: [(&[u8], LineFault); 6] = [
            (b"c0", LineFault::NoPrefix),
            (b"hello", LineFault::NoPrefix),
            (b"0x", LineFault::Empty),
            (b"0xc", LineFault::OddLength),
            (b"0xc0zz", LineFault::NotADigit { place: 5 }),
            (b"\xff\xfe", LineFault::NoPrefix),
        ];
        for (text, reason) in faults {
            assert_eq!(read(text), [Err(LineError { line: 1, reason })]);
        }
    }

    #[test]
    fn a_line_without_end_is_given_up() {
        let mut text = b"0x".to_vec();
        text.resize(MAX_LINE_BYTES as usize, b'0');
        assert_eq!(read(&text)[0], Err(LineError { line: 1, reason: LineFault::TooLong }));
        text.truncate(MAX_LINE_BYTES as usize - 2);
        assert!(read(&text)[0].is_ok());
    }
}
