//! Reads Rust sources just well enough to see which modules they name, and checks that against the layers.
//!
//! Not a parser: a scanner that drops comments and literals, and an expansion of `use` trees. What it cannot
//! see (a macro of another crate that writes `crate::…`) does not occur here.

use std::fmt;

/// The layers of `rustock-core` and what each may import besides itself.
pub const LAYERS: &[(&str, &[&str])] = &[
    ("primitives", &[]),
    ("consensus", &["primitives"]),
    ("trie", &["primitives"]),
    ("wire", &["primitives"]),
    ("chain", &["primitives", "consensus"]),
    ("proto", &["primitives", "consensus", "trie", "wire", "chain"]),
    ("store", &["primitives", "chain"]),
    ("runtime", &["primitives", "consensus", "trie", "wire", "chain", "proto", "store"]),
    ("client", &["primitives", "consensus", "trie", "wire", "chain", "proto", "store", "runtime"]),
];

/// Layers that may own a clock, a socket, a thread or an executor.
const IMPURE_LAYERS: &[&str] = &["runtime", "client"];

/// The one folder below `runtime` that may open files.
const FILES_ALLOWED: &str = "store/redb";

/// Words that have no place in a pure layer, and what to use there.
const IMPURE_WORDS: &[(&str, &str)] = &[
    ("tokio", "executors belong to runtime/"),
    ("async", "executors belong to runtime/"),
    ("await", "executors belong to runtime/"),
    ("SystemTime", "time is an argument"),
    ("Instant", "time is an argument"),
    ("HashMap", "its order is hidden randomness: use BTreeMap"),
    ("HashSet", "its order is hidden randomness: use BTreeSet"),
    ("getrandom", "randomness is an argument"),
];

/// Modules of `std` that have no place in a pure layer, and what to use there.
const IMPURE_MODULES: &[(&str, &str)] = &[
    ("net", "sockets belong to runtime/; plain addresses are in core::net"),
    ("fs", "files belong to store/redb/"),
    ("thread", "threads belong to runtime/"),
];

/// One breach of the rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The file, relative to `src`.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.what)
    }
}

/// Checks one source file. `file` is its path relative to `src`, with `/` between folders.
pub fn check_source(file: &str, source: &str) -> Vec<Violation> {
    let mut checker = Checker { file, violations: Vec::new() };
    let Some((layer, may_import)) = layer_of(file) else {
        if file != "lib.rs" {
            checker.report(1, "belongs to no known layer".to_owned());
        } else {
            checker.check_layer_declarations(&tokens(source));
        }
        return checker.violations;
    };
    let tokens = tokens(source);
    checker.check_paths(&tokens, layer, may_import);
    if !IMPURE_LAYERS.contains(&layer) {
        checker.check_purity(&tokens);
    }
    if (file.starts_with("wire/") || file.starts_with("consensus/rules/")) && !file.ends_with("/tests.rs") {
        checker.check_opening(source);
    }
    checker.violations
}

/// The layer of a file and what it may import.
fn layer_of(file: &str) -> Option<(&'static str, &'static [&'static str])> {
    let top = file.split('/').next()?;
    let top = top.strip_suffix(".rs").unwrap_or(top);
    LAYERS.iter().find(|(layer, _)| *layer == top).map(|(layer, may_import)| (*layer, *may_import))
}

/// How many modules lie between a file's module and the crate's root: 1 for a layer itself.
fn module_depth(file: &str) -> usize {
    let segments = file.split('/').count();
    if file.ends_with("/mod.rs") { segments - 1 } else { segments }
}

struct Checker<'a> {
    file: &'a str,
    violations: Vec<Violation>,
}

