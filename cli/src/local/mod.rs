//! The local AWS: its virtual environments, its process, the functions built for it, and the control plane in it.
//!
//! The command line uses this for `--target local` and `demo`, the end-to-end tests for an AWS of their own
//! ([`LocalAws::start_for_test`]). Everything here blocks; nothing needs a runtime.

mod authority;
mod calls;
mod certificates;
mod control_plane;
mod daemon;
mod functions;
mod http;
mod instance;
mod log;
mod process;
mod project;
mod venv;

pub use authority::{AUTHORITY, Authority};
pub use calls::Call;
pub use certificates::trust;
pub use control_plane::{Deployed, Deployment, deploy, is_deployed, note_deployed, run_logged, sam, sam_deploy};
pub use daemon::{start, stop};
pub use functions::{Architecture, Function, build_functions, functions};
pub use instance::LocalAws;
pub use project::Project;
pub use venv::{cargo_lambda_venv, local_venv, tools_venv};

/// Takes what happens, one line at a time, for whoever watches.
pub type Progress<'a> = &'a mut dyn FnMut(&str);
