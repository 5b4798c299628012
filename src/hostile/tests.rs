//! Checks the properties with the seeds of the fuzz targets, with edited seeds, and with generated text.
//!
//! A failure prints the smallest input that shows it, and the seed of the random numbers. To repeat the same inputs,
//! run `PROPTEST_RNG_SEED=… cargo test`. An input that `cargo fuzz` finds should be added to `fuzz/seeds/TARGET`.

use super::*;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use std::fs;
use std::path::Path;

/// Returns the seeds of a fuzz target. If there is no `fuzz/` directory, as in the published package, returns one empty
/// seed.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let Ok(entries) = fs::read_dir(&directory) else { return vec![Vec::new()] };
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).expect("a seed")).collect()
}

/// An input. Its debug output can be copied into a test.
#[derive(Clone)]
struct Input(Vec<u8>);

impl Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "b\"{}\"", self.0.escape_ascii())
    }
}

#[derive(Debug, Clone)]
enum Edit {
    Change(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    /// Repeats a piece of the input.
    Repeat(Index, usize, usize),
    /// Replaces the end of the input with the end of another seed.
    Splice(Index, Index, Index),
}

fn edit() -> impl Strategy<Value = Edit> {
    let odd = prop::sample::select(vec![
        "\0",
        "\n",
        "\r\n",
        "\t",
        "\u{1b}[2J",
        "\u{85}",
        "\u{feff}",
        "é",
        "１",
        "%s",
        "\"",
        "\\u0000",
        "]",
        "[",
        "=",
        ",",
        "#",
        ":",
        "-1",
        "0",
        "99999999999999999999",
        "arn:",
        "aws:",
        "null",
        "{}",
        "<",
        "&#0;",
        "]]>",
        "..",
        "/",
        " ",
    ]);
    let insert = prop_oneof![odd.prop_map(|text| text.as_bytes().to_vec()), prop::collection::vec(any::<u8>(), 1..8)];
    prop_oneof![
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Edit::Change(at, byte)),
        (any::<Index>(), insert).prop_map(|(at, piece)| Edit::Insert(at, piece)),
        (any::<Index>(), 1..40_usize).prop_map(|(at, length)| Edit::Remove(at, length)),
        (any::<Index>(), 1..20_usize, 1..300_usize).prop_map(|(at, length, times)| Edit::Repeat(at, length, times)),
        any::<(Index, Index, Index)>().prop_map(|(at, other, from)| Edit::Splice(at, other, from)),
    ]
}

fn edited(seeds: &[Vec<u8>], seed: Index, edits: &[Edit]) -> Vec<u8> {
    let mut bytes = seed.get(seeds).clone();
    for edit in edits {
        let length = bytes.len();
        match edit {
            Edit::Change(at, byte) if length > 0 => bytes[at.index(length)] = *byte,
            Edit::Insert(at, piece) => {
                let at = at.index(length + 1);
                bytes.splice(at..at, piece.iter().copied());
            }
            Edit::Remove(at, count) if length > 0 => {
                bytes.drain(at.index(length)..(at.index(length) + count).min(length));
            }
            Edit::Repeat(at, count, times) if length > 0 => {
                let (from, to) = (at.index(length), (at.index(length) + count).min(length));
                let piece = bytes[from..to].repeat(*times);
                bytes.splice(from..from, piece);
            }
            Edit::Splice(at, other, from) => {
                bytes.truncate(at.index(length + 1));
                let other = other.get(seeds);
                bytes.extend_from_slice(&other[from.index(other.len() + 1)..]);
            }
            Edit::Change(..) | Edit::Remove(..) | Edit::Repeat(..) => {}
        }
    }
    bytes
}

/// Returns the configuration of a property test with this number of inputs. The inputs are the same in each run, unless
/// `PROPTEST_RNG_SEED` is set.
pub(crate) fn property_config(cases: u32) -> Config {
    let mut config = Config { cases, failure_persistence: None, ..Config::default() };
    if config.rng_seed == RngSeed::Random {
        config.rng_seed = RngSeed::Fixed(0);
    }
    config
}

/// Checks a property with each seed, and then with `cases` generated inputs.
fn hold<S>(target: &str, cases: u32, made_up: S, property: fn(&[u8]))
where
    S: Strategy<Value = String>,
{
    let seeds = seeds(target);
    for seed in &seeds {
        property(seed);
    }
    let altered = (any::<Index>(), prop::collection::vec(edit(), 0..5));
    let altered = altered.prop_map(|(seed, edits)| Input(edited(&seeds, seed, &edits)));
    let inputs = prop_oneof![3 => altered, 1 => made_up.prop_map(|text| Input(text.into_bytes()))];
    let config = property_config(cases);
    let RngSeed::Fixed(seed) = config.rng_seed else { panic!("a seed that is not known cannot be printed") };
    let result = TestRunner::new(config).run(&inputs, |Input(bytes)| {
        property(&bytes);
        Ok(())
    });
    if let Err(error) = result {
        panic!("{target}, PROPTEST_RNG_SEED={seed}: {error}");
    }
}

