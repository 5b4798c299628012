//! The system calls that the tracer knows, and the errors of their manual pages.

use libc::{
    E2BIG, EACCES, EADDRINUSE, EAFNOSUPPORT, EAGAIN, EBUSY, ECONNABORTED, ECONNREFUSED, ECONNRESET, EINTR, EINVAL, EIO,
    ELOOP, EMFILE, ENETUNREACH, ENFILE, ENOBUFS, ENOENT, ENOEXEC, ENOLCK, ENOMEM, ENOSPC, ENOSYS, ENOTTY, EPERM, EPIPE,
    EROFS, ESRCH, ETIMEDOUT, ETXTBSY,
};
use libc::{c_int, c_long};

/// What the arguments of a call refer to.
#[derive(Clone, Copy)]
pub(super) enum Refers {
    Nothing,
    /// To a descriptor, in the first argument.
    Fd,
    /// To a path, in the first argument.
    Path,
    /// To a directory and a path, in the first two arguments.
    At,
}
use Refers::{At, Fd, Nothing, Path};

/// A call, and the errors that can happen to a correct program. Other errors are errors of the caller (EBADF, EFAULT).
pub(super) struct Call(pub(super) &'static str, pub(super) c_long, pub(super) Refers, pub(super) &'static [c_int]);

const FILE: &[c_int] = &[ENOENT, EACCES, ENOMEM];
const CHANGE: &[c_int] = &[EACCES, EROFS, EIO];
pub(super) const OPEN: &[c_int] = &[ENOENT, EACCES, EMFILE, ENFILE, ENOMEM, EINTR, ENOSPC, EROFS];
const DESCRIPTOR: &[c_int] = &[EMFILE, ENFILE, ENOMEM];
pub(super) const READ: &[c_int] = &[EIO, EINTR];
const WRITE: &[c_int] = &[ENOSPC, EIO, EINTR];
const PROCESS: &[c_int] = &[EAGAIN, ENOMEM];
const EXEC: &[c_int] = &[ENOENT, EACCES, ENOEXEC, ENOMEM, E2BIG, ETXTBSY, EIO];
pub(super) const WAIT: &[c_int] = &[EINTR];
pub(super) const RECEIVE: &[c_int] = &[ECONNRESET, ENOMEM, EINTR];
pub(super) const SEND: &[c_int] = &[ECONNRESET, EPIPE, ENOBUFS, EINTR];

