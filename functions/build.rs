//! How every function is linked: at a fixed address.
//!
//! The SDKs' tables hold tens of thousands of pointers, which the loader of a position-independent executable corrects one
//! by one at each cold start: a quarter of the time until the first request (docs/performance.md).

fn main() {
    println!("cargo:rerun-if-changed=../build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux") {
        println!("cargo:rustc-link-arg-bins=-no-pie");
    }
}