impl Checker<'_> {
    fn report(&mut self, line: usize, what: String) {
        let violation = Violation { file: self.file.to_owned(), line, what };
        // `store::{Batch, Store}` is one mistake, not two.
        if !self.violations.contains(&violation) {
            self.violations.push(violation);
        }
    }

    /// `lib.rs` declares layers and nothing else.
    fn check_layer_declarations(&mut self, tokens: &[Token]) {
        for pair in tokens.windows(2) {
            let name = pair[1].text.as_str();
            if pair[0].text == "mod" && !LAYERS.iter().any(|(layer, _)| *layer == name) {
                self.report(pair[1].line, format!("module {name} is no known layer"));
            }
        }
    }

    fn check_paths(&mut self, tokens: &[Token], layer: &str, may_import: &[&str]) {
        for path in paths(tokens) {
            let names: Vec<&str> = path.names.iter().map(String::as_str).collect();
            match names.as_slice() {
                ["rustock_core", ..] => {
                    self.report(path.line, "names its own crate: write crate::…".to_owned());
                }
                ["crate"] | ["crate", "*", ..] => {
                    self.report(path.line, "imports the whole crate: write out the path".to_owned());
                }
                ["crate", target, ..] => {
                    if !LAYERS.iter().any(|(layer, _)| layer == target) {
                        self.report(path.line, format!("crate::{target} is no known layer"));
                    } else if *target != layer && !may_import.contains(target) {
                        self.report(path.line, format!("{layer} must not import {target}"));
                    }
                }
                _ => {
                    let steps = names.iter().skip_while(|name| **name == "self");
                    let steps = steps.take_while(|name| **name == "super").count();
                    if steps >= module_depth(self.file) + path.inline_modules {
                        self.report(path.line, format!("{steps} steps of super leave the layer"));
                    }
                }
            }
        }
        for pair in tokens.windows(3) {
            if pair[0].text == "#" && pair[1].text == "[" && pair[2].text == "path" {
                self.report(pair[2].line, "a path attribute hides where a module is".to_owned());
            }
        }
    }

    fn check_purity(&mut self, tokens: &[Token]) {
        for token in tokens {
            if let Some((word, instead)) = IMPURE_WORDS.iter().find(|(word, _)| *word == token.text) {
                self.report(token.line, format!("{word} in a pure layer: {instead}"));
            }
        }
        for path in paths(tokens) {
            let ["std", module, ..] = path.names.iter().map(String::as_str).collect::<Vec<_>>()[..] else {
                continue;
            };
            let allowed = module == "fs" && self.file.starts_with(FILES_ALLOWED);
            let found = IMPURE_MODULES.iter().find(|(name, _)| *name == module);
            if let (Some((name, instead)), false) = (found, allowed) {
                self.report(path.line, format!("std::{name} in a pure layer: {instead}"));
            }
        }
    }

    /// The first lines say which RSKIP a file follows, or that there is none, and which class of rskj it mirrors.
    fn check_opening(&mut self, source: &str) {
        let opening: Vec<&str> = source.lines().take_while(|line| line.starts_with("//!")).collect();
        let opening = opening.join(" ");
        if !opening.contains("RSKIP") {
            self.report(1, "opens without naming an RSKIP or saying \"No RSKIP\"".to_owned());
        }
        if !opening.contains("rskj") || !opening.contains('`') {
            self.report(1, "opens without naming the class of rskj it mirrors".to_owned());
        }
    }
}

/// A word or a character of punctuation (`::` is one).
#[derive(Debug, Clone)]
struct Token {
    text: String,
    line: usize,
}

/// A path that the source names, `use` trees expanded.
struct NamedPath {
    names: Vec<String>,
    line: usize,
    /// How many `mod name { … }` of this file it stands in.
    inline_modules: usize,
}

