//! Shows the steps of a check as a page or as a JSON document. These functions are pure.

use super::step::{State, Step};
use crate::error::{counted, one_line, plain_json};
use crate::event::Level;
use crate::log_options::{LogFormat, LogOptions};
use crate::process::outcome::FAILED;
use crate::report::wrap;
use crate::terminal::{Color, Screen};
use serde_json::{Value, json};

/// The column in which the text of a step begins.
const TEXT: usize = 28;
/// The maximum number of characters of each text on the page. The rest of a longer text is not shown.
const LONGEST: usize = 2048;
/// The maximum number of characters of an error in the verdict, so that the verdict fits into 80 columns.
const SHORT: usize = 50;

/// Returns the exit status of the check.
pub(super) fn status(steps: &[Step]) -> u8 {
    if steps.iter().any(|step| step.state == State::Failed) { FAILED } else { 0 }
}

/// Returns the output of the check. With `-q`, a page contains only the failed step, but a JSON document is always
/// complete. The failed step comes last on the page, so that its reason is not far from the end. The steps that were not
/// reached are only named. Lines are wrapped at `width` columns, or not at all if `width` is `None`.
pub(super) fn page(steps: &[Step], log_options: LogOptions, width: Option<usize>) -> String {
    match log_options.format {
        LogFormat::Json => {
            let result = if status(steps) == 0 { "ok" } else { "failed" };
            let (words, details) = verdict(steps);
            let verdict = format!("{words}{details}");
            plain_json(&json!({"check": result, "status": status(steps), "verdict": verdict, "steps": steps})) + "\n"
        }
        LogFormat::Text => {
            let screen = log_options.screen;
            let shown = |step: &Step| lines(step, screen, width);
            let failed: String = steps.iter().filter(|step| step.state == State::Failed).map(shown).collect();
            if log_options.verbosity == Level::Error {
                return failed;
            }
            let others = steps.iter().filter(|step| is_on_page(step)).map(shown);
            let (words, details) = verdict(steps);
            let color = if failed.is_empty() { Color::SUCCESS } else { Color::FAILURE };
            let verdict = format!("{}{details}\n", screen.paint(words, Some(color)));
            others.chain([not_reached(steps, width), failed, verdict]).collect()
        }
    }
}

/// Checks whether a step was reached, has not failed, and says something about this launch.
fn is_on_page(step: &Step) -> bool {
    step.applies && !step.text.is_empty() && !matches!(step.state, State::Failed | State::NotReached)
}

/// Returns the line with the names of the steps that were not reached, or an empty text if all were.
fn not_reached(steps: &[Step], width: Option<usize>) -> String {
    let skipped = steps.iter().filter(|step| step.applies && step.state == State::NotReached);
    let names: Vec<&str> = skipped.map(|step| step.name.as_str()).collect();
    if names.is_empty() {
        return String::new();
    }
    let title = "not reached: ";
    format!("{title}{}\n", wrap::line_of(&names.join(", "), title.len(), title.len(), width))
}

/// Returns the verdict, and its details: the step that failed, with its error if that is short, or else with the reason.
fn verdict(steps: &[Step]) -> (&'static str, String) {
    let warnings = steps.iter().filter(|step| step.state == State::Warning).count() as u64;
    match steps.iter().find(|step| step.state == State::Failed) {
        Some(Step { name, facts, .. }) => {
            let fact = |key| facts.get(key).and_then(Value::as_str);
            // Several steps for profiles have the same name.
            let profile = fact("profile").filter(|_| fact("step") == Some("also"));
            let name = profile.map_or_else(|| name.clone(), |profile| format!("{name} {profile}"));
            let why = match fact("error").map(|error| one_line(error, LONGEST)) {
                Some(error) if error.chars().count() <= SHORT => format!(": {error}"),
                _ => fact("reason").map(|reason| format!(" ({reason})")).unwrap_or_default(),
            };
            ("check failed", format!(": {name}{why}"))
        }
        None if warnings > 0 => ("check passed", format!(", {}", counted(warnings, "warning"))),
        None => ("check passed", String::new()),
    }
}

