//! The harness of the end-to-end tests: a local AWS of their own, with the control plane in it.

pub mod browser;
mod debian;
pub mod documentation;
pub mod events;
pub mod postgres;

use std::sync::{Mutex, PoisonError};

use anyhow::Result;
pub use outrigger::local;

pub use outrigger::local::{Call, LocalAws, Project};

/// The name of the control plane that [`start_with_control_plane`] installs: its CloudFormation stack.
pub const CONTROL_PLANE: &str = "outrigger";

/// A local AWS of the test's own, with the control plane installed: functions built, roles enforced.
///
/// It ends when it is dropped. Takes some seconds, once everything is compiled.
///
/// # Errors
/// When something cannot be installed or built: the error says what, and shows the end of its log.
pub fn start_with_control_plane() -> Result<LocalAws> {
    static BUILT: Mutex<bool> = Mutex::new(false);
    let project = Project::of_test()?;
    let mut progress = |line: &str| eprintln!("{line}");
    {
        // Once per process; tests that come while it is being built wait for it.
        let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
        if !*built {
            local::build_functions(&project, &mut progress)?;
            *built = true;
        }
    }
    let aws = LocalAws::start_for_test()?;
    local::deploy(&project, &aws, CONTROL_PLANE, &mut progress)?;
    Ok(aws)
}
