//! Progress on a terminal: lanes and what is under way stand at the bottom, what has settled scrolls away above.

use std::time::Duration;

use console::{Term, style};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use outrigger_model::StepState;

use super::{Change, Moment, Reporter, back_lines, is_news, line, screen};

const TICK: Duration = Duration::from_millis(120);
const TURNING: &str = "{spinner} {wide_msg}";
const STILL: &str = "{wide_msg}";

/// Draws on a terminal.
pub(crate) struct Bars {
    all: MultiProgress,
    /// How many lines the terminal has.
    height: Box<dyn Fn() -> usize + Send>,
    /// The lines that stand at the bottom.
    lines: Vec<ProgressBar>,
    /// What is left of them at the end.
    last: Vec<String>,
}

impl Bars {
    /// Draws on standard error; nothing yet.
    pub(crate) fn new() -> Self {
        Self::on(ProgressDrawTarget::stderr(), || usize::from(Term::stderr().size().0))
    }

    fn on(target: ProgressDrawTarget, height: impl Fn() -> usize + Send + 'static) -> Self {
        Self {
            all: MultiProgress::with_draw_target(target),
            height: Box::new(height),
            lines: Vec::new(),
            last: Vec::new(),
        }
    }

    fn println(&self, line: &str) {
        // A terminal that has gone away is no reason to stop.
        let _ = self.all.println(line);
    }

    /// Lets these lines stand at the bottom.
    fn draw(&mut self, texts: Vec<String>) {
        while self.lines.len() > texts.len() {
            if let Some(line) = self.lines.pop() {
                line.finish_and_clear();
                self.all.remove(&line);
            }
        }
        while self.lines.len() < texts.len() {
            let template = if self.lines.is_empty() { TURNING } else { STILL };
            let line = self.all.add(ProgressBar::no_length().with_style(style_of(template)));
            if self.lines.is_empty() {
                line.enable_steady_tick(TICK);
            }
            self.lines.push(line);
        }
        for (line, text) in self.lines.iter().zip(texts) {
            line.set_message(text);
        }
        // The draws of the single lines may have been too many to be let through.
        if let Some(line) = self.lines.last() {
            line.force_draw();
        }
    }
}

impl Reporter for Bars {
    fn planned(&mut self, moment: &Moment<'_>) {
        self.println(&moment.snapshot.summary());
        self.moved(&[], moment);
    }

    fn moved(&mut self, changes: &[Change], moment: &Moment<'_>) {
        let now_ms = moment.now_ms;
        let settled = |change: &&Change| is_news(change) && change.step.state.is_settled();
        for change in changes.iter().filter(settled) {
            let line = line(change, now_ms);
            match change.step.state {
                StepState::Failed { .. } => self.println(&style(line).red().for_stderr().to_string()),
                StepState::Skipped { .. } | StepState::Drifted { .. } => {
                    self.println(&style(line).yellow().for_stderr().to_string());
                }
                StepState::Waiting
                | StepState::InProgress { .. }
                | StepState::Done { .. }
                | StepState::PendingWindow { .. } => self.println(&line),
            }
        }
        // One line less than there are: the cursor stands below.
        self.draw(screen::lines(moment, (self.height)().saturating_sub(1)));
        self.last = screen::last_lines(moment);
    }

    fn going_back(&mut self, failures: &[String], moment: &Moment<'_>) {
        for line in back_lines(failures, moment.snapshot) {
            self.println(&style(line).red().for_stderr().to_string());
        }
        self.moved(&[], moment);
    }

