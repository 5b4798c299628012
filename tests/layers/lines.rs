//! Counts the lines of code of the product, by module: without tests, comments and blank lines.
//!
//! Run by `.ci/lines`; the last line is the total.
#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a tool of the gate")]

mod source;

use proc_macro2::{TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What is counted of one top-level module.
#[derive(Default)]
struct Count {
    files: usize,
    lines: usize,
    longest: (usize, PathBuf),
}

fn main() {
    let root = std::env::args().nth(1).unwrap_or_else(|| "src".into());
    let mut modules: BTreeMap<String, Count> = BTreeMap::new();
    for (source, _) in source::sources(Path::new(&root)) {
        let mut lines = BTreeSet::new();
        add_lines(source.tokens, &mut lines);
        let count = modules.entry(source.module.first().cloned().unwrap_or_else(|| "lib".into())).or_default();
        count.files += 1;
        count.lines += lines.len();
        let path = source.path.strip_prefix(&root).unwrap_or(&source.path).to_owned();
        count.longest = (lines.len(), path).max(std::mem::take(&mut count.longest));
    }
    println!("{:12} {:>5} {:>6}  longest file", "module", "files", "lines");
    for (name, Count { files, lines, longest: (length, path) }) in &modules {
        println!("{name:12} {files:5} {lines:6}  {} {length}", path.display());
    }
    let files: usize = modules.values().map(|count| count.files).sum();
    let lines: usize = modules.values().map(|count| count.lines).sum();
    println!("{:12} {files:5} {lines:6}", "total");
}

/// Adds the lines on which these tokens are, except those of doc comments.
fn add_lines(tokens: TokenStream, lines: &mut BTreeSet<usize>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        let comment = doc_comment(&tokens[at..]);
        if comment > 0 {
            at += comment;
            continue;
        }
        match &tokens[at] {
            TokenTree::Group(group) => {
                lines.extend([group.span_open().start().line, group.span_close().end().line]);
                add_lines(group.stream(), lines);
            }
            token => lines.extend(token.span().start().line..=token.span().end().line),
        }
        at += 1;
    }
}

/// The number of tokens in the doc comment at the start of the tokens: `#[doc = "…"]` or `#![doc = "…"]`.
fn doc_comment(tokens: &[TokenTree]) -> usize {
    let is_doc = |token: &TokenTree| match token {
        TokenTree::Group(group) => {
            let inner: Vec<TokenTree> = group.stream().into_iter().collect();
            matches!(&inner[..], [TokenTree::Ident(name), _, TokenTree::Literal(_)] if *name == "doc")
        }
        _ => false,
    };
    match tokens {
        [TokenTree::Punct(hash), second, ..] if hash.as_char() == '#' && is_doc(second) => 2,
        [TokenTree::Punct(hash), TokenTree::Punct(_), third, ..] if hash.as_char() == '#' && is_doc(third) => 3,
        _ => 0,
    }
}
