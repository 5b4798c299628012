//! A seccomp(2) filter that denies system calls, like an old kernel or a container's sandbox does.
//!
//! It needs no privileges. Child processes inherit it.
#![allow(unsafe_code, reason = "the filter is installed between fork and exec with a raw system call")]

use std::io;

/// Calls to deny, and the error that they return.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeniedCall {
    /// A system call by its number: `libc::SYS_…`.
    Call(libc::c_long, i32),
    /// This system call and all with a higher number, as on a kernel that is older than this call.
    Since(libc::c_long),
    /// Creating threads.
    Threads(i32),
    /// Creating processes.
    Processes(i32),
}

/// The program of the filter, compiled before the fork.
pub struct Filter(Vec<libc::sock_filter>);

/// Offsets in `struct seccomp_data`: the number of the call, and the lower half of its first argument.
const NUMBER: u32 = 0;
const FIRST_ARGUMENT: u32 = if cfg!(target_endian = "little") { 16 } else { 20 };

impl Filter {
    pub fn new(calls: &[DeniedCall]) -> Self {
        let mut program = Vec::new();
        for call in calls {
            match *call {
                DeniedCall::Call(number, errno) => program.extend(if_call(number, &[deny(errno)])),
                DeniedCall::Since(number) => program.extend(if_number(libc::BPF_JGE, number, &[deny(libc::ENOSYS)])),
                DeniedCall::Threads(errno) => program.extend(clones(errno, 0, 1)),
                DeniedCall::Processes(errno) => {
                    #[cfg(target_arch = "x86_64")]
                    for number in [libc::SYS_fork, libc::SYS_vfork] {
                        program.extend(if_call(number, &[deny(errno)]));
                    }
                    program.extend(clones(errno, 1, 0));
                }
            }
        }
        program.push(statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ALLOW));
        Self(program)
    }

    /// Applies the filter to this process, permanently. Async-signal-safe.
    pub fn install(&mut self) -> io::Result<()> {
        let length = u16::try_from(self.0.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
        let program = libc::sock_fprog { len: length, filter: self.0.as_mut_ptr() };
        // SAFETY: the program is valid for the call, which copies it.
        let result = unsafe {
            libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
            libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program)
        };
        if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

/// Denies clone(2) by its thread flag. A filter cannot read the flags of clone3(2), which are in memory, so clone3
/// returns ENOSYS as on an older kernel, and C libraries fall back to clone.
fn clones(errno: i32, if_thread: u8, if_process: u8) -> Vec<libc::sock_filter> {
    let thread = u32::try_from(libc::CLONE_THREAD).expect("a flag is positive");
    let test = [
        statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, FIRST_ARGUMENT),
        jump(libc::BPF_JSET, thread, if_thread, if_process),
        deny(errno),
    ];
    [if_call(libc::SYS_clone3, &[deny(libc::ENOSYS)]), if_call(libc::SYS_clone, &test)].concat()
}

/// These statements apply to one call, and the statements after them to all other calls.
fn if_call(number: libc::c_long, then: &[libc::sock_filter]) -> Vec<libc::sock_filter> {
    if_number(libc::BPF_JEQ, number, then)
}

/// The same for the calls whose number passes a test.
fn if_number(test: u32, number: libc::c_long, then: &[libc::sock_filter]) -> Vec<libc::sock_filter> {
    let number = u32::try_from(number).expect("numbers of calls are small");
    let past = u8::try_from(then.len()).expect("a few statements");
    let load = statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, NUMBER);
    [&[load, jump(test, number, 0, past)], then].concat()
}

fn deny(errno: i32) -> libc::sock_filter {
    statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ERRNO | errno.unsigned_abs())
}

fn statement(code: u32, k: u32) -> libc::sock_filter {
    libc::sock_filter { code: u16::try_from(code).expect("codes are small"), jt: 0, jf: 0, k }
}

fn jump(test: u32, k: u32, jt: u8, jf: u8) -> libc::sock_filter {
    libc::sock_filter { jt, jf, ..statement(libc::BPF_JMP | test | libc::BPF_K, k) }
}