    fn finish(&mut self) {
        self.draw(Vec::new());
        for line in std::mem::take(&mut self.last) {
            self.println(&line);
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.finish();
    }
}

/// A template of ours is right (a test reads them all); should one not be, a plain bar does as well.
fn style_of(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use indicatif::{InMemoryTerm, TermLike};
    use outrigger_model::{Kind, ResourceKey};
    use outrigger_plan::Action;

    use super::super::expected::Expected;
    use super::super::outlook::tests::{almost, fresh};
    use super::super::tests::{in_progress, key, snapshot};
    use super::super::{Outlook, Snapshot, Step};
    use super::*;

    struct Screen {
        terminal: InMemoryTerm,
        bars: Bars,
        plan: BTreeMap<ResourceKey, BTreeSet<ResourceKey>>,
        shown: Snapshot,
    }

    impl Screen {
        fn new(height: u16, width: u16, plan: BTreeMap<ResourceKey, BTreeSet<ResourceKey>>) -> Self {
            let terminal = InMemoryTerm::new(height, width);
            let own = terminal.clone();
            let target = ProgressDrawTarget::term_like(Box::new(terminal.clone()));
            Self {
                bars: Bars::on(target, move || usize::from(own.height())),
                terminal,
                plan,
                shown: Snapshot::default(),
            }
        }

        /// Shows a moment; what stands on the terminal then.
        fn at(&mut self, snapshot: &Snapshot, now_ms: u64) -> String {
            let outlook = Outlook::new(self.plan.iter(), snapshot, &Expected::new(true), now_ms);
            let moment = Moment::new(snapshot, &outlook, 0, now_ms);
            if self.shown == Snapshot::default() {
                self.shown = snapshot.waiting();
                self.bars.planned(&moment);
            }
            self.bars.moved(&snapshot.changes_since(&self.shown), &moment);
            self.shown = snapshot.clone();
            self.contents()
        }

        /// The spinner turns by itself: as if it did not.
        fn contents(&self) -> String {
            let is_spinner = |character: char| ('\u{2800}'..='\u{28ff}').contains(&character);
            self.terminal.contents().replace(is_spinner, "⠋")
        }
    }

    /// Steps none of which waits for another.
    fn unordered(snapshot: &Snapshot) -> BTreeMap<ResourceKey, BTreeSet<ResourceKey>> {
        snapshot
            .steps
            .keys()
            .map(|key| (key.clone(), BTreeSet::new()))
            .collect()
    }

    fn under_way(count: usize) -> Snapshot {
        let step = |kind, number: usize| {
            let key: ResourceKey = key(kind, &format!("r{number:03}"));
            let step = Step {
                action: Action::Create,
                state: in_progress(None),
                calls: 1,
            };
            (key, step)
        };
        let streams = (0..count.saturating_sub(3)).map(|number| step(Kind::Stream, number));
        let others = [(Kind::DbInstance, 500), (Kind::Subnet, 501), (Kind::Subnet, 502)];
        Snapshot {
            steps: streams.chain(others.map(|(kind, number)| step(kind, number))).collect(),
            ..Snapshot::default()
        }
    }

    #[test]
    fn templates_are_right() {
        for template in [TURNING, STILL] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }

    #[tokio::test]
    async fn a_stand_up_is_followed_to_its_end() {
        let (plan, mut snapshot) = fresh().await;
        let dependencies = plan
            .dependencies()
            .map(|(key, before)| (key.clone(), before.clone()))
            .collect();
        let mut screen = Screen::new(40, 110, dependencies);
        insta::assert_snapshot!("waiting", screen.at(&snapshot, 1_000));
        almost(&mut snapshot);
        insta::assert_snapshot!("under_way", screen.at(&snapshot, 186_000));
        insta::assert_snapshot!("longer_than_usual", screen.at(&snapshot, 1_080_000));
        screen.bars.finish();
        insta::assert_snapshot!("ended", screen.contents());
    }

    #[tokio::test]
    async fn failures_and_the_way_back_are_told_above() {
        let mut screen = Screen::new(30, 100, unordered(&snapshot()));
        screen.at(&snapshot(), 126_000);
        let back = snapshot().waiting();
        let outlook = Outlook::new(unordered(&back).iter(), &back, &Expected::new(true), 130_000);
        let moment = Moment::new(&back, &outlook, 0, 130_000);
        screen
            .bars
            .going_back(&["us-east-1/stream/events: too many shards".to_owned()], &moment);
        insta::assert_snapshot!("going_back", screen.contents());
    }

    /// However much is under way and however small the terminal is: what is drawn fits, and the critical is in it.
    #[test]
    fn the_height_of_the_terminal_is_respected() {
        let many = under_way(503);
        for (height, name) in [(40, "many"), (14, "many_on_a_small_terminal")] {
            let mut screen = Screen::new(height, 100, unordered(&many));
            let contents = screen.at(&many, 61_000);
            assert!(contents.contains("* us-east-1/db-instance/r500"), "{contents}");
            insta::assert_snapshot!(name, contents);
            // Drawn again it stands where it stood.
            assert_eq!(screen.at(&many, 61_000), contents);
        }
        for height in 1..=12 {
            for count in [3, 4, 8, 20, 503] {
                let snapshot = under_way(count);
                let outlook = Outlook::new(unordered(&snapshot).iter(), &snapshot, &Expected::new(true), 61_000);
                let moment = Moment::new(&snapshot, &outlook, 0, 61_000);
                let lines = screen::lines(&moment, height);
                assert!(lines.len() <= height.max(3), "{height} {count}: {lines:?}");
            }
        }
    }
}
