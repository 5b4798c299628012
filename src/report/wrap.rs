//! Long lines as a page: broken where they may be, so that an error can be read in a narrow window or in a build's log.

use crate::terminal::WIDTH;

/// What is worth a line of its own.
const LEAST: usize = 12;

/// The text with its lines broken: between clauses where that is possible, else at a space, and within JSON behind a
/// comma. What goes on is indented further than its beginning. `taken` columns stand before the first line already. A
/// word that is too long for a line (an ARN) has a line of its own.
pub(super) fn folded(text: &str, taken: usize) -> String {
    let mut page = Vec::new();
    for (number, line) in text.lines().enumerate() {
        fold(&mut page, line, if number == 0 { taken } else { 0 });
    }
    page.join("\n")
}

fn fold(page: &mut Vec<String>, line: &str, taken: usize) {
    let mut rest = line.trim_start_matches(' ');
    let indent = line.len() - rest.len();
    let further = indent + if rest.starts_with('{') { 1 } else { 2 };
    let (mut indent, mut taken) = (indent, taken);
    loop {
        let at = end(rest, WIDTH.saturating_sub(taken + indent));
        page.push(format!("{}{}", " ".repeat(indent), rest[..at].trim_end()));
        rest = rest[at..].trim_start();
        if rest.is_empty() {
            return;
        }
        (indent, taken) = (further, 0);
    }
}

/// Where a line ends that has room for so many columns.
fn end(text: &str, room: usize) -> usize {
    let Some((full, _)) = text.char_indices().nth(room) else { return text.len() };
    let json = text.starts_with(['{', '"']);
    let (mut clause, mut word) = (None, None);
    // Where the clause began that goes on at this place: one of a single word is no place to rest.
    let mut begun = 0;
    for (at, c) in text.char_indices().skip(1) {
        let before = &text[..at];
        let is_end = c == ' ' || json && c == '"' && before.ends_with(',');
        if !is_end {
            continue;
        }
        if at > full {
            // Nothing fits: the word as it is, up to the next place.
            word = word.or(Some(at));
            break;
        }
        word = Some(at);
        if before.ends_with([':', ';']) {
            if before[begun..].trim().contains(' ') {
                clause = Some(at);
            }
            begun = at;
        }
    }
    clause.filter(|at| *at >= LEAST).or(word).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_at_spaces_and_go_on_indented() {
        let words = vec!["twelve-bytes"; 40].join(" ");
        let page = folded(&words, 9);
        assert_eq!(page.split_whitespace().collect::<Vec<_>>().join(" "), words);
        for (number, line) in page.lines().enumerate() {
            let taken = if number == 0 { 9 } else { 0 };
            assert!(line.len() + taken <= WIDTH && !line.ends_with(' '), "{line:?}");
            assert_eq!(line.starts_with("  twelve"), number > 0, "{line:?}");
        }
    }

    #[test]
    fn a_clause_is_kept_together_where_it_can_be() {
        let (one, other) = (format!("two {}", "o".repeat(96)), "t".repeat(30));
        let folded = |text: String| super::folded(&text, 9);
        assert_eq!(
            folded(format!("no: {one}: {other} {other} {other}")),
            format!("no: {one}:\n  {other} {other} {other}")
        );
        // What is short, or a single word, is no clause of its own.
        assert_eq!(folded(format!("no: {one} {other} {other}")), format!("no: {one} {other}\n  {other}"));
        assert_eq!(
            folded(format!("no {one}: Origin: {other} {other}")),
            format!("no {one}:\n  Origin: {other} {other}")
        );
    }

    #[test]
    fn what_fits_stays_as_it_is() {
        for text in ["short", "two\n  lines, the second indented", "", "a  b"] {
            assert_eq!(folded(text, 9), text);
        }
    }

    #[test]
    fn a_policy_statement_is_broken_between_its_members() {
        let arn = format!("arn:aws:iam::521111111144:role/{}", "x".repeat(64));
        let statement = format!(r#"    {{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{{"AWS":"{arn}"}}}}"#);
        let page = folded(&statement, 0);
        let lines: Vec<&str> = page.lines().collect();
        assert_eq!(lines[0], r#"    {"Effect":"Allow","Action":"sts:AssumeRole","#);
        assert_eq!(lines[1], format!(r#"     "Principal":{{"AWS":"{arn}"}}}}"#));
        assert_eq!(lines.len(), 2);
    }

    #[test]
    fn a_word_that_is_too_long_has_its_own_line() {
        let word = "ü".repeat(200);
        assert_eq!(folded(&format!("before {word} after"), 0), format!("before\n  {word}\n  after"));
    }
}
