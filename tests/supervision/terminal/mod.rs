//! Supervised runs on a terminal: keys, job control, sizes and modes work as without xassume.

mod jobs;
mod keys;
mod modes;

use super::{ROLE, pid, state};
use crate::support::pty::PROMPT;
use crate::support::{FakeSts, Terminal, Xassume, binary, sys};

/// A shell at its prompt, in which `$STAY` runs a supervised command.
#[track_caller]
fn bash(sts: &FakeSts) -> Terminal {
    let stay = format!("{} --no-cache -r {} --via file --", binary().display(), ROLE);
    Terminal::bash(&Xassume::new(sts).env("STAY", stay))
}

/// A command that was typed at a prompt. Its probe prints its state first.
struct Job<'a> {
    bash: &'a Terminal,
    xassume: i32,
    command: i32,
}

impl<'a> Job<'a> {
    #[track_caller]
    fn start(bash: &'a Terminal, verbs: &str) -> Self {
        bash.keys(&format!("$STAY $PROBE state then {verbs}\n"));
        let state = state(bash);
        bash.line("ready");
        Self { bash, xassume: pid(&state, "ppid"), command: pid(&state, "pid") }
    }

    fn both(&self) -> [i32; 2] {
        [self.xassume, self.command]
    }

    /// Ends the command through xassume. Returns its output since the start of the shell. All signals that xassume has
    /// forwarded before have arrived by then.
    #[track_caller]
    fn end(self) -> String {
        sys::send_signal(self.xassume, libc::SIGTERM);
        self.bash.line("TERM code=");
        self.bash.through(PROMPT);
        self.bash.stdout.so_far()
    }
}
