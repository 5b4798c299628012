//! The modules of a crate, and which of them imports from which.

use super::cycles::Graph;
use super::module::{Kind, Mention, Module};
use super::source::sources;
use std::collections::BTreeMap;
use std::path::Path;

/// What a path leads to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Target {
    Module(Vec<String>),
    /// An item, in the module that defines it.
    Item(Vec<String>, String),
    /// The full path of something in another crate.
    Outside(Vec<String>),
}

/// A use of one module by another.
pub(crate) struct Import<'a> {
    pub(crate) from: &'a Module,
    pub(crate) to: &'a Module,
    pub(crate) line: usize,
    path: String,
    /// Whether an item is used, not only the module named.
    item: bool,
}

impl Import<'_> {
    /// The file that imports, and the one that it imports from.
    pub(crate) fn files(&self) -> (&str, &str) {
        (&self.from.file, &self.to.file)
    }

    /// The place of the import, for a message.
    pub(crate) fn place(&self) -> String {
        format!("{}:{} uses {} of {}", self.from.file, self.line, self.path, self.to.file)
    }
}

/// A crate.
pub(crate) struct Tree(BTreeMap<Vec<String>, Module>);

impl Tree {
    /// Reads the crate in a directory with a `lib.rs`.
    pub(crate) fn read(root: &Path) -> Self {
        let modules = sources(root).into_iter().flat_map(|(source, code)| Module::read(source, &code));
        Self(modules.map(|module| (module.path.clone(), module)).collect())
    }

    pub(crate) fn modules(&self) -> impl Iterator<Item = &Module> {
        self.0.values()
    }

    /// Everything that a path in this module leads to: a name can be a module and a function.
    pub(crate) fn targets(&self, module: &Module, path: &[String]) -> Vec<Target> {
        let mut found = self.resolve(&module.path, path, 0);
        found.sort();
        found.dedup();
        found
    }

    fn resolve(&self, module: &[String], path: &[String], depth: usize) -> Vec<Target> {
        let Some((first, rest)) = path.split_first() else { return Vec::new() };
        // `use` may go in circles, as in `use endpoint::endpoint`.
        if depth > 20 {
            return Vec::new();
        }
        match first.trim_start_matches('$') {
            "crate" => self.walk(Target::Module(root(module)), rest, depth),
            "xassume" if module.first().is_some_and(|name| name == "main") => {
                self.walk(Target::Module(Vec::new()), rest, depth)
            }
            "self" => self.walk(Target::Module(module.to_vec()), rest, depth),
            "super" => {
                let parent = &module[..module.len().saturating_sub(1)];
                match rest.first() {
                    Some(next) if next == "super" => self.resolve(parent, rest, depth),
                    _ => self.walk(Target::Module(parent.to_vec()), rest, depth),
                }
            }
            "Self" => Vec::new(),
            _ => {
                let found = self.lookup(module, first, depth);
                if found.is_empty() {
                    return vec![Target::Outside(path.to_vec())];
                }
                found.into_iter().flat_map(|target| self.walk(target, rest, depth)).collect()
            }
        }
    }

    /// Follows the rest of a path from what its beginning leads to.
    fn walk(&self, target: Target, rest: &[String], depth: usize) -> Vec<Target> {
        match (target, rest) {
            (target, []) => vec![target],
            (Target::Module(module), [name, rest @ ..]) => {
                let found = self.lookup(&module, name, depth);
                found.into_iter().flat_map(|target| self.walk(target, rest, depth)).collect()
            }
            // The associated functions, variants and constants of an item belong to it.
            (item @ Target::Item(..), _) => vec![item],
            (Target::Outside(mut path), rest) => {
                path.extend_from_slice(rest);
                vec![Target::Outside(path)]
            }
        }
    }

