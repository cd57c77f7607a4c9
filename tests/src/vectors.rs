//! Reads the JSON files of `tests/data`. Anything missing or malformed is a broken checkout, so it panics and
//! says what was looked for.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// The root of the repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package is a folder of the repository").into()
}

/// The contents of a file of the repository.
///
/// # Panics
/// When it cannot be read as text.
pub fn repository_text(path: &str) -> String {
    let path = repository().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A JSON file of `tests/data`.
///
/// # Panics
/// When it is not there or is not JSON.
pub fn read(file: &str) -> Value {
    let text = repository_text(&format!("tests/data/{file}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The entries of `network.json`: rskj's own, then the derived ones.
///
/// # Panics
/// When the file does not have its two arrays.
pub fn network_entries() -> Vec<Value> {
    let file = read("network.json");
    ["rskj_tests", "derived"]
        .iter()
        .flat_map(|array| file[array].as_array().expect("an array of entries").clone())
        .collect()
}

/// The one entry of `network.json` with this name.
///
/// # Panics
/// When there is none.
pub fn network_entry(name: &str) -> Value {
    let entry = network_entries().into_iter().find(|entry| entry["name"] == name);
    entry.unwrap_or_else(|| panic!("network.json has no entry {name}"))
}

/// The text at `key`.
///
/// # Panics
/// When there is none.
pub fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("no text at {key} in {value}"))
}

/// The bytes written in hexadecimal at `key`.
///
/// # Panics
/// When there is no text, or it is not hexadecimal.
pub fn bytes(value: &Value, key: &str) -> Vec<u8> {
    hex::decode(text(value, key)).unwrap_or_else(|error| panic!("{key}: {error}"))
}

/// The fixed-size bytes written in hexadecimal at `key`.
///
/// # Panics
/// When there is no text, or it is not hexadecimal of that size.
pub fn array<const N: usize>(value: &Value, key: &str) -> [u8; N] {
    bytes(value, key).try_into().unwrap_or_else(|bytes: Vec<u8>| panic!("{key}: {} bytes", bytes.len()))
}

/// The unsigned number at `key`.
///
/// # Panics
/// When there is none.
pub fn number(value: &Value, key: &str) -> u64 {
    value[key].as_u64().unwrap_or_else(|| panic!("no number at {key} in {value}"))
}
