//! Progress as plain lines, one per change: for logs and pipes.

use outrigger_engine::state::rfc3339;
use outrigger_model::UnixMs;

use super::{Change, Reporter, Snapshot, back_lines, is_news, line};
use crate::context::say;

/// Writes time-stamped lines to standard error.
#[derive(Debug)]
pub(crate) struct Lines;

impl Reporter for Lines {
    fn planned(&mut self, snapshot: &Snapshot, now_ms: UnixMs) {
        say(&format!("{}  {}", rfc3339(now_ms), snapshot.summary()));
    }

    fn moved(&mut self, changes: &[Change], _: &Snapshot, now_ms: UnixMs) {
        for change in changes.iter().filter(|change| is_news(change)) {
            say(&format!("{}  {}", rfc3339(now_ms), line(change, now_ms)));
        }
    }

    fn going_back(&mut self, failures: &[String], snapshot: &Snapshot, now_ms: UnixMs) {
        for line in back_lines(failures, snapshot) {
            say(&format!("{}  {line}", rfc3339(now_ms)));
        }
    }

    fn finish(&mut self) {}
}
