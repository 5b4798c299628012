//! The browser that shows the sign-in page.

use super::{PAGE, agree, expired, saying};
use crate::support::{FakeSso, FakeSts, Identity, Terminal, Xassume};
use std::fs;
use std::path::Path;

/// A browser that writes its arguments, its environment, its open files and whether it can open the terminal to files.
const BROWSER: &str = "#!/bin/sh\nenv > \"$HOME/environment\"\nls -l /proc/$$/fd > \"$HOME/descriptors\"\n\
    (exec < /dev/tty) && echo opened > \"$HOME/terminal\" || echo none > \"$HOME/terminal\"\n\
    printf '%s\\n' \"$@\" > \"$HOME/new\"\nmv \"$HOME/new\" \"$HOME/arguments\"\n";

/// Signs in and returns the arguments of the browser. The sign-in is confirmed after the browser was opened.
fn opened(xassume: &Xassume, sso: &FakeSso) -> String {
    sso.set_confirmed(false);
    let terminal = Terminal::run(&saying(xassume.clone()));
    agree(&terminal);
    let arguments = xassume.home().join("arguments");
    // The service answers a request each second, so this does not wait forever.
    for count in 3..30 {
        if arguments.exists() {
            break;
        }
        sso.wait_for_requests(count);
    }
    sso.set_confirmed(true);
    terminal.wait().exited(0).left_no_process();
    fs::read_to_string(arguments).expect("the browser was opened")
}

fn variable(home: &Path, name: &str) -> Option<String> {
    let text = fs::read_to_string(home.join("environment")).expect("the browser was opened");
    text.lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix('=')?.to_owned()))
}

#[test]
fn the_browser_gets_the_page_and_the_environment_without_keys() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    let keys = Identity::user();
    let xassume = expired(&sts, &sso).with_keys_of(&keys).script("browser", BROWSER);
    let home = xassume.home();
    let browser = format!("{}/missing %s:{}/browser --new-tab", home.display(), home.display());
    let xassume = xassume.env("BROWSER", browser).env("LANG", "C.UTF-8");
    let arguments = opened(&xassume, &sso);
    assert_eq!(arguments, format!("--new-tab\n{PAGE}\n"));
    assert_eq!(variable(&home, "LANG").as_deref(), Some("C.UTF-8"));
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"] {
        assert_eq!(variable(&home, name), None, "{name}");
    }
    let descriptors = fs::read_to_string(home.join("descriptors")).expect("the browser was opened");
    assert!(!descriptors.contains("/dev/pts") && !descriptors.contains("/dev/tty"), "{descriptors}");
    assert_eq!(fs::read_to_string(home.join("terminal")).expect("the browser was opened"), "none\n");
}

#[test]
fn without_browser_a_graphical_session_has_xdg_open() {
    for name in ["DISPLAY", "WAYLAND_DISPLAY"] {
        let (sts, sso) = (FakeSts::start(), FakeSso::start());
        let xassume = expired(&sts, &sso).script("bin/xdg-open", BROWSER);
        let path = format!("{}:/usr/bin:/bin", xassume.home().join("bin").display());
        assert_eq!(opened(&xassume.env("PATH", path).env(name, ":0"), &sso), format!("{PAGE}\n"));
    }
}

#[test]
fn without_a_graphical_session_no_browser_is_opened() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    let xassume = expired(&sts, &sso).script("bin/xdg-open", BROWSER);
    let path = format!("{}:/usr/bin:/bin", xassume.home().join("bin").display());
    let terminal = Terminal::run(&saying(xassume.clone().env("PATH", path).env("DISPLAY", "")));
    agree(&terminal);
    terminal.wait().exited(0);
    assert!(!xassume.home().join("arguments").exists());
}
