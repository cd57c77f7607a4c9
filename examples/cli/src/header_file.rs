//! Reading a file of headers whole.

use std::{fs::File, io::BufReader, path::Path};

use rustock_core::{Header, primitives::activation::Activations};

use crate::{
    exit::{Exit, Failure},
    lines::HeaderLines,
};

/// Every header of the file, in its order. Only their form is checked.
pub fn read(path: &Path, activations: &Activations) -> Result<Vec<Header>, Failure> {
    let unreadable = |text: String| Failure::with(Exit::Unreadable, format!("{}{text}", path.display()));
    let file = File::open(path).map_err(|error| unreadable(format!(": cannot open: {error}")))?;
    let lines = HeaderLines::new(BufReader::with_capacity(1 << 16, file));
    let headers = lines.map(|line| {
        let line = line.map_err(|error| unreadable(format!(", line {}: {}", error.line, error.reason)))?;
        Header::decode(&line.raw, activations)
            .map_err(|error| unreadable(format!(", line {}: not a header: {error}", line.line)))
    });
    headers.collect()
}
