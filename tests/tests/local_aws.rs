//! The local AWS's own tests: a smoke test per patch and per trick, each of which fails once MiniStack needs it no longer.

use std::process::Command;

use outrigger_tests::{Project, local};

#[test]
fn every_patch_and_every_trick_works_and_is_needed() {
    let project = Project::of_test().unwrap();
    let python = local::local_venv(&project, &mut |line| eprintln!("{line}"))
        .unwrap()
        .join("bin/python");
    let folder = project.root().join("bootstrap/local");
    let output = Command::new(python)
        .args(["-m", "unittest", "discover", "-s"])
        .arg(folder.join("tests"))
        .env("PYTHONPATH", &folder)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    assert!(told.contains("\nOK"), "no test was run: {told}");
}
