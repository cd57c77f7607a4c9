//! Sans-IO state machines: everything that decides, and nothing that waits.
//!
//! The contract every machine follows: `handle(now, input)` takes what happened; `next_action()` is drained
//! afterwards and says what to do; `next_timeout()` says when to call again if nothing happens before. Time and
//! randomness are arguments, inputs are plain data, and the same inputs give the same actions, so any run can be
//! replayed from a list of inputs. No machine calls back, waits, or holds a store, a socket or a clock.

pub mod discovery;
pub mod pacing;
pub mod peers;
pub mod session;
pub mod sync;
pub mod time;