fn lines(step: &Step, screen: Screen, width: Option<usize>) -> String {
    let column = |text: &str, column| wrap::line_of(&one_line(text, LONGEST), column, column, width);
    let (word, color) = step.state.word();
    let (painted, gap) = (screen.paint(word, color), 13 - word.len());
    let head = format!("{painted}{:gap$}{:<15}{}", "", step.name, column(&step.text, TEXT));
    let mut lines = vec![head.trim_end().to_owned()];
    lines.extend(step.details.iter().map(|detail| format!("{:TEXT$}{}", "", column(detail, TEXT))));
    for (at, hint) in step.hint.iter().flat_map(|hint| hint.lines()).enumerate() {
        let words = hint.trim_start();
        lines.push(if at == 0 {
            format!("    {} {}", screen.paint("hint:", Some(Color::HINT)), column(words, 10))
        } else {
            let indent = 4 + hint.len() - words.len();
            format!("{:indent$}{}", "", column(words, indent))
        });
    }
    lines.push(String::new());
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Map;

    fn step(state: State, text: &str, hint: Option<&str>) -> Step {
        let (name, details) = ("role".to_owned(), vec!["a detail".to_owned()]);
        Step {
            applies: true,
            name,
            state,
            text: text.to_owned(),
            details,
            hint: hint.map(str::to_owned),
            facts: Map::new(),
        }
    }

    const OPTIONS: LogOptions =
        LogOptions { verbosity: Level::Notice, format: LogFormat::Text, screen: Screen::Dumb, first_session: false };

    #[test]
    fn long_lines_wrap_and_statements_do_not() {
        let statement = format!("{{\"Resource\":\"{}\"}}", "x".repeat(200));
        let hint = format!("both:\n  identity policy:\n    {statement}");
        let steps = [step(State::Failed, "word ".repeat(60).trim_end(), Some(&hint))];
        assert_eq!(page(&steps, OPTIONS, None).lines().count(), 6);
        let printed = page(&steps, OPTIONS, Some(159));
        let lines: Vec<&str> = printed.lines().collect();
        assert_eq!(lines[0].chars().count(), 157);
        assert!(lines[0].starts_with("failed       role           word word "), "{printed}");
        assert!(lines[1].starts_with(&format!("{:28}word", "")) && lines[1].len() < 160, "{printed}");
        let last = &lines[lines.len() - 5..];
        assert_eq!(
            last,
            [
                format!("{:28}a detail", ""),
                "    hint: both:".to_owned(),
                "      identity policy:".to_owned(),
                format!("        {statement}"),
                "check failed: role".to_owned(),
            ]
        );
    }

    #[test]
    fn nothing_controls_the_terminal() {
        let printed = page(&[step(State::Ok, "a\u{1b}[2Jb\rc\u{202e}d", None)], OPTIONS, None);
        assert!(printed.starts_with("ok           role           a [2Jb c d\n"), "{printed}");
        let json = LogOptions { format: LogFormat::Json, ..OPTIONS };
        let printed = page(&[step(State::Ok, "c\u{202e}d\u{9b}\u{e0041}", None)], json, None);
        assert!(printed.contains(r#""c\u202ed\u009b\udb40\udc41""#), "{printed}");
    }

    #[test]
    fn only_the_state_the_hint_and_the_verdict_are_colored() {
        let steps = [step(State::Ok, "yes", None), step(State::Failed, "no", Some("why\n  so"))];
        let colored = page(&steps, LogOptions { screen: Screen::Colored, ..OPTIONS }, None);
        assert!(colored.starts_with("\x1b[32mok\x1b[0m           role           yes\n"), "{colored:?}");
        assert!(colored.contains("\n\x1b[1;31mfailed\x1b[0m       role           no\n"), "{colored:?}");
        let end = "\n    \x1b[36mhint:\x1b[0m why\n      so\n\x1b[1;31mcheck failed\x1b[0m: role\n";
        assert!(colored.ends_with(end), "{colored:?}");
        assert_eq!(colored.matches('\x1b').count(), 8);
        assert!(!page(&steps, LogOptions { screen: Screen::Plain, ..OPTIONS }, None).contains('\x1b'));
    }

    #[test]
    fn the_failed_step_comes_after_those_that_were_not_reached() {
        let named = |name: &str, state| Step { name: name.into(), ..step(state, "text", None) };
        let steps = [
            named("source", State::Warning),
            named("role", State::Failed),
            named("session", State::NotReached),
            Step { applies: false, ..named("refresh", State::NotReached) },
            named("delivery", State::NotReached),
        ];
        let printed = page(&steps, OPTIONS, None);
        let lines: Vec<&str> = printed.lines().filter(|line| !line.ends_with("a detail")).collect();
        let expected = [
            "warning      source         text",
            "not reached: session, delivery",
            "failed       role           text",
            "check failed: role",
        ];
        assert_eq!(lines, expected);
        assert_eq!(printed.matches("a detail").count(), 2, "a step that was not reached has no details");
        let narrow = page(&steps, OPTIONS, Some(24));
        assert!(narrow.contains("\nnot reached: session,\n             delivery\n"), "{narrow}");
    }

    #[test]
    fn a_short_error_is_in_the_verdict_and_a_long_one_is_not() {
        let verdict = |error: &str| {
            let mut step = step(State::Failed, "text", None);
            step.fact("error", error);
            step.fact("reason", "denied");
            page(&[step], OPTIONS, None).lines().last().expect("a verdict").to_owned()
        };
        assert_eq!(verdict("no\nuse"), "check failed: role: no use");
        assert_eq!(verdict(&"x".repeat(51)), "check failed: role (denied)");
    }

    #[test]
    fn a_step_that_does_not_apply_is_not_on_the_page() {
        let other = Step { applies: false, ..step(State::Note, "nothing", None) };
        let steps = [step(State::Warning, "a", None), other, step(State::Ok, "", None)];
        let printed = page(&steps, OPTIONS, None);
        assert_eq!(printed.lines().count(), 3, "{printed}");
        assert!(printed.ends_with("\ncheck passed, 1 warning\n"), "{printed}");
        assert_eq!(page(&steps[2..], OPTIONS, None), "check passed\n");
    }

    #[test]
    fn quiet_is_for_the_page_and_not_for_the_document() {
        let steps = [step(State::Warning, "a", None), step(State::Failed, "b", None)];
        let quiet = LogOptions { verbosity: Level::Error, ..OPTIONS };
        let printed = page(&steps, quiet, None);
        assert!(printed.starts_with("failed       role           b\n") && !printed.contains("check"), "{printed}");
        let json = page(&steps, LogOptions { format: LogFormat::Json, ..quiet }, None);
        assert_eq!(json.lines().count(), 1);
        assert!(
            json.contains(r#""message":"a""#)
                && json.contains(r#""check":"failed","status":125"#)
                && json.contains(r#""verdict":"check failed: role""#),
            "{json}"
        );
        assert_eq!((status(&steps), status(&steps[..1])), (125, 0));
    }
}
