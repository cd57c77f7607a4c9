//! Writing to the standard output, which may be a pipe that somebody has closed.

use std::io::{self, Write};

use serde::Serialize;

use crate::exit::Failure;

/// One JSON value on a line of its own, flushed, so that a reader of the pipe sees it at once.
pub fn json_line(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(value).expect("plain data becomes JSON");
    line(&text)
}

/// One line of text, flushed.
pub fn line(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")
        .and_then(|()| out.flush())
        .map_err(|error| Failure::new(format!("cannot write to the standard output: {error}")))
}

/// 1234567 as `1,234,567`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::thousands;

    #[test]
    fn digits_are_grouped_in_threes() {
        let texts: Vec<String> = [0, 999, 1_000, 123_456, 1_234_567].map(thousands).into();
        assert_eq!(texts, ["0", "999", "1,000", "123,456", "1,234,567"]);
    }
}
