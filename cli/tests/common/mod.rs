//! Runs `outrigger` as one does.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// What it does in a folder, with nothing of the caller's settings, outside cargo, and with nothing to read.
pub fn outrigger(directory: &Path, arguments: &[&str]) -> Output {
    outrigger_reads(directory, arguments, b"")
}

/// The same, with this on its standard input.
pub fn outrigger_reads(directory: &Path, arguments: &[&str], stdin: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_outrigger"))
        .args(arguments)
        .current_dir(directory)
        .env_remove("OUTRIGGER_TARGET")
        .env_remove("OUTRIGGER_CONTROL_PLANE")
        .env_remove("CARGO_MANIFEST_DIR")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // One that does not read its input goes away before it is written.
    let _ = child.stdin.take().unwrap().write_all(stdin);
    child.wait_with_output().unwrap()
}
