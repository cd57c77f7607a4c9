//! Tests of what only the on-disk store has: files, locks, damage, a failing medium.
