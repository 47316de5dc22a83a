//! The operator's command line, and the local AWS it can stand up.

pub mod arguments;
mod commands;
mod context;
mod control_plane;
mod document;
mod drift_view;
mod failure;
pub mod help;
mod installation;
pub mod local;
mod operation;
mod output;
mod plan_view;
mod progress;
mod reference;
pub mod report;
mod stack;
mod subject;
mod templates;

use std::process::ExitCode;

pub use failure::{Class, Failure};

/// Does what the process's arguments say, and answers how it went: [`Class`] lists the exit codes.
pub fn run() -> ExitCode {
    let result = match help::parse(std::env::args_os()) {
        Ok(arguments) => {
            let format = arguments.options.output;
            act(arguments).map_err(|failure| (failure, format))
        }
        Err(error) => {
            // As clap says it, with colours; --help and --version too. A reader that has gone away is fine.
            let _ = error.print();
            if error.exit_code() == 0 {
                return ExitCode::SUCCESS;
            }
            if help::wants_json(std::env::args_os()) {
                let message = error.to_string();
                let message = message.strip_prefix("error: ").unwrap_or(&message);
                print_error(&Failure::new(Class::Usage, message.trim_end()));
            }
            return Class::Usage.exit_code();
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err((failure, format)) => {
            let prefix = if failure.class == Class::Drifted { "" } else { "error: " };
            context::say(&format!("{prefix}{failure}"));
            if let Some(report) = failure.report() {
                context::say(&format!("\n{}", report.for_stderr()));
            }
            if format == arguments::Format::Json && !output::has_printed() {
                print_error(&failure);
            }
            failure.class.exit_code()
        }
    }
}

fn act(arguments: arguments::Arguments) -> Result<(), Failure> {
    use anyhow::Context as _;
    use failure::Classify as _;

    let runtime = tokio::runtime::Runtime::new()
        .context("start")
        .class(Class::Environment)?;
    let result = runtime.block_on(commands::run(arguments));
    // A blocking step that is still under way must not keep the process.
    runtime.shutdown_background();
    result
}

/// The error as programs read it; where not even that can be written, the exit code tells.
fn print_error(failure: &Failure) {
    let _ = output::print_json(&failure.json());
}
