//! The product's sources, parsed: without what is compiled for tests or fuzzing only.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use std::fs;
use std::path::{Path, PathBuf};
use syn::punctuated::Punctuated;
use syn::{Item, Meta, Token};

/// One file of the product.
pub(crate) struct Source {
    /// The names of its module from the crate's root on; empty for `lib.rs`, `["main"]` for `main.rs`.
    pub(crate) module: Vec<String>,
    pub(crate) path: PathBuf,
    pub(crate) tokens: TokenStream,
}

/// The files of a crate and their syntax trees, found through the `mod` declarations of `lib.rs` and `main.rs`.
pub(crate) fn sources(root: &Path) -> Vec<(Source, syn::File)> {
    let mut found = Vec::new();
    load(root.join("lib.rs"), Vec::new(), &mut found);
    if root.join("main.rs").exists() {
        load(root.join("main.rs"), vec!["main".into()], &mut found);
    }
    found
}

fn load(path: PathBuf, module: Vec<String>, found: &mut Vec<(Source, syn::File)>) {
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let tokens = product(text.parse().expect("Rust's tokens"));
    let stem = path.file_stem().expect("a file has a name");
    let own = ["lib", "main", "mod"].iter().any(|name| stem == *name);
    let directory = if own { path.with_file_name("") } else { path.with_extension("") };
    let code: syn::File = syn::parse2(tokens.clone()).unwrap_or_else(|error| {
        panic!("{}:{}: {error}", path.display(), error.span().start().line);
    });
    let mut children = Vec::new();
    declared(&code.items, &directory, &module, &mut children);
    found.push((Source { module, path, tokens }, code));
    for (directory, module) in children {
        let name = module.last().expect("a child has a name");
        let flat = directory.join(format!("{name}.rs"));
        let path = if flat.exists() { flat } else { directory.join(name).join("mod.rs") };
        load(path, module, found);
    }
}

/// The modules of other files that these items declare, each with the directory of its file.
fn declared(items: &[Item], directory: &Path, parent: &[String], found: &mut Vec<(PathBuf, Vec<String>)>) {
    for item in items {
        if let Item::Mod(item) = item {
            let name = item.ident.to_string();
            let module: Vec<String> = parent.iter().cloned().chain([name.clone()]).collect();
            match &item.content {
                Some((_, items)) => declared(items, &directory.join(name), &module, found),
                None => found.push((directory.to_owned(), module)),
            }
        }
    }
}

/// The tokens without each item, field, statement and arm whose `cfg` holds in tests or fuzzing only.
fn product(tokens: TokenStream) -> TokenStream {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let begin = at;
        let mut compiled = true;
        while let Some(condition) = attribute(&tokens[at..]) {
            compiled &= holds(&condition) != Some(false);
            at += 2;
        }
        if !compiled {
            at += extent(&tokens[at..]);
        } else if at > begin {
            kept.extend_from_slice(&tokens[begin..at]);
        } else {
            kept.push(match &tokens[at] {
                TokenTree::Group(group) => {
                    let mut inner = Group::new(group.delimiter(), product(group.stream()));
                    inner.set_span(group.span());
                    TokenTree::Group(inner)
                }
                other => other.clone(),
            });
            at += 1;
        }
    }
    kept.into_iter().collect()
}

/// The content of the outer attribute at the start of the tokens.
fn attribute(tokens: &[TokenTree]) -> Option<Meta> {
    match tokens {
        [TokenTree::Punct(hash), TokenTree::Group(group), ..]
            if hash.as_char() == '#' && group.delimiter() == Delimiter::Bracket =>
        {
            syn::parse2(group.stream()).ok()
        }
        _ => None,
    }
}

/// Whether a condition holds outside of tests and fuzzing; `None` where that depends on the platform.
fn holds(condition: &Meta) -> Option<bool> {
    match condition {
        Meta::Path(path) if path.is_ident("test") || path.is_ident("fuzzing") => Some(false),
        Meta::List(list) => {
            let parts = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated).ok()?;
            let mut parts = parts.iter().map(holds);
            if list.path.is_ident("not") {
                parts.next()?.map(|holds| !holds)
            } else if list.path.is_ident("any") {
                parts.all(|part| part == Some(false)).then_some(false)
            } else if list.path.is_ident("all") || list.path.is_ident("cfg") {
                parts.any(|part| part == Some(false)).then_some(false)
            } else {
                None
            }
        }
        _ => None,
    }
}

/// The number of tokens in the item, statement, field or arm at the start of the tokens.
fn extent(tokens: &[TokenTree]) -> usize {
    let mut words = tokens.iter().filter_map(|token| match token {
        TokenTree::Ident(word) if *word != "pub" => Some(word.to_string()),
        _ => None,
    });
    let first = words.next().unwrap_or_default();
    let statement = match first.as_str() {
        "use" | "static" | "type" | "let" => true,
        "const" => words.next().as_deref() != Some("fn"),
        _ => false,
    };
    let items = ["fn", "const", "unsafe", "extern", "impl", "struct", "enum", "union", "trait", "mod"];
    let item = !statement && items.contains(&first.as_str());
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace && !statement => {
                let comma = matches!(tokens.get(at + 1), Some(TokenTree::Punct(next)) if next.as_char() == ',');
                return at + 1 + usize::from(comma && !item);
            }
            TokenTree::Punct(punct) => match punct.as_char() {
                ';' => return at + 1,
                ',' if depth == 0 && !item && !statement => return at + 1,
                '<' => depth += 1,
                '>' if depth > 0 => depth -= 1,
                _ => {}
            },
            _ => {}
        }
    }
    tokens.len()
}
