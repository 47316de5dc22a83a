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
        needs_terminal(question)?;
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

    /// Asks for a name to be typed, unless it was said to go on: for what cannot be taken back.
    ///
    /// # Errors
    /// When another name is typed, or there is no terminal to ask on.
    pub(crate) fn confirm_by_name(&self, what: &str, name: &str, yes: bool) -> Result<(), Failure> {
        if yes {
            return Ok(());
        }
        needs_terminal(what)?;
        let typed: String = dialoguer::Input::new()
            .with_prompt(format!("{what} Type {name} to go on"))
            .allow_empty(true)
            .interact_text()
            .context("ask on the terminal")
            .class(Class::Interrupted)?;
        is_typed(&typed, name)
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

/// Where nobody can be asked, it was to be said beforehand.
fn needs_terminal(question: &str) -> Result<(), Failure> {
    if std::io::stdin().is_terminal() && Term::stderr().is_term() {
        return Ok(());
    }
    Err(Failure::new(
        Class::Usage,
        format!("there is no terminal to ask on: {question} Answer with --yes"),
    ))
}

/// Whether the name that was typed is the one that was asked for; spaces around it do not count.
fn is_typed(typed: &str, name: &str) -> Result<(), Failure> {
    if typed.trim() == name {
        return Ok(());
    }
    let message = match typed.trim() {
        "" => "nothing was typed; nothing was changed".to_owned(),
        other => format!("{other} is not {name}; nothing was changed"),
    };
    Err(Failure::new(Class::Interrupted, message))
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

    #[test]
    fn only_the_name_itself_goes_on() {
        for (typed, error) in [
            ("shop/production", None),
            (" shop/production ", None),
            ("", Some("nothing was typed; nothing was changed")),
            ("y", Some("y is not shop/production; nothing was changed")),
            ("shop", Some("shop is not shop/production; nothing was changed")),
        ] {
            let answer = is_typed(typed, "shop/production").map_err(|failure| failure.to_string());
            assert_eq!(answer.err().as_deref(), error, "{typed:?}");
        }
    }

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