    /// What a name means in a module.
    fn lookup(&self, module: &[String], name: &str, depth: usize) -> Vec<Target> {
        let Some(inside) = self.0.get(module) else { return Vec::new() };
        let mut found = Vec::new();
        let child: Vec<String> = module.iter().cloned().chain([name.to_owned()]).collect();
        // `main` is a crate, not a child of `lib`.
        if self.0.contains_key(&child) && child != ["main"] {
            found.push(Target::Module(child));
        }
        let plain = name.trim_end_matches('!');
        if inside.defined.contains(plain) {
            found.push(Target::Item(module.to_vec(), plain.to_owned()));
        }
        for path in inside.imported.get(plain).into_iter().flatten() {
            if path.as_slice() == [plain] {
                found.push(Target::Outside(path.clone()));
            } else {
                found.extend(self.resolve(module, path, depth + 1));
            }
        }
        if found.is_empty() && inside.generated.contains(plain) {
            found.push(Target::Item(module.to_vec(), plain.to_owned()));
        }
        if found.is_empty() {
            for path in &inside.globs {
                for target in self.resolve(module, path, depth + 1) {
                    if let Target::Module(module) = target {
                        found.extend(self.lookup(&module, name, depth + 1));
                    }
                }
            }
        }
        found
    }

    /// All imports between modules of different files.
    pub(crate) fn imports(&self) -> Vec<Import<'_>> {
        let mut found = Vec::new();
        for from in self.modules() {
            // `crate` alone is a part of `pub(crate)` in a macro's arguments.
            for mention in from.mentions.iter().filter(|mention| mention.path != ["crate"]) {
                for (to, item) in self.reached(from, mention) {
                    if to.file != from.file {
                        found.push(Import { from, to, line: mention.line, path: mention.path.join("::"), item });
                    }
                }
            }
        }
        found
    }

    /// The modules that a path leads to, and whether to an item there.
    fn reached(&self, from: &Module, mention: &Mention) -> Vec<(&Module, bool)> {
        let targets = self.targets(from, &mention.path);
        let own = ["crate", "self", "super"].contains(&mention.path[0].as_str());
        let place = || format!("{}:{}: {}", from.file, mention.line, mention.path.join("::"));
        assert!(!own || !targets.is_empty(), "{} is not found", place());
        let mut reached = Vec::new();
        for target in targets {
            match target {
                Target::Item(module, _) => {
                    // The re-export of a part is its name, not a use of it.
                    let index = mention.kind == Kind::ReExport && module.starts_with(&from.path);
                    reached.push((&self.0[&module], !index));
                }
                Target::Module(module) => {
                    let module = &self.0[&module];
                    reached.push((module, mention.kind == Kind::Glob));
                    if mention.kind == Kind::Glob {
                        let names = module.imported.keys();
                        let targets = names.flat_map(|name| self.lookup(&module.path, name, 0));
                        reached.extend(targets.filter_map(|target| match target {
                            Target::Item(module, _) => Some((&self.0[&module], true)),
                            _ => None,
                        }));
                    }
                }
                Target::Outside(_) => {}
            }
        }
        reached
    }

    /// Whether the second module's type has methods in the first, which is below it.
    fn is_part(&self, part: &Module, whole: &Module) -> bool {
        let owner = |target| matches!(target, Target::Item(module, _) if module == whole.path);
        let mut extended = part.extended.iter().flat_map(|path| self.targets(part, path));
        part.path.len() > whole.path.len() && part.path.starts_with(&whole.path) && extended.any(owner)
    }

    /// Which file uses items of which.
    pub(crate) fn files(&self) -> Graph {
        let mut graph = Graph::new();
        for import in self.imports() {
            if !import.item || self.is_part(import.from, import.to) {
                continue;
            }
            let edges = graph.entry(import.from.file.clone()).or_default();
            edges.entry(import.to.file.clone()).or_insert_with(|| import.place());
        }
        graph
    }

    /// For each module with children: which of these imports from which, each with all that is below it.
    pub(crate) fn siblings(&self) -> BTreeMap<Vec<String>, Graph> {
        let mut graphs: BTreeMap<Vec<String>, Graph> = BTreeMap::new();
        for import in self.imports() {
            let (from, to) = (&import.from.path, &import.to.path);
            let common = from.iter().zip(to).take_while(|(one, other)| one == other).count();
            if let (Some(one), Some(other)) = (from.get(common), to.get(common)) {
                let graph = graphs.entry(from[..common].to_vec()).or_default();
                graph.entry(one.clone()).or_default().entry(other.clone()).or_insert_with(|| import.place());
            }
        }
        graphs
    }
}

/// The root of a module's crate.
fn root(module: &[String]) -> Vec<String> {
    module.iter().take_while(|name| *name == "main").cloned().collect()
}
