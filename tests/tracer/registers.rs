//! Changes the system call at which a tracee has stopped.

use super::ptrace;
use libc::{c_int, c_long, pid_t};
use std::io;

/// The registers of `PTRACE_GETREGSET` with `NT_PRSTATUS`, as 64-bit words: `user_regs_struct` of the architecture.
type Registers = [u64; 34];

const NT_PRSTATUS: c_long = 1;

/// The positions of the result and of the arguments (of the first six words that the kernel passes on).
#[cfg(target_arch = "x86_64")]
mod position {
    pub(super) const RESULT: usize = 10;
    pub(super) const NUMBER: usize = 15;
    /// rdi, rsi, rdx.
    pub(super) const ARGUMENTS: [usize; 3] = [14, 13, 12];
}
#[cfg(target_arch = "aarch64")]
mod position {
    pub(super) const RESULT: usize = 0;
    pub(super) const ARGUMENTS: [usize; 3] = [0, 1, 2];
}

/// At the entry of a call: the kernel skips the call, which fails with this error number.
pub(super) fn skip(pid: pid_t, errno: c_int) -> io::Result<()> {
    #[cfg(target_arch = "aarch64")]
    {
        // NT_ARM_SYSTEM_CALL
        let mut number: c_int = -1;
        let mut part = libc::iovec { iov_base: (&raw mut number).cast(), iov_len: size_of_val(&number) };
        ptrace(libc::PTRACE_SETREGSET, pid, 0x404, (&raw mut part) as c_long)?;
    }
    change(pid, |registers| {
        #[cfg(target_arch = "x86_64")]
        {
            registers[position::NUMBER] = u64::MAX;
        }
        registers[position::RESULT] = failure(errno);
    })
}

/// At the exit of a call: the call fails with this error number, although it had its effect.
pub(super) fn fail(pid: pid_t, errno: c_int) -> io::Result<()> {
    change(pid, |registers| registers[position::RESULT] = failure(errno))
}

/// At the entry of a call: gives it another argument, one of the first three.
pub(super) fn set_argument(pid: pid_t, place: usize, value: u64) -> io::Result<()> {
    change(pid, |registers| registers[position::ARGUMENTS[place]] = value)
}

fn failure(errno: c_int) -> u64 {
    i64::from(-errno).cast_unsigned()
}

fn change(pid: pid_t, change: impl FnOnce(&mut Registers)) -> io::Result<()> {
    let mut registers: Registers = [0; 34];
    // The kernel sets the length to the size of the registers.
    let mut part = libc::iovec { iov_base: registers.as_mut_ptr().cast(), iov_len: size_of::<Registers>() };
    ptrace(libc::PTRACE_GETREGSET, pid, NT_PRSTATUS, (&raw mut part) as c_long)?;
    change(&mut registers);
    part.iov_base = registers.as_mut_ptr().cast();
    ptrace(libc::PTRACE_SETREGSET, pid, NT_PRSTATUS, (&raw mut part) as c_long).map(drop)
}
