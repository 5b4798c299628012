//! Short files and functions.

use super::PRODUCT;
use std::collections::BTreeSet;
use std::fs;

const FILE_LINES: usize = 300;
const FUNCTION_LINES: usize = 60;

#[test]
fn no_file_is_long() {
    let mut wrong = Vec::new();
    let files: BTreeSet<&String> = PRODUCT.modules().map(|module| &module.file).collect();
    for file in files {
        let lines = fs::read_to_string(file).expect("a source").lines().count();
        if lines > FILE_LINES {
            wrong.push(format!("{file} has {lines} lines"));
        }
    }
    assert!(wrong.is_empty(), "at most {FILE_LINES} lines:\n{}", wrong.join("\n"));
}

/// A doc line `Long because …` gives the reason of one that is longer.
#[test]
fn no_function_is_long_without_a_reason() {
    let mut wrong = Vec::new();
    for module in PRODUCT.modules() {
        for function in module.functions.iter().filter(|function| function.length > FUNCTION_LINES && !function.excused)
        {
            let place = format!("{}:{}", module.file, function.line);
            wrong.push(format!("{place} {} has {} lines", function.name, function.length));
        }
    }
    assert!(wrong.is_empty(), "at most {FUNCTION_LINES} lines:\n{}", wrong.join("\n"));
}
