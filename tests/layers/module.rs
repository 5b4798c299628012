//! One module of the product: the names that it defines and imports, and the paths that it uses.

use super::source::Source;
use proc_macro2::{TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet};
use syn::visit::{self, Visit};
use syn::{Item, UseTree};

/// A module, in a file of its own or inside one.
pub(crate) struct Module {
    /// Its names from the crate's root on; empty for `lib.rs`.
    pub(crate) path: Vec<String>,
    pub(crate) file: String,
    /// Whether its file begins with a doc comment.
    pub(crate) documented: bool,
    /// The items that it defines, except modules.
    pub(crate) defined: BTreeSet<String>,
    /// The words in its calls of macros that may define items.
    pub(crate) generated: BTreeSet<String>,
    /// The names that it imports, each with the paths that `use` gives it.
    pub(crate) imported: BTreeMap<String, Vec<Vec<String>>>,
    /// The paths of `use …::*`.
    pub(crate) globs: Vec<Vec<String>>,
    /// The types that it gives methods to.
    pub(crate) extended: Vec<Vec<String>>,
    pub(crate) mentions: Vec<Mention>,
    pub(crate) functions: Vec<Function>,
}

/// A path in the code; a macro's name ends with `!`.
pub(crate) struct Mention {
    pub(crate) path: Vec<String>,
    pub(crate) line: usize,
    pub(crate) kind: Kind,
}

/// Where a path is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Use,
    /// `pub use` or `pub(crate) use`.
    ReExport,
    Glob,
    Code,
}

/// A function with a body.
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) line: usize,
    /// The lines from `fn` to the closing brace.
    pub(crate) length: usize,
    /// Whether its documentation gives a reason for its length.
    pub(crate) excused: bool,
}

impl Module {
    /// The modules of a file: its own, and those inside it.
    pub(crate) fn read(source: Source, code: &syn::File) -> Vec<Self> {
        let mut found = Vec::new();
        Self::add(&source.module, &source.path.display().to_string(), &code.items, &mut found);
        let own = found.last_mut().expect("the file's own module is added last");
        own.documented = code.attrs.first().is_some_and(|attribute| attribute.path().is_ident("doc"));
        words(source.tokens, &mut |word, line| {
            if word == "unsafe" {
                own.mention(vec![word], line, Kind::Code);
            }
        });
        found
    }

    fn add(path: &[String], file: &str, items: &[Item], found: &mut Vec<Self>) {
        let mut module = Self {
            path: path.to_vec(),
            file: file.to_owned(),
            documented: true,
            defined: BTreeSet::new(),
            generated: BTreeSet::new(),
            imported: BTreeMap::new(),
            globs: Vec::new(),
            extended: Vec::new(),
            mentions: Vec::new(),
            functions: Vec::new(),
        };
        for item in items {
            match item {
                Item::Mod(item) => {
                    if let Some((_, items)) = &item.content {
                        let path: Vec<String> = path.iter().cloned().chain([item.ident.to_string()]).collect();
                        Self::add(&path, file, items, found);
                    }
                }
                item => {
                    module.defined.extend(names(item));
                    if let Item::Macro(item) = item
                        && item.ident.is_none()
                    {
                        words(item.mac.tokens.clone(), &mut |word, _| {
                            module.generated.insert(word);
                        });
                    }
                    module.visit_item(item);
                }
            }
        }
        found.push(module);
    }

    fn mention(&mut self, path: Vec<String>, line: usize, kind: Kind) {
        self.mentions.push(Mention { path, line, kind });
    }

