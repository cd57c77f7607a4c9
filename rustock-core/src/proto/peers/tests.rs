//! The machine against hosts that check, from its actions alone, that it keeps its promises.

mod answers;
mod book;
mod documentation;
mod eclipse;
mod faults;
mod host;
mod machine;
mod random_runs;
