//! systemd's variables that contain a process ID, such as `LISTEN_PID`. Where they name xassume, they must name the
//! command, whose process ID is known only after fork(2).

use crate::process::Pid;
use crate::vars::PID_VARIABLES;
use std::ffi::{CStr, CString, c_char};

/// The number of bytes of the longest process ID in decimal, and of the NUL byte after it.
const LONGEST: usize = "2147483647\0".len();

/// The variables of an environment that will contain the child's process ID, with room for it.
#[derive(Debug, Default)]
pub(super) struct PidVariables(Vec<PidVariable>);

#[derive(Debug)]
struct PidVariable {
    /// The variable's position in the environment.
    position: usize,
    /// `NAME=`, followed by room for the process ID.
    text: Vec<u8>,
    name_len: usize,
}

impl PidVariables {
    /// Finds the variables in `environment` that name the process `parent`.
    pub(super) fn find(environment: &[CString], parent: Pid) -> Self {
        let parent = parent.to_string();
        let named = |variable: &CStr| {
            let (name, value) = variable.to_str().ok()?.split_once('=')?;
            (PID_VARIABLES.contains(&name) && value == parent).then(|| name.len() + 1)
        };
        let found = environment.iter().enumerate().filter_map(|(position, variable)| {
            let name_len = named(variable)?;
            let mut text = variable.as_bytes()[..name_len].to_vec();
            text.resize(name_len + LONGEST, 0);
            Some(PidVariable { position, text, name_len })
        });
        Self(found.collect())
    }

    /// Gives the variables the value `pid` in plain decimal, and puts them into `environment`, which is the array for
    /// execve(2). Async-signal-safe.
    pub(super) fn set(&mut self, pid: Pid, environment: &mut [*const c_char]) {
        for variable in &mut self.0 {
            if let Some(value) = variable.text.get_mut(variable.name_len..) {
                write_decimal(pid.unsigned_abs(), value);
            }
            if let Some(place) = environment.get_mut(variable.position) {
                *place = variable.text.as_ptr().cast();
            }
        }
    }
}

/// Writes a number in decimal, followed by a NUL byte. Async-signal-safe.
fn write_decimal(number: u32, to: &mut [u8]) {
    let digits = number.checked_ilog10().unwrap_or(0) + 1;
    let mut rest = number;
    for place in to.iter_mut().take(digits as usize).rev() {
        *place = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    if let Some(end) = to.get_mut(digits as usize) {
        *end = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(environment: &[&str], parent: Pid, child: Pid) -> Vec<String> {
        let environment: Vec<_> = environment.iter().map(|text| CString::new(*text).expect("no NUL")).collect();
        let mut pointers: Vec<_> = environment.iter().map(|variable| variable.as_ptr()).collect();
        let mut found = PidVariables::find(&environment, parent);
        // The second process ID replaces the first one, even if it is shorter.
        found.set(Pid::MAX, &mut pointers);
        found.set(child, &mut pointers);
        let text = |pointer: &*const c_char| {
            // SAFETY: each pointer is to a string in `environment` or in `found`, which both still exist.
            unsafe { CStr::from_ptr(*pointer) }.to_str().expect("text").to_owned()
        };
        pointers.iter().map(text).collect()
    }

    #[test]
    fn variables_that_name_the_parent_name_the_child_without_padding() {
        for child in [1, 9, 10, 4_194_304, Pid::MAX] {
            let found =
                set(&["A=77", "LISTEN_PID=77", "LISTEN_FDS=1", "WATCHDOG_PID=77", "SYSTEMD_EXEC_PID=77"], 77, child);
            let named = |name: &str| format!("{name}={child}");
            let [listen, watchdog, exec] = ["LISTEN_PID", "WATCHDOG_PID", "SYSTEMD_EXEC_PID"].map(named);
            assert_eq!(found, ["A=77", &listen, "LISTEN_FDS=1", &watchdog, &exec]);
        }
    }

    #[test]
    fn variables_that_name_another_process_are_not_changed() {
        let environment = ["LISTEN_PID=7", "WATCHDOG_PID=777", "SYSTEMD_EXEC_PID=", "LISTEN_PIDS=77", "LISTEN_PID= 77"];
        assert_eq!(set(&environment, 77, 5), environment);
    }

    #[test]
    fn the_child_is_named_at_every_position_for_every_length_of_both_process_ids() {
        let others = ["A=77", "LISTEN_PID", "LISTEN_PID=", "=77", "PATH=/bin"];
        let lengths = || (0..10).flat_map(|digits| [10_i64.pow(digits), 10_i64.pow(digits + 1) - 1]);
        let pids: Vec<_> = lengths().map(|pid| Pid::try_from(pid).unwrap_or(Pid::MAX)).collect();
        for name in PID_VARIABLES {
            for (parent, position) in pids.iter().flat_map(|pid| (0..=others.len()).map(move |at| (*pid, at))) {
                for child in &pids {
                    let with = |pid: Pid| {
                        let variable = format!("{name}={pid}");
                        let mut environment = others.to_vec();
                        environment.insert(position, &variable);
                        environment.push(&variable);
                        environment.iter().map(|variable| (*variable).to_owned()).collect::<Vec<_>>()
                    };
                    let before = with(parent);
                    let before: Vec<_> = before.iter().map(String::as_str).collect();
                    assert_eq!(set(&before, parent, *child), with(*child), "{parent} {position}");
                }
            }
        }
    }
}