/// Every path of two names or more, or that starts with `crate`.
fn paths(tokens: &[Token]) -> Vec<NamedPath> {
    let mut found = Vec::new();
    // For every open brace: does it belong to a module?
    let mut braces = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let token = &tokens[at];
        let inline_modules = braces.iter().filter(|is_module| **is_module).count();
        let mut add = |names: Vec<String>, line| found.push(NamedPath { names, line, inline_modules });
        match token.text.as_str() {
            "{" => braces.push(at >= 2 && tokens[at - 2].text == "mod"),
            "}" => {
                braces.pop();
            }
            // Not the `use<…>` of an opaque type.
            "use" if tokens.get(at + 1).is_none_or(|next| next.text != "<") => {
                let mut expanded = Vec::new();
                at = expand_use(tokens, at + 1, &[], &mut expanded);
                for (names, line) in expanded {
                    add(names, line);
                }
                continue;
            }
            _ if is_name(&token.text) && (at == 0 || tokens[at - 1].text != "::") => {
                let mut names = vec![token.text.clone()];
                let line = token.line;
                while at + 2 < tokens.len() && tokens[at + 1].text == "::" && is_name(&tokens[at + 2].text) {
                    names.push(tokens[at + 2].text.clone());
                    at += 2;
                }
                if names.len() > 1 {
                    add(names, line);
                }
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// Expands the `use` tree at `at`; gives the position after it.
fn expand_use(
    tokens: &[Token],
    mut at: usize,
    prefix: &[String],
    found: &mut Vec<(Vec<String>, usize)>,
) -> usize {
    let mut names = prefix.to_vec();
    let line = tokens.get(at).map_or(0, |token| token.line);
    while let Some(token) = tokens.get(at) {
        match token.text.as_str() {
            "::" => {}
            "{" => {
                at += 1;
                while tokens.get(at).is_some_and(|token| token.text != "}") {
                    at = expand_use(tokens, at, &names, found);
                    // A comma, or something that has no place in an import: on in any case.
                    if tokens.get(at).is_some_and(|token| token.text != "}") {
                        at += 1;
                    }
                }
                return at + 1;
            }
            "," | ";" | "}" => break,
            "as" => at += 1,
            name => names.push(name.to_owned()),
        }
        at += 1;
    }
    found.push((names, line));
    at
}

fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// Splits a source into words and punctuation, without comments and literals.
fn tokens(source: &str) -> Vec<Token> {
    let characters: Vec<char> = source.chars().collect();
    let mut found = Vec::new();
    let mut line = 1;
    let mut at = 0;
    while at < characters.len() {
        let start = at;
        let next = characters.get(at + 1).copied();
        match characters[at] {
            '/' if next == Some('/') => {
                while at < characters.len() && characters[at] != '\n' {
                    at += 1;
                }
            }
            '/' if next == Some('*') => at = end_of_block_comment(&characters, at),
            '"' => at = end_of_string(&characters, at),
            'r' | 'b' | 'c' if raw_string_hashes(&characters, at).is_some() => {
                let (quote, hashes) = raw_string_hashes(&characters, at).expect("just seen");
                at = end_of_raw_string(&characters, quote, hashes);
            }
            '\'' => at = end_of_quote(&characters, at),
            ':' if next == Some(':') => {
                found.push(Token { text: "::".to_owned(), line });
                at += 2;
            }
            first if first.is_alphanumeric() || first == '_' => {
                while at < characters.len() && (characters[at].is_alphanumeric() || characters[at] == '_') {
                    at += 1;
                }
                found.push(Token { text: characters[start..at].iter().collect(), line });
            }
            space if space.is_whitespace() => at += 1,
            mark => {
                found.push(Token { text: mark.to_string(), line });
                at += 1;
            }
        }
        line += characters[start..at].iter().filter(|character| **character == '\n').count();
    }
    found
}

fn end_of_block_comment(characters: &[char], mut at: usize) -> usize {
    let mut depth = 0;
    while at < characters.len() {
        match (characters[at], characters.get(at + 1)) {
            ('/', Some('*')) => depth += 1,
            ('*', Some('/')) => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            break;
        }
    }
    at
}

fn end_of_string(characters: &[char], mut at: usize) -> usize {
    at += 1;
    while at < characters.len() && characters[at] != '"' {
        at += if characters[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(characters.len())
}

/// The opening quote of a raw string that begins at `at`, and its number of hashes.
fn raw_string_hashes(characters: &[char], at: usize) -> Option<(usize, usize)> {
    let follows_a_word = at > 0 && (characters[at - 1].is_alphanumeric() || characters[at - 1] == '_');
    let letters = characters[at..].iter().take(2).take_while(|letter| "rbc".contains(**letter)).count();
    let hashes = characters[at + letters..].iter().take_while(|mark| **mark == '#').count();
    let quote = at + letters + hashes;
    let is_raw = characters[at..at + letters].contains(&'r');
    (!follows_a_word && is_raw && characters.get(quote) == Some(&'"')).then_some((quote, hashes))
}

fn end_of_raw_string(characters: &[char], quote: usize, hashes: usize) -> usize {
    let mut at = quote + 1;
    while at < characters.len() {
        let closing = characters[at + 1..].iter().take(hashes).filter(|mark| **mark == '#').count();
        if characters[at] == '"' && closing == hashes {
            return at + 1 + hashes;
        }
        at += 1;
    }
    characters.len()
}

/// The end of a character literal, or of the mark that begins a lifetime.
fn end_of_quote(characters: &[char], at: usize) -> usize {
    match (characters.get(at + 1), characters.get(at + 2)) {
        (Some('\\'), _) => {
            let mut end = at + 3;
            while end < characters.len() && characters[end] != '\'' {
                end += 1;
            }
            (end + 1).min(characters.len())
        }
        (Some(_), Some('\'')) => at + 3,
        _ => at + 1,
    }
}
