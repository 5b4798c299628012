//! The table of layers, as `lib.rs` shows it in its documentation.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The row of each module in the table, counted from the top.
pub(crate) struct Table(BTreeMap<String, usize>);

impl Table {
    /// Reads `layers.md`, whose second column names the modules.
    pub(crate) fn read(root: &Path) -> Self {
        let text = fs::read_to_string(root.join("layers.md")).expect("the table of layers");
        let rows = text.lines().skip(2).enumerate();
        let modules = rows.flat_map(|(row, line)| {
            let modules = line.split('|').nth(2).expect("a row has columns").split(',');
            modules.map(move |name| (name.trim().trim_matches('`').to_owned(), row + 1)).collect::<Vec<_>>()
        });
        Self(modules.collect())
    }

    /// The row of a top-level module.
    pub(crate) fn row(&self, module: &str) -> Option<usize> {
        self.0.get(module).copied()
    }

    /// The modules in the table.
    pub(crate) fn modules(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}
