//! The destination of the printed text: pipes, terminals, closed and full outputs.

use super::*;

fn with_stdout(xassume: &Xassume, stdout: impl Into<Stdio>) -> Output {
    let mut command = xassume.command();
    command.stdin(Stdio::null()).stdout(stdout).stderr(Stdio::piped()).output().expect("it runs")
}

#[test]
fn the_text_is_written_at_once() {
    let sts = FakeSts::start();
    for format in ["export", "credential-process"] {
        // In such a pipe each write of up to 4096 bytes is a separate packet (pipe(2)).
        let (reader, writer) = nix::unistd::pipe2(OFlag::O_DIRECT | OFlag::O_CLOEXEC).expect("a pipe");
        let output = with_stdout(&world(&sts).args(["--print", format]), writer);
        assert!(output.status.success());
        let (mut reader, mut packet) = (File::from(reader), [0; 8192]);
        let length = reader.read(&mut packet).expect("a packet");
        assert!(packet[..length].ends_with(b"\n") && length > 500, "{length}");
        assert_eq!(reader.read(&mut packet).expect("the end"), 0, "{format}");
    }
}

#[test]
fn an_output_that_cannot_be_written_is_an_error() {
    let sts = FakeSts::start();
    let world = world(&sts).args(["--print", "export"]);
    let full = File::options().write(true).open("/dev/full").expect("linux has it");
    let (reader, closed) = std::io::pipe().expect("a pipe");
    drop(reader);
    for (output, reason, hint) in [
        (with_stdout(&world, full), "No space left on device", "free disk space or redirect the output"),
        (
            with_stdout(&world, closed),
            "Broken pipe",
            "the program that reads the pipe closed it; see the messages of that program",
        ),
    ] {
        assert_eq!(output.status.code(), Some(125));
        let stderr = String::from_utf8(output.stderr).expect("text");
        assert_eq!(stderr, format!("xassume: error: cannot write to standard output: {reason}\nhint: {hint}\n"));
    }
}

#[test]
fn an_output_that_was_closed_at_the_start_is_an_error_before_any_call() {
    let sts = FakeSts::start();
    for args in [
        &["-r", ROLE, "--print", "export"][..],
        &["-r", ROLE, "--print", "credential-process"],
        &["-r", ROLE, "--check"],
        &["--help"],
        &["-h"],
        &["--version"],
        &["--completions", "bash"],
    ] {
        let shell = Xassume::new(&sts).program("/bin/sh").args(["-c", "exec \"$0\" \"$@\" >&-"]);
        let finished = shell.arg(binary()).args(args).run().exited(125);
        let expected = "xassume: error: standard output is closed\n\
                    hint: redirect standard output to a file or a pipe\n";
        assert_eq!(finished.stderr, expected, "{args:?}");
    }
    assert_eq!(sts.requests().len(), 0);
    // Without a standard output, the command decides what to do.
    let shell = Xassume::new(&sts).program("/bin/sh").args(["-c", "exec \"$0\" \"$@\" >&-"]).arg(binary());
    shell.args(["-r", ROLE, "--", "sh", "-c", "test ! -e /proc/self/fd/1"]).run().exited(0);
}

#[test]
fn help_that_cannot_be_written_is_an_error_unless_the_reader_closed_the_pipe() {
    let sts = FakeSts::start();
    for flag in ["--help", "-h", "--version", "--completions=bash"] {
        let full = File::options().write(true).open("/dev/full").expect("linux has it");
        let (reader, left) = std::io::pipe().expect("a pipe");
        drop(reader);
        let world = Xassume::new(&sts).arg(flag);
        let output = with_stdout(&world, full);
        assert_eq!(output.status.code(), Some(125));
        let stderr = String::from_utf8(output.stderr).expect("text");
        assert!(
            stderr.starts_with("xassume: error: cannot write to standard output: No space left on device\nhint: "),
            "{stderr}"
        );
        let output = with_stdout(&world, left);
        assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
    }
}

#[test]
fn a_terminal_is_warned_about_before_it_shows_secrets() {
    let sts = FakeSts::start();
    let world = world(&sts).args(["--print", "env"]);
    let shown = Terminal::run(&world).wait().exited(0).stdout_text();
    let warning = "xassume: warning: standard output is a terminal, which now shows secret credentials\r\n";
    assert!(shown.starts_with(&format!("{warning}AWS_ACCESS_KEY_ID=")), "{shown}");
    let quiet = Terminal::run(&world.arg("-q")).wait().exited(0).stdout_text();
    assert!(quiet.starts_with("AWS_ACCESS_KEY_ID="), "{quiet}");
}
