//! `outrigger`, the operator's command line.

fn main() -> std::process::ExitCode {
    outrigger::run()
}
