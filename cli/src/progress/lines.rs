//! Progress as plain lines, one per change, and one a minute when nothing changes: for logs and pipes.

use outrigger_engine::state::rfc3339;
use outrigger_model::UnixMs;

use super::{Change, Moment, Purpose, Reporter, back_lines, is_news, line};
use crate::context::say;

/// After how long without a line it is said that the operation still goes on.
const SILENCE_MS: UnixMs = 60_000;

/// Writes time-stamped lines.
pub(crate) struct Lines {
    out: Box<dyn FnMut(&str) + Send>,
    said_at_ms: UnixMs,
}

impl Lines {
    /// Writes to standard error.
    pub(crate) fn new() -> Self {
        Self::to(say)
    }

    fn to(out: impl FnMut(&str) + Send + 'static) -> Self {
        Self {
            out: Box::new(out),
            said_at_ms: 0,
        }
    }

    fn say(&mut self, now_ms: UnixMs, line: &str) {
        (self.out)(&format!("{}  {line}", rfc3339(now_ms)));
        self.said_at_ms = now_ms;
    }
}

impl Reporter for Lines {
    fn planned(&mut self, moment: &Moment<'_>) {
        self.say(moment.now_ms, &moment.snapshot.summary());
        if moment.snapshot.purpose == Purpose::Change && !moment.snapshot.steps.is_empty() {
            self.say(moment.now_ms, &moment.outlook.whole());
        }
    }

    fn moved(&mut self, changes: &[Change], moment: &Moment<'_>) {
        let Moment {
            snapshot,
            outlook,
            now_ms,
            ..
        } = *moment;
        for change in changes.iter().filter(|change| is_news(change)) {
            self.say(now_ms, &line(change, now_ms));
        }
        if now_ms.saturating_sub(self.said_at_ms) >= SILENCE_MS {
            let mut line = format!("still waiting for {}", outlook.waits_for(snapshot, now_ms));
            if let Some(left) = outlook.left(snapshot, now_ms) {
                line.push_str(&format!("; {left}"));
            }
            self.say(now_ms, &line);
        }
    }

    fn going_back(&mut self, failures: &[String], moment: &Moment<'_>) {
        for line in back_lines(failures, moment.snapshot) {
            self.say(moment.now_ms, &line);
        }
        self.say(moment.now_ms, &moment.outlook.whole());
    }

    fn finish(&mut self) {}
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::super::expected::Expected;
    use super::super::outlook::tests::{almost, fresh};
    use super::super::{Outlook, Snapshot};
    use super::*;

    #[tokio::test]
    async fn a_log_is_never_silent_for_long() {
        let (plan, fresh) = fresh().await;
        let (said, expected) = (Arc::new(Mutex::new(Vec::new())), Expected::new(true));
        let out = said.clone();
        let mut lines = Lines::to(move |line| out.lock().unwrap().push(line.to_owned()));
        let outlook = |snapshot: &Snapshot, now_ms| Outlook::new(plan.dependencies(), snapshot, &expected, now_ms);
        lines.planned(&Moment::new(&fresh, &outlook(&fresh, 1_000), 0, 1_000));
        let mut later = fresh.clone();
        almost(&mut later);
        later.steps.retain(|_, step| !step.state.is_settled());
        lines.moved(
            &later.changes_since(&fresh),
            &Moment::new(&later, &outlook(&later, 2_000), 0, 2_000),
        );
        // Looked at every two seconds, until it takes longer than usual.
        for now_ms in (4_000..=1_200_000).step_by(2_000) {
            lines.moved(&[], &Moment::new(&later, &outlook(&later, now_ms), 0, now_ms));
        }
        let failures = ["us-east-1/db-instance/database: it broke".to_owned()];
        lines.going_back(
            &failures,
            &Moment::new(&later, &outlook(&later, 1_200_000), 0, 1_200_000),
        );
        insta::assert_snapshot!(said.lock().unwrap().join("\n"));
    }
}
