//! Outcomes that differ from the rule, and are right nevertheless.

/// An outcome: parts of the fault with its call, and a part of the verdict, and why it is right.
struct Known {
    fault: &'static [&'static str],
    verdict: &'static str,
    reason: &'static str,
}

const KNOWN: &[Known] = &[
    Known {
        fault: &["ENOEXEC at ", ": exec "],
        verdict: "exit status: 2",
        reason: "as execvp(3), it runs a file without a known format as a script of sh",
    },
    Known {
        fault: &[" at ", " by child ", ": exec "],
        verdict: "it ends with exit status: 126",
        reason: "a restart that cannot run the program, for a reason that does not pass, is the end with status 126",
    },
    Known {
        fault: &["SIGKILL to the process at ", " by child "],
        verdict: "it was killed",
        reason: "the process that will execute the command is the command: xassume ends as it did",
    },
    Known {
        fault: &["EIO at ", ": close "],
        verdict: "std/src/sys/fs/unix.rs",
        reason: "Rust's library panics; closing a directory writes nothing, and so it does not fail",
    },
    Known {
        fault: &["ENOMEM at ", " by thread "],
        verdict: "SIGABRT",
        reason: "Rust's runtime aborts if there is no memory for a new thread's signal stack",
    },
    Known {
        fault: &["ENOMEM at "],
        verdict: "std/src/sys/pal/unix/stack_overflow.rs",
        reason: "Rust's library panics if there is no memory for a new thread's signal stack",
    },
    Known {
        fault: &["/variables"],
        verdict: "left: the file of --env-file",
        reason: "a file that cannot be examined or removed stays, and the next start replaces it",
    },
    Known {
        fault: &[": unlink ", ".new"],
        verdict: "left: ",
        reason: "a temporary file of the cache that cannot be removed stays; a later start removes it after 15 minutes",
    },
    Known {
        fault: &["ENOSYS at ", ": getrandom "],
        verdict: "no refresh",
        reason: "Rust's library uses /dev/urandom from then on; where the call does not exist, no later one succeeds",
    },
    Known {
        fault: &["EPERM at ", ": kill "],
        verdict: "warning: cannot send SIGHUP to the command: Operation not permitted",
        reason: "a command of another user gets no refresh signal",
    },
    Known {
        fault: &[" at ", ": kill "],
        verdict: "it does not end",
        reason: "a command of another user (EPERM) gets no signal, and one that is gone (ESRCH) needs none",
    },
];

/// Why this outcome is right; `None` if it is wrong.
pub fn reason(fault: &str, verdict: &str) -> Option<&'static str> {
    let is_known =
        |known: &&Known| known.fault.iter().all(|part| fault.contains(part)) && verdict.contains(known.verdict);
    KNOWN.iter().find(is_known).map(|known| known.reason)
}
