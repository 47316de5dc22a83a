//! The local AWS for tests: it starts, does as it is told, and leaves nothing behind.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use outrigger::local::LocalAws;
use serde_json::json;

#[test]
fn starts_answers_and_leaves_nothing() {
    let local = LocalAws::start_for_test().unwrap();
    let (pid, directory) = (local.pid(), local.directory().to_owned());
    assert!(
        local.endpoint().starts_with("http://127.0.0.1:"),
        "{}",
        local.endpoint()
    );
    assert_eq!(local.calls().unwrap(), []);

    local.set_faults(&json!({})).unwrap();
    let refused = local.set_faults(&json!({"no_such_fault": true})).unwrap_err();
    assert!(refused.to_string().contains("refused the faults with 400"), "{refused}");

    drop(local);
    assert!(!directory.exists(), "{} is still there", directory.display());
    assert!(
        !std::path::Path::new(&format!("/proc/{pid}")).exists(),
        "process {pid} is still there"
    );
}