/// Generates parts of an ARN in any order.
fn arn_like() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "arn:",
            "arn:aws:iam::",
            "aws",
            "-cn",
            ":",
            "::",
            "/",
            ",",
            " ",
            "\n",
            "role/",
            "iam",
            "sts",
            "user/",
            "assumed-role/",
            "instance-profile/",
            "123456789012",
            "12345678901",
            "service-role/",
        ])
        .prop_map(str::to_owned),
        "[A-Za-z0-9+=,.@_-]{1,70}",
        "\\PC{0,5}",
    ];
    prop::collection::vec(piece, 0..9).prop_map(|pieces| pieces.concat())
}

#[test]
fn roles_and_lists_of_roles_keep_iams_limits() {
    hold("role", 600, arn_like(), role);
}

#[test]
fn durations_keep_the_limits_of_sts() {
    hold("duration", 400, "([0-9]{1,20} ?(s|m|h|d|ms|ns|years|min|)? ?){0,4}", duration);
}

#[test]
fn tags_keep_the_limits_of_sts() {
    hold("tags", 300, "(([a-zA-Z_.:/+@ -]{0,130}|aws:x|\\PC{1,4})=?[a-z]{0,3}\n){0,9}", tags);
}

#[test]
fn config_files_give_a_plan_or_one_error_line() {
    let line = "(\\[(profile |sso-session |services )?[a-c]\\]|(role_arn|source_profile|region|aws_secret_access_key|sso_session|s3|credential_source) ?[=:] ?[a-c]|  \\PC{1,9}|%%)\n";
    hold("config_plan", 300, prop::collection::vec(line, 0..20).prop_map(|lines| lines.concat()), config_plan);
}

#[test]
fn altered_files_of_the_cache_are_misses() {
    hold("cache_file", 200, "\\PC{0,300}", cache_file);
}

#[test]
fn answers_of_sts_are_sessions_or_one_error_line() {
    let made_up = "(role|web|mfa) [1-5][0-9]{2}\n(Date: [ -~]{0,30}\n|[a-z-]{1,20}: [ -~]{0,30}\n){0,3}\n(<[/A-Za-z]{1,20}>|[ -~]{1,9}){0,9}";
    hold("sts_answer", 60, made_up, sts_answer);
}

#[test]
fn credential_processes_give_keys_or_one_error_line() {
    let made_up =
        "\\{(\"(Version|AccessKeyId|SecretAccessKey|SessionToken|Expiration)\": ?(1|\"[ -~]{0,40}\"|null),?){0,6}\\}";
    hold("credential_process", 300, made_up, credential_process);
}

#[test]
fn mfa_commands_give_six_digits_that_are_not_shown() {
    hold("mfa_command", 300, "[ \n]{0,2}([0-9]{4,8}|[0-9]{6})[ \r\n]{0,2}[0-9]{0,6}", mfa_command);
}

#[test]
fn web_identity_tokens_give_statements_of_json_that_do_not_control_the_terminal() {
    let made_up = "\\{(\"(iss|aud|sub|azp|exp)\": ?([0-9e.-]{1,9}|\"(https://)?\\PC{0,20}\"|\\[\"[ -~]{0,9}\"\\]|null),?){0,6}\\}";
    hold("web_identity_token", 200, made_up, web_identity_token);
}

#[test]
fn the_endpoint_gives_no_session_without_the_token() {
    let made_up = "(GET|HEAD|POST|PUT) (/0f1e2d3c|/|http://127\\.0\\.0\\.1:8/0f1e2d3c) HTTP/1\\.[01]\r\n((Host: 127\\.0\\.0\\.1:8|Authorization: (f0e1d2c3b4a59687)?[a-z]{0,2}|Content-Length: [0-9]{1,3}|Transfer-Encoding: chunked|[A-Za-z-]{1,9}: [ -~]{0,20})\r\n){0,5}\r\n";
    hold("endpoint_request", 150, made_up, endpoint_request);
}

#[test]
fn expirations_are_read_as_one_time_or_not_at_all() {
    hold(
        "time",
        600,
        "[0-9]{1,4}[-/]?[0-9]{1,2}[-/]?[0-9]{1,2}[Tt ][0-9:]{1,8}([.,][0-9]{1,12})? ?(Z|UTC|GMT|[+-][0-9:]{1,6})?",
        time,
    );
}

#[test]
fn lists_of_roles_give_one_segment_of_a_url_or_none() {
    hold(
        "role_list",
        400,
        "[ \r\n]{0,3}([A-Za-z0-9+=,.@_-]{0,140}|\\PC{0,9}|<html>|/|\\.\\.)[ \r\n]{0,3}\\PC{0,9}",
        role_list,
    );
}