    /// Adds the leaves of a `use`.
    fn add_use(&mut self, tree: &UseTree, mut path: Vec<String>, kind: Kind) {
        match tree {
            UseTree::Path(inner) => {
                path.push(inner.ident.to_string());
                self.add_use(&inner.tree, path, kind);
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.add_use(tree, path.clone(), kind);
                }
            }
            UseTree::Glob(glob) => {
                self.mention(path.clone(), glob.star_token.spans[0].start().line, Kind::Glob);
                self.globs.push(path);
            }
            UseTree::Name(name) => self.add_import(path, &name.ident, &name.ident, kind),
            UseTree::Rename(rename) => self.add_import(path, &rename.ident, &rename.rename, kind),
        }
    }

    fn add_import(&mut self, mut path: Vec<String>, name: &syn::Ident, alias: &syn::Ident, kind: Kind) {
        let mut alias = alias.to_string();
        if name == "self" {
            // `use a::{self}` gives the name `a`.
            if alias == "self" {
                alias = path.last().cloned().unwrap_or_default();
            }
        } else {
            path.push(name.to_string());
        }
        self.mention(path.clone(), name.span().start().line, kind);
        self.imported.entry(alias).or_default().push(path);
    }

    /// The paths in a macro's arguments, which are tokens without a grammar.
    fn add_tokens(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            match &tokens[at] {
                TokenTree::Group(group) => self.add_tokens(group.stream()),
                TokenTree::Ident(first) => {
                    let mut path = vec![first.to_string()];
                    let line = first.span().start().line;
                    while let [TokenTree::Punct(one), TokenTree::Punct(two), TokenTree::Ident(next), ..] =
                        &tokens[at + 1..]
                        && one.as_char() == ':'
                        && two.as_char() == ':'
                    {
                        path.push(next.to_string());
                        at += 3;
                    }
                    if matches!(&tokens[at + 1..], [TokenTree::Punct(mark), TokenTree::Group(_), ..] if mark.as_char() == '!')
                    {
                        path.last_mut().expect("a path has a name").push('!');
                    }
                    self.mention(path, line, Kind::Code);
                }
                _ => {}
            }
            at += 1;
        }
    }

    fn add_function(&mut self, attributes: &[syn::Attribute], signature: &syn::Signature, block: &syn::Block) {
        let line = signature.fn_token.span.start().line;
        let length = block.brace_token.span.close().end().line + 1 - line;
        let excused = attributes.iter().any(|attribute| match &attribute.meta {
            syn::Meta::NameValue(syn::MetaNameValue { value: syn::Expr::Lit(literal), .. }) => match &literal.lit {
                syn::Lit::Str(text) => text.value().trim_start().starts_with("Long because "),
                _ => false,
            },
            _ => false,
        });
        self.functions.push(Function { name: signature.ident.to_string(), line, length, excused });
    }
}

/// The names that an item defines.
fn names(item: &Item) -> Vec<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => return item.ident.iter().map(ToString::to_string).collect(),
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return Vec::new(),
    };
    vec![name.to_string()]
}

impl<'ast> Visit<'ast> for Module {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let private = matches!(item.vis, syn::Visibility::Inherited);
        self.add_use(&item.tree, Vec::new(), if private { Kind::Use } else { Kind::ReExport });
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let line = path.segments.first().map_or(0, |segment| segment.ident.span().start().line);
        self.mention(path.segments.iter().map(|segment| segment.ident.to_string()).collect(), line, Kind::Code);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        let line = call.bang_token.spans[0].start().line;
        let mut path: Vec<String> = call.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        path.last_mut().expect("a path has a name").push('!');
        self.mention(path, line, Kind::Code);
        self.add_tokens(call.tokens.clone());
    }

    /// `pub(in path)` is not an import.
    fn visit_vis_restricted(&mut self, _: &'ast syn::VisRestricted) {}

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        if let syn::Meta::List(list) = &attribute.meta {
            self.add_tokens(list.tokens.clone());
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.add_function(&item.attrs, &item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if let (None, syn::Type::Path(extended)) = (&item.trait_, &*item.self_ty) {
            let names = extended.path.segments.iter().map(|segment| segment.ident.to_string());
            self.extended.push(names.collect());
        }
        visit::visit_item_impl(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.add_function(&item.attrs, &item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.add_function(&item.attrs, &item.sig, block);
        }
        visit::visit_trait_item_fn(self, item);
    }
}

/// Passes each word of the tokens on, with its line.
fn words(tokens: TokenStream, each: &mut impl FnMut(String, usize)) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => words(group.stream(), each),
            TokenTree::Ident(word) => each(word.to_string(), word.span().start().line),
            _ => {}
        }
    }
}
