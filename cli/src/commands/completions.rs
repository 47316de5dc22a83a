//! `outrigger completions`: a script for a shell that completes commands and options.

use clap::Args;
use clap_complete::Shell;

use crate::failure::Failure;
use crate::help;
use crate::output::print_text;

const EXAMPLES: &str = "\
Examples:
  outrigger completions bash > ~/.local/share/bash-completion/completions/outrigger
  outrigger completions zsh > ~/.zfunc/_outrigger
  outrigger completions fish > ~/.config/fish/completions/outrigger.fish
  outrigger completions powershell >> $PROFILE
  outrigger completions elvish >> ~/.config/elvish/rc.elv

zsh looks into ~/.zfunc where ~/.zshrc says, before compinit: fpath+=~/.zfunc";

/// What `completions` takes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Completions {
    /// For which shell
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

/// Runs the command.
pub(super) fn run(options: &Completions) -> Result<(), Failure> {
    let mut command = help::command();
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut command, name, &mut script);
    Ok(print_text(&String::from_utf8_lossy(&script))?)
}