pub(super) const CALLS: &[Call] = &[
    Call("read", libc::SYS_read, Fd, READ),
    Call("pread", libc::SYS_pread64, Fd, READ),
    Call("readv", libc::SYS_readv, Fd, READ),
    Call("write", libc::SYS_write, Fd, WRITE),
    Call("pwrite", libc::SYS_pwrite64, Fd, WRITE),
    Call("writev", libc::SYS_writev, Fd, WRITE),
    Call("close", libc::SYS_close, Fd, &[EIO, EINTR]),
    Call("lseek", libc::SYS_lseek, Fd, &[]),
    Call("fsync", libc::SYS_fsync, Fd, &[ENOSPC, EIO]),
    Call("fsync", libc::SYS_fdatasync, Fd, &[ENOSPC, EIO]),
    Call("flock", libc::SYS_flock, Fd, &[EINTR, ENOLCK]),
    Call("getdents", libc::SYS_getdents64, Fd, &[ENOENT, EIO]),
    Call("ftruncate", libc::SYS_ftruncate, Fd, &[EIO, EINTR]),
    Call("fallocate", libc::SYS_fallocate, Fd, &[ENOSPC, EINTR]),
    Call("fchmod", libc::SYS_fchmod, Fd, &[EPERM, EROFS]),
    Call("fstat", libc::SYS_fstat, Fd, &[ENOMEM]),
    Call("fcntl", libc::SYS_fcntl, Fd, &[]),
    Call("ioctl", libc::SYS_ioctl, Fd, &[ENOTTY]),
    Call("dup", libc::SYS_dup, Fd, &[EMFILE]),
    Call("dup", libc::SYS_dup3, Fd, &[EINTR, EBUSY]),
    Call("open", libc::SYS_openat, At, OPEN),
    Call("stat", libc::SYS_newfstatat, At, FILE),
    Call("stat", libc::SYS_statx, At, FILE),
    Call("unlink", libc::SYS_unlinkat, At, CHANGE),
    Call("mkdir", libc::SYS_mkdirat, At, &[EACCES, EROFS, ENOSPC]),
    Call("readlink", libc::SYS_readlinkat, At, &[ENOENT, EACCES]),
    Call("rename", libc::SYS_renameat, At, &[ENOSPC, EACCES, EROFS, EIO]),
    Call("rename", libc::SYS_renameat2, At, &[ENOSPC, EACCES, EROFS, EIO]),
    Call("access", libc::SYS_faccessat, At, &[EACCES, ENOENT, ELOOP]),
    Call("access", libc::SYS_faccessat2, At, &[ENOSYS, EACCES]),
    Call("chmod", libc::SYS_fchmodat, At, &[EPERM, EROFS]),
    Call("statfs", libc::SYS_statfs, Path, &[ENOENT, EINTR]),
    Call("chdir", libc::SYS_chdir, Path, &[EACCES, ENOENT]),
    Call("getcwd", libc::SYS_getcwd, Nothing, &[ENOENT]),
    Call("umask", libc::SYS_umask, Nothing, &[]),
    Call("exec", libc::SYS_execve, Path, EXEC),
    Call("clone", libc::SYS_clone, Nothing, PROCESS),
    Call("clone3", libc::SYS_clone3, Nothing, &[EAGAIN, ENOMEM, ENOSYS]),
    Call("wait", libc::SYS_wait4, Nothing, WAIT),
    Call("wait", libc::SYS_waitid, Nothing, WAIT),
    Call("pidfd_open", libc::SYS_pidfd_open, Nothing, &[ENOSYS, EMFILE, ENOMEM]),
    Call("pidfd_send_signal", libc::SYS_pidfd_send_signal, Nothing, &[ENOSYS, EPERM, ESRCH]),
    Call("kill", libc::SYS_kill, Nothing, &[EPERM, ESRCH]),
    Call("setsid", libc::SYS_setsid, Nothing, &[EPERM]),
    Call("setpgid", libc::SYS_setpgid, Nothing, &[EPERM, EACCES]),
    Call("getpgid", libc::SYS_getpgid, Nothing, &[ESRCH]),
    Call("prctl", libc::SYS_prctl, Nothing, &[EINVAL, EPERM]),
    Call("prlimit", libc::SYS_prlimit64, Nothing, &[EPERM]),
    Call("close_range", libc::SYS_close_range, Nothing, &[ENOSYS, EPERM]),
    Call("socket", libc::SYS_socket, Nothing, &[EMFILE, ENFILE, EACCES, EAFNOSUPPORT, ENOBUFS]),
    Call("socketpair", libc::SYS_socketpair, Nothing, DESCRIPTOR),
    Call("bind", libc::SYS_bind, Fd, &[EADDRINUSE, EACCES]),
    Call("listen", libc::SYS_listen, Fd, &[EADDRINUSE]),
    Call("accept", libc::SYS_accept4, Fd, &[EMFILE, ENFILE, ECONNABORTED, ENOMEM, EPERM]),
    Call("connect", libc::SYS_connect, Fd, &[ECONNREFUSED, ETIMEDOUT, ENETUNREACH, EACCES, EAGAIN]),
    Call("setsockopt", libc::SYS_setsockopt, Fd, &[ENOMEM]),
    Call("getsockopt", libc::SYS_getsockopt, Fd, &[ENOBUFS]),
    Call("getsockname", libc::SYS_getsockname, Fd, &[ENOBUFS]),
    Call("getpeername", libc::SYS_getpeername, Fd, &[ENOBUFS]),
    Call("shutdown", libc::SYS_shutdown, Fd, &[libc::ENOTCONN]),
    Call("recv", libc::SYS_recvfrom, Fd, RECEIVE),
    Call("recvmsg", libc::SYS_recvmsg, Fd, RECEIVE),
    Call("send", libc::SYS_sendto, Fd, SEND),
    Call("sendmsg", libc::SYS_sendmsg, Fd, SEND),
    Call("epoll_create", libc::SYS_epoll_create1, Nothing, DESCRIPTOR),
    Call("epoll_ctl", libc::SYS_epoll_ctl, Nothing, &[ENOMEM, ENOSPC]),
    Call("epoll_wait", libc::SYS_epoll_pwait, Nothing, WAIT),
    Call("eventfd", libc::SYS_eventfd2, Nothing, DESCRIPTOR),
    Call("timerfd_create", libc::SYS_timerfd_create, Nothing, &[EMFILE, ENOMEM, ENOSYS]),
    Call("timerfd_settime", libc::SYS_timerfd_settime, Fd, &[EINVAL]),
    Call("signalfd", libc::SYS_signalfd4, Nothing, &[EMFILE, ENOMEM, ENOSYS]),
    Call("inotify_init", libc::SYS_inotify_init1, Nothing, DESCRIPTOR),
    Call("pipe", libc::SYS_pipe2, Nothing, &[EMFILE, ENFILE]),
    Call("poll", libc::SYS_ppoll, Nothing, &[EINTR, ENOMEM]),
    Call("select", libc::SYS_pselect6, Nothing, &[EINTR, ENOMEM]),
    Call("sleep", libc::SYS_clock_nanosleep, Nothing, WAIT),
    Call("getrandom", libc::SYS_getrandom, Nothing, &[ENOSYS, EINTR]),
    Call("mmap", libc::SYS_mmap, Nothing, &[ENOMEM]),
    Call("munmap", libc::SYS_munmap, Nothing, &[ENOMEM]),
    Call("mprotect", libc::SYS_mprotect, Nothing, &[ENOMEM]),
    Call("mremap", libc::SYS_mremap, Nothing, &[ENOMEM]),
    Call("madvise", libc::SYS_madvise, Nothing, &[EAGAIN, ENOMEM]),
    Call("sigaltstack", libc::SYS_sigaltstack, Nothing, &[ENOMEM]),
    Call("rseq", libc::SYS_rseq, Nothing, &[]),
    // These do not fail.
    Call("brk", libc::SYS_brk, Nothing, &[]),
    Call("uname", libc::SYS_uname, Nothing, &[]),
    Call("getpid", libc::SYS_getpid, Nothing, &[]),
    Call("getppid", libc::SYS_getppid, Nothing, &[]),
    Call("gettid", libc::SYS_gettid, Nothing, &[]),
    Call("getuid", libc::SYS_getuid, Nothing, &[]),
    Call("geteuid", libc::SYS_geteuid, Nothing, &[]),
    Call("getgid", libc::SYS_getgid, Nothing, &[]),
    Call("getegid", libc::SYS_getegid, Nothing, &[]),
    Call("sigaction", libc::SYS_rt_sigaction, Nothing, &[]),
    Call("sigprocmask", libc::SYS_rt_sigprocmask, Nothing, &[]),
    Call("sigreturn", libc::SYS_rt_sigreturn, Nothing, &[]),
    Call("sched_yield", libc::SYS_sched_yield, Nothing, &[]),
    Call("set_robust_list", libc::SYS_set_robust_list, Nothing, &[]),
    Call("tgkill", libc::SYS_tgkill, Nothing, &[]),
    Call("exit", libc::SYS_exit, Nothing, &[]),
    Call("exit", libc::SYS_exit_group, Nothing, &[]),
    #[cfg(target_arch = "x86_64")]
    Call("open", libc::SYS_open, Path, OPEN),
    #[cfg(target_arch = "x86_64")]
    Call("stat", libc::SYS_stat, Path, FILE),
    #[cfg(target_arch = "x86_64")]
    Call("stat", libc::SYS_lstat, Path, FILE),
    #[cfg(target_arch = "x86_64")]
    Call("rename", libc::SYS_rename, Path, &[ENOSPC, EACCES, EROFS, EIO]),
    #[cfg(target_arch = "x86_64")]
    Call("unlink", libc::SYS_unlink, Path, CHANGE),
    #[cfg(target_arch = "x86_64")]
    Call("mkdir", libc::SYS_mkdir, Path, &[EACCES, EROFS, ENOSPC]),
    #[cfg(target_arch = "x86_64")]
    Call("rmdir", libc::SYS_rmdir, Path, &[EACCES, EBUSY, EROFS]),
    #[cfg(target_arch = "x86_64")]
    Call("readlink", libc::SYS_readlink, Path, &[ENOENT, EACCES]),
    #[cfg(target_arch = "x86_64")]
    Call("access", libc::SYS_access, Path, &[EACCES, ENOENT, ELOOP]),
    #[cfg(target_arch = "x86_64")]
    Call("chmod", libc::SYS_chmod, Path, &[EPERM, EROFS]),
    #[cfg(target_arch = "x86_64")]
    Call("fork", libc::SYS_fork, Nothing, PROCESS),
    #[cfg(target_arch = "x86_64")]
    Call("fork", libc::SYS_vfork, Nothing, PROCESS),
    #[cfg(target_arch = "x86_64")]
    Call("dup", libc::SYS_dup2, Fd, &[EINTR, EBUSY]),
    #[cfg(target_arch = "x86_64")]
    Call("epoll_wait", libc::SYS_epoll_wait, Nothing, WAIT),
    #[cfg(target_arch = "x86_64")]
    Call("poll", libc::SYS_poll, Nothing, &[EINTR, ENOMEM]),
];
