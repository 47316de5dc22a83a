//! The operator's command line, and the local AWS it can stand up.

pub mod arguments;
mod commands;
mod context;
mod control_plane;
mod document;
mod drift_view;
mod failure;
mod installation;
pub mod local;
mod operation;
mod output;
mod plan_view;
mod progress;
mod stack;

use std::process::ExitCode;

use clap::Parser;

pub use failure::{Class, Failure};

/// Does what the process's arguments say, and answers how it went: [`Class`] lists the exit codes.
pub fn run() -> ExitCode {
    // Clap ends the process itself: 0 after --help and --version, 2 after a mistake.
    let arguments = arguments::Arguments::parse();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: cannot start: {error}");
            return Class::Environment.exit_code();
        }
    };
    let result = runtime.block_on(commands::run(arguments));
    // A blocking step that is still under way must not keep the process.
    runtime.shutdown_background();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let prefix = if failure.class == Class::Drifted { "" } else { "error: " };
            eprintln!("{prefix}{failure}");
            failure.class.exit_code()
        }
    }
}
