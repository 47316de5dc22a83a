//! What every command needs to know of where it runs.

use std::io::IsTerminal;

use anyhow::Context as _;
use console::Term;

use crate::arguments::Options;
use crate::failure::{Class, Classify, Failure};

/// What every command is given.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    /// What holds for every command.
    pub(crate) options: Options,
}

impl Context {
    /// Asks whether to go on, unless that was said.
    ///
    /// # Errors
    /// When the answer is no, or there is no terminal to ask on.
    pub(crate) fn confirm(&self, question: &str, yes: bool) -> Result<(), Failure> {
        if yes {
            return Ok(());
        }
        if !std::io::stdin().is_terminal() || !Term::stderr().is_term() {
            return Err(Failure::new(
                Class::Usage,
                format!("there is no terminal to ask on: {question} Answer with --yes"),
            ));
        }
        let answer = dialoguer::Confirm::new()
            .with_prompt(question)
            .default(false)
            .interact_opt()
            .context("ask on the terminal")
            .class(Class::Interrupted)?;
        match answer {
            Some(true) => Ok(()),
            Some(false) | None => Err(Failure::new(Class::Interrupted, "not confirmed; nothing was changed")),
        }
    }

    /// A command of ours, as the user would type it.
    pub(crate) fn own_command(&self, rest: &str) -> String {
        // Cargo tells the program that it runs which package that is.
        let program = match std::env::var_os("CARGO_MANIFEST_DIR") {
            Some(_) => "cargo run --",
            None => "outrigger",
        };
        format!("{program} {rest}{}", self.own_options())
    }

    /// The options that make another command mean the same control plane as this one.
    fn own_options(&self) -> String {
        let mut options = String::new();
        if self.options.target == crate::arguments::Target::Aws {
            options.push_str(" --target aws");
        }
        if self.options.control_plane != "outrigger" {
            options.push_str(" --control-plane ");
            options.push_str(&self.options.control_plane);
        }
        options
    }
}

/// Runs what blocks without keeping a worker from the rest; Ctrl-C ends the process meanwhile, as ever.
pub(crate) fn blocking<T>(work: impl FnOnce() -> T) -> T {
    tokio::task::block_in_place(work)
}

/// Says on standard error what is being done.
pub(crate) fn say(line: &str) {
    // A standard error that is closed is no reason to stop.
    let _ = Term::stderr().write_line(line);
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::arguments::{Format, Target};

    /// Of a control plane whose options are all other than the defaults.
    pub(crate) fn context() -> Context {
        Context {
            options: Options {
                output: Format::Text,
                target: Target::Aws,
                control_plane: "outrigger-dev".to_owned(),
            },
        }
    }
}
