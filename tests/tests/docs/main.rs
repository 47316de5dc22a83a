//! The documentation holds what it says: links lead somewhere, commands are commands, what is made from the code is current.

mod commands;
mod errors;
mod links;
mod permissions;

use outrigger_tests::documentation::root;

/// Holds a document that is made from the code against the one in docs/; `OUTRIGGER_RENEW_DOCS=1` writes it.
fn check_made(name: &str, made: &str) {
    let path = root().join("docs").join(name);
    if std::env::var_os("OUTRIGGER_RENEW_DOCS").is_some() {
        std::fs::write(&path, made).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == made,
        "docs/{name} is not current; renew it with OUTRIGGER_RENEW_DOCS=1 cargo test --workspace --test docs"
    );
}
