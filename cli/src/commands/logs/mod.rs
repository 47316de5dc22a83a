//! `outrigger logs`: what the control plane's functions have told of a stack, or of an operation.

mod line;

use std::collections::BTreeSet;
use std::time::Duration;

use clap::Args;
use futures::future::try_join_all;
use outrigger_aws_cloudwatchlogs::{LogReader, Window};
use outrigger_model::UnixMs;

use self::line::{Line, Wanted};
use crate::arguments::Format;
use crate::context::{Context, say};
use crate::control_plane::{ControlPlane, connect};
use crate::failure::Failure;
use crate::output::print_on;
use crate::plan_view::Paint;
use crate::subject::Subject;

const EXAMPLES: &str = "\
Examples:
  outrigger logs shop --since 2h
  outrigger logs shop --follow
  outrigger logs shop-production-provision-20261120T103658Z-1a2b
  outrigger logs shop --limit 50 --output json";

/// What `logs` takes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Logs {
    /// A stack; or an operation's id
    #[arg(value_name = "STACK|OPERATION")]
    pub subject: String,

    /// Go on with what comes; of an operation, until it has ended
    #[arg(long, short)]
    pub follow: bool,

    /// From how long ago on, such as 30m, 2h or 3days; of an operation from its beginning on, of a stack 1h
    #[arg(long, value_name = "SPAN", value_parser = humantime::parse_duration)]
    pub since: Option<Duration>,

    /// How many lines at most to begin with, the last ones
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
}

const SINCE: Duration = Duration::from_secs(3600);
/// What a function tells before its operation is on record, and after it was closed.
const MARGIN_MS: u64 = 60_000;
/// How late a line may show up and still be found.
const LATE_MS: u64 = 30_000;
const POLL_LOCAL: Duration = Duration::from_millis(500);
const POLL_AWS: Duration = Duration::from_secs(3);

/// Runs the command.
pub(super) async fn run(context: &Context, options: &Logs) -> Result<(), Failure> {
    let control_plane = connect(context).await?;
    let subject = Subject::resolve(&control_plane, &options.subject).await?;
    let mut reading = Reading::new(&control_plane, subject, options.since).await?;
    let mut lines = reading.next(&control_plane).await?;
    if reading.truncated {
        say("there are more lines than can be read at once; ask for a shorter span with --since");
    }
    let limit = usize::try_from(options.limit).unwrap_or(usize::MAX);
    if let Some(surplus) = lines.len().checked_sub(limit).filter(|surplus| *surplus > 0) {
        lines.drain(..surplus);
        say(&format!("{surplus} earlier lines are left out; --limit shows more"));
    }
    if lines.is_empty() && !options.follow {
        say("nothing was told in that time");
    }
    let mut is_read = print(context, &lines)?;
    let poll = if control_plane.is_local { POLL_LOCAL } else { POLL_AWS };
    while options.follow && is_read && !reading.has_ended {
        // Looked at before the lines are read: what it told before it ended is among them.
        reading.look(&control_plane).await?;
        tokio::time::sleep(poll).await;
        is_read = print(context, &reading.next(&control_plane).await?)?;
    }
    Ok(())
}

/// Prints lines; whether somebody still reads them.
fn print(context: &Context, lines: &[Line]) -> Result<bool, Failure> {
    if lines.is_empty() {
        return Ok(true);
    }
    let text: String = match context.options.output {
        Format::Text => lines.iter().map(|line| line.text(Paint::of_stdout())).collect(),
        Format::Json => lines.iter().map(|line| format!("{}\n", line.json())).collect(),
    };
    Ok(print_on(&text)?)
}

/// Reading the functions' log groups, again and again.
struct Reading {
    reader: LogReader,
    /// Function and log group.
    groups: Vec<(String, String)>,
    subject: Subject,
    wanted: Wanted,
    from_ms: UnixMs,
    until_ms: Option<UnixMs>,
    /// What was shown already.
    seen: BTreeSet<(String, String)>,
    truncated: bool,
    /// Whether the operation has ended, so that nothing more comes.
    has_ended: bool,
}

impl Reading {
    async fn new(control_plane: &ControlPlane, subject: Subject, since: Option<Duration>) -> Result<Self, Failure> {
        let now_ms = control_plane.state.now_ms();
        let ago = |since: Duration| now_ms.saturating_sub(u64::try_from(since.as_millis()).unwrap_or(u64::MAX));
        let mut from_ms = since.map(ago);
        let mut until_ms = None;
        let wanted = match &subject {
            Subject::Stack(stack) => Wanted::Stack(stack.to_string()),
            Subject::Operation(stack, id) => {
                if let Some(record) = control_plane.state.operation(stack, id).await? {
                    from_ms = from_ms.or(Some(record.started_at_ms.saturating_sub(MARGIN_MS)));
                    until_ms = record.closed_at_ms.map(|closed_at_ms| closed_at_ms + MARGIN_MS);
                }
                Wanted::Operation(id.clone())
            }
        };
        Ok(Self {
            reader: control_plane.log_reader(),
            groups: control_plane
                .functions()
                .map(|function| (control_plane.short(function), format!("/aws/lambda/{function}")))
                .collect(),
            subject,
            wanted,
            from_ms: from_ms.unwrap_or_else(|| ago(SINCE)),
            until_ms,
            seen: BTreeSet::new(),
            truncated: false,
            has_ended: until_ms.is_some_and(|until_ms| until_ms < now_ms),
        })
    }

    /// The lines that were not shown yet, the oldest first.
    async fn next(&mut self, control_plane: &ControlPlane) -> Result<Vec<Line>, Failure> {
        let asked_at_ms = control_plane.state.now_ms();
        let window = Window {
            containing: self.wanted.text().to_owned(),
            from_ms: self.from_ms,
            until_ms: self.until_ms,
        };
        let reads = self.groups.iter().map(|(_, group)| self.reader.read(group, &window));
        let answers = try_join_all(reads).await?;
        let mut lines = Vec::new();
        let mut seen = BTreeSet::new();
        for ((function, _), answer) in self.groups.iter().zip(answers) {
            self.truncated |= answer.truncated;
            for event in answer.events {
                let key = (function.clone(), event.id.clone());
                if !self.seen.contains(&key) {
                    lines.extend(Line::of(function, &event).filter(|line| self.wanted.is(line)));
                }
                seen.insert(key);
            }
        }
        // What is asked for next begins late enough for what was seen now to be all that can come again.
        self.seen = seen;
        self.from_ms = self.from_ms.max(asked_at_ms.saturating_sub(LATE_MS));
        lines.sort_by(|one, other| one.order().cmp(other.order()));
        Ok(lines)
    }

    /// Looks whether the operation has ended; what it still tells is read once more.
    async fn look(&mut self, control_plane: &ControlPlane) -> Result<(), Failure> {
        if let Subject::Operation(stack, id) = &self.subject {
            let record = control_plane.state.operation(stack, id).await?;
            let closed_at_ms = record.and_then(|record| record.closed_at_ms);
            // Lines show up late: it is given some time.
            let patience_ms = if control_plane.is_local { 0 } else { LATE_MS };
            self.has_ended = closed_at_ms.is_some_and(|at_ms| control_plane.state.now_ms() >= at_ms + patience_ms);
        }
        Ok(())
    }
}
