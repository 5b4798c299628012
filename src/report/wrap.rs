//! Breaks the lines of messages between words, at the width of the terminal. In pipes and files, lines are not broken.

/// Breaks the lines of a text. Before the first line, `taken` columns are already used. The rest of a broken line is
/// indented by two columns more than the beginning of the line. If `width` is `None`, no line is broken.
pub(super) fn lines(text: &str, taken: usize, width: Option<usize>) -> String {
    let lines = text.lines().enumerate().map(|(number, line)| {
        let words = line.trim_start_matches(' ');
        let indent = line.len() - words.len();
        let taken = indent + if number == 0 { taken } else { 0 };
        format!("{:indent$}{}", "", line_of(words, taken, indent + 2, width))
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Breaks one line, before which `taken` columns are already used. The rest of a broken line is indented by `indent`
/// columns. A word that is longer than the width (such as an ARN) is not broken, and neither is a policy statement.
pub(crate) fn line_of(text: &str, taken: usize, indent: usize, width: Option<usize>) -> String {
    let Some(width) = width.filter(|_| !text.starts_with('{')) else { return text.to_owned() };
    let mut page = String::new();
    let mut column = taken;
    for (number, word) in text.split(' ').enumerate() {
        let length = word.chars().count();
        if number > 0 && column + 1 + length > width {
            page.truncate(page.trim_end().len());
            page.push('\n');
            page.extend(std::iter::repeat_n(' ', indent));
            column = indent;
        } else if number > 0 {
            page.push(' ');
            column += 1;
        }
        page.push_str(word);
        column += length;
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_words_and_continue_indented() {
        let words = vec!["twelve-bytes"; 40].join(" ");
        for width in [40, 80, 200] {
            let page = lines(&words, 9, Some(width));
            assert_eq!(page.split_whitespace().collect::<Vec<_>>().join(" "), words);
            for (number, line) in page.lines().enumerate() {
                let taken = if number == 0 { 9 } else { 0 };
                assert!(line.len() + taken <= width && !line.ends_with(' '), "{line:?}");
                assert_eq!(line.starts_with("  twelve"), number > 0, "{line:?}");
            }
        }
    }

    #[test]
    fn nothing_is_broken_without_a_terminal() {
        let text = format!("{}\n    {}", "word ".repeat(100), "word ".repeat(100));
        assert_eq!(lines(&text, 9, None), text);
    }

    #[test]
    fn a_line_that_fits_is_unchanged() {
        for text in ["short", "two\n  lines, the second indented", "", "a  b"] {
            assert_eq!(lines(text, 9, Some(40)), text);
        }
    }

    #[test]
    fn a_policy_statement_stays_whole() {
        let statement = format!(r#"    {{"Effect":"Allow","Condition":"{}"}}"#, "one two ".repeat(10));
        assert_eq!(lines(&format!("both:\n{statement}"), 6, Some(40)), format!("both:\n{statement}"));
    }

    #[test]
    fn a_word_that_is_too_long_has_its_own_line() {
        let word = "ü".repeat(200);
        assert_eq!(lines(&format!("before {word} after"), 0, Some(80)), format!("before\n  {word}\n  after"));
    }
}
