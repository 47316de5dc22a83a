//! Log files of other programs, for people.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

const BYTES_MAX: u64 = 16 * 1024;

/// The last lines of a file, indented and with the file's name, to go below an error. Empty when there are none.
pub(super) fn tail(path: &Path, lines_max: usize) -> String {
    let Some(text) = end_of(path) else {
        return String::new();
    };
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    if lines.is_empty() {
        return String::new();
    }
    let mut tail = format!("\nthe end of {}:", path.display());
    for line in lines.iter().skip(lines.len().saturating_sub(lines_max)) {
        // Writing to a string does not fail.
        let _ = write!(tail, "\n    {line}");
    }
    tail
}

fn end_of(path: &Path) -> Option<String> {
    let mut file = File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(BYTES_MAX))).ok()?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_the_last_lines() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pip.log");
        assert_eq!(tail(&path, 2), "");
        std::fs::write(&path, "one\ntwo\n\nthree\n").unwrap();
        let expected = format!("\nthe end of {}:\n    two\n    three", path.display());
        assert_eq!(tail(&path, 2), expected);
    }
}
