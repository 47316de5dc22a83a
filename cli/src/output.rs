//! Printing results: aligned text for people, one JSON object for programs.

use std::io::{ErrorKind, Write};

use anyhow::{Context, Result};
use serde::Serialize;

/// Prints text to standard output. A reader that has gone away (`| head`) is fine.
pub(crate) fn print_text(text: &str) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    let newline = if text.is_empty() || text.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    match write!(stdout, "{text}{newline}").and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).context("write to standard output"),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Prints a value as JSON to standard output.
pub(crate) fn print_json(value: &impl Serialize) -> Result<()> {
    print_text(&serde_json::to_string_pretty(value).context("write the result as JSON")?)
}

/// Rows with their columns aligned, two spaces between them; the last column is left as it is.
pub(crate) fn table<Row: AsRef<[String]>>(rows: &[Row]) -> String {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows {
        for (column, cell) in row.as_ref().iter().enumerate() {
            let width = cell.chars().count();
            match widths.get_mut(column) {
                Some(widest) => *widest = (*widest).max(width),
                None => widths.push(width),
            }
        }
    }
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (width, cell) in widths.iter().zip(row.as_ref()) {
            line.push_str(&format!("{cell:width$}  "));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// A span of time, for people: `0.4 s`, `12 s`, `3 min 5 s`, `1 h 2 min`.
pub(crate) fn span(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0..10 => format!("{}.{} s", seconds, ms % 1000 / 100),
        10..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let rows = [
            ["vpc_id".to_owned(), "vpc-1".to_owned()],
            ["kinesis_stream_name".to_owned(), String::new()],
            ["rds_endpoint".to_owned(), "localhost:5432".to_owned()],
        ];
        insta::assert_snapshot!(table(&rows), @r"
        vpc_id               vpc-1
        kinesis_stream_name
        rds_endpoint         localhost:5432
        ");
    }

    #[test]
    fn spans_are_short() {
        let table = [
            (0, "0.0 s"),
            (9_999, "9.9 s"),
            (10_000, "10 s"),
            (185_000, "3 min 5 s"),
            (3_720_000, "1 h 2 min"),
        ];
        for (ms, text) in table {
            assert_eq!(span(ms), text);
        }
    }
}
