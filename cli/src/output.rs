//! Printing results: aligned text for people, one JSON object for programs.

use std::io::{ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use console::Term;
use serde::Serialize;

/// To this width a column is cut at most.
const COLUMN_WIDTH_MIN: usize = 8;

/// Whether this process has printed a result: an error then needs no JSON of its own.
static PRINTED: AtomicBool = AtomicBool::new(false);

/// Prints text to standard output. A reader that has gone away (`| head`) is fine.
pub(crate) fn print_text(text: &str) -> Result<()> {
    print_on(text).map(|_| ())
}

/// Prints text to standard output, of which more is to come; whether its reader is still there.
pub(crate) fn print_on(text: &str) -> Result<bool> {
    PRINTED.store(true, Ordering::Relaxed);
    let mut stdout = std::io::stdout().lock();
    let newline = if text.is_empty() || text.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    match write!(stdout, "{text}{newline}").and_then(|()| stdout.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error).context("write to standard output"),
    }
}

/// Prints a value as JSON to standard output.
pub(crate) fn print_json(value: &impl Serialize) -> Result<()> {
    print_text(&serde_json::to_string_pretty(value).context("write the result as JSON")?)
}

/// Whether a result was printed.
pub(crate) fn has_printed() -> bool {
    PRINTED.load(Ordering::Relaxed)
}

/// How wide what goes to standard output may be; none where it is not a terminal, so that nothing is cut in pipes.
pub(crate) fn width_of_stdout() -> Option<usize> {
    let (_, width) = Term::stdout().size_checked()?;
    Some(usize::from(width))
}

/// Rows with their columns aligned, two spaces between them; the last column is left as it is.
pub(crate) fn table<Row: AsRef<[String]>>(rows: &[Row]) -> String {
    table_within(rows, None)
}

/// A [`table`] that fits a terminal: the widest columns are cut, with `…`. The first never is: it holds what is typed
/// into the next command.
pub(crate) fn table_within<Row: AsRef<[String]>>(rows: &[Row], width: Option<usize>) -> String {
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
    if let Some(width) = width {
        shrink(&mut widths, width);
    }
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (width, cell) in widths.iter().zip(row.as_ref()) {
            line.push_str(&format!("{:width$}  ", cut(cell, *width)));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Takes from the widest columns but the first until all fit, as far as that goes.
fn shrink(widths: &mut [usize], within: usize) {
    let gaps = 2 * widths.len().saturating_sub(1);
    let surplus = (widths.iter().sum::<usize>() + gaps).saturating_sub(within);
    for _ in 0..surplus {
        match widths.iter_mut().skip(1).max() {
            Some(widest) if *widest > COLUMN_WIDTH_MIN => *widest -= 1,
            Some(_) | None => return,
        }
    }
}

/// A text that is at most so wide: what is longer ends with `…`.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{kept}…")
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

/// How long ago something was, for people: `40 s`, `5 min`, `3 h`, `12 days`.
pub(crate) fn age(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
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
    fn on_a_terminal_the_widest_columns_are_cut_and_never_the_first() {
        let rows = [
            [
                "shop-production-provision-1",
                "succeeded",
                "arn:aws:iam::123456789012:user/ada",
                "why not",
            ]
            .map(str::to_owned),
            ["lake", "failed", "", "a new cache, and more memory for it"].map(str::to_owned),
        ];
        assert_eq!(table_within(&rows, Some(200)), table(&rows));
        insta::assert_snapshot!(table_within(&rows, Some(80)), @r"
        shop-production-provision-1  succeeded  arn:aws:iam::12345…  why not
        lake                         failed                          a new cache, and m…
        ");
        // Narrower than can be: as narrow as can be.
        insta::assert_snapshot!(table_within(&rows, Some(10)), @r"
        shop-production-provision-1  succeed…  arn:aws…  why not
        lake                         failed              a new c…
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

    #[test]
    fn ages_are_rough() {
        for (seconds, text) in [
            (59, "59 s"),
            (60, "1 min"),
            (7_199, "1 h"),
            (172_799, "47 h"),
            (172_800, "2 days"),
        ] {
            assert_eq!(age(seconds * 1000), text);
        }
    }
}
