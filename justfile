# Every command continuous integration runs, by name. `./run test` is all of them.

# Lists the commands.
default:
    @just --list

# Compiles everything, the pure half on its own too.
check:
    cargo check --workspace --all-targets --locked
    cargo check -p rustock-core --no-default-features --locked

# Formatting and lints, warnings denied.
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --locked -- -D warnings

# All tests, documentation examples among them.
test:
    cargo test --workspace --locked

# The suites over recorded data only.
vectors:
    cargo test -p rustock-tests --locked --test 'vectors_*'

# The layer rules only.
layers:
    cargo test -p rustock-tests --locked --test layers

# Documentation, warnings denied.
docs:
    RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --locked

# Makes include/rustock.h anew from the sources of rustock-ffi.
header:
    ./run header

# Every fuzz target over its corpus and then for some seconds on new inputs; needs a C++ compiler.
fuzz seconds="20":
    ./run fuzz {{seconds}}

# Measures; compare only figures of one machine.
bench:
    cargo bench --workspace --locked

# Licences, sources and banned crates of the dependencies; needs cargo-deny.
deny:
    cargo deny --offline check licenses bans sources

# What continuous integration does.
ci:
    ./run test
