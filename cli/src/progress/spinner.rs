//! That something is under way whose parts cannot be told: a spinner on a terminal, one line elsewhere.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::context::say;

const TICK: Duration = Duration::from_millis(120);

/// Shows that something is under way, until it is dropped.
#[derive(Debug)]
pub(crate) struct Spinner {
    bar: Option<ProgressBar>,
}

impl Spinner {
    /// Says what is under way.
    pub(crate) fn new(what: &str) -> Self {
        if !console::Term::stderr().is_term() {
            say(what);
            return Self { bar: None };
        }
        let bar = ProgressBar::new_spinner()
            .with_style(ProgressStyle::default_spinner())
            .with_message(what.to_owned());
        bar.enable_steady_tick(TICK);
        Self { bar: Some(bar) }
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}
