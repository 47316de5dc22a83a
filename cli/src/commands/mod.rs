//! The commands, one module each.

pub(crate) mod bootstrap;
mod demo;
mod destroy;
mod drift;
mod graph;
mod history;
mod local;
mod lock;
mod outputs;
mod plan;
mod show;
mod status;
mod unlock;
mod up;

use crate::arguments::{Arguments, Command};
use crate::context::Context;
use crate::failure::Failure;

/// Does what the arguments say.
pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let context = Context {
        options: arguments.options,
    };
    match arguments.command {
        Command::Demo => demo::run(&context).await,
        Command::Local(command) => local::run(&context, command),
        Command::Bootstrap(options) => bootstrap::run(&context, &options).await,
        Command::Plan(options) => plan::run(&context, &options).await,
        Command::Graph(options) => graph::run(&context, &options),
        Command::History(options) => history::run(&context, &options).await,
        Command::Show(options) => show::run(&context, &options.operation).await,
        Command::Drift(options) => drift::run(&context, &options).await,
        Command::Lock(options) => lock::run(&context, &options.stack).await,
        Command::Unlock(options) => unlock::run(&context, &options).await,
        Command::Up(options) => up::run(&context, &options).await,
        Command::Status(options) => status::run(&context, options.stack.as_ref()).await,
        Command::Outputs(options) => outputs::run(&context, &options.stack).await,
        Command::Destroy(options) => destroy::run(&context, &options).await,
    }
}
