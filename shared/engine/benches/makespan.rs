//! Time to stand up against the critical path, on virtual time: `cargo bench -p outrigger-engine --bench makespan`.
//! Figures and what they mean: docs/performance.md. A seed may be given after `--`.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

#[allow(dead_code)]
mod scenarios;

use std::time::Instant;

use scenarios::{StoodUp, documents, stand_up_document, stand_up_plan, synthetic};

const AIM: f64 = 1.05;
/// The most resources of one stack that is stood up: an item of the state table holds no lane of 10,000.
const STACK_MAX: usize = 1_000;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let seed = std::env::args()
        .filter_map(|argument| argument.parse().ok())
        .next()
        .unwrap_or(7);
    println!("seed {seed}; times are virtual, `bench` is how long the simulation took");
    println!(
        "{:<28} {:>9} {:>10} {:>10} {:>6} {:>6} {:>7} {:>8}",
        "", "resources", "path s", "makespan s", "ratio", "aim", "turns", "bench s"
    );
    for (name, document) in documents() {
        let begun = Instant::now();
        print(name, &[stand_up_document(&document).await], begun);
    }
    for count in [10, 100, 1_000, 10_000] {
        let begun = Instant::now();
        let stacks = count / count.min(STACK_MAX);
        let mut stood_up = Vec::new();
        for stack in 0..stacks {
            stood_up.push(stand_up_plan(&synthetic(seed + stack as u64, count / stacks)).await);
        }
        print(
            &format!("synthetic, {stacks} stack{}", if stacks > 1 { "s" } else { "" }),
            &stood_up,
            begun,
        );
    }
}

/// Of stacks that are stood up side by side, the worst ratio, and its stack.
fn print(name: &str, stacks: &[StoodUp], begun: Instant) {
    let worst = stacks
        .iter()
        .max_by(|one, other| one.ratio().total_cmp(&other.ratio()))
        .unwrap();
    println!(
        "{name:<28} {:>9} {:>10.1} {:>10.1} {:>6.3} {AIM:>6} {:>7} {:>8.1}",
        stacks.iter().map(|stack| stack.resources).sum::<usize>(),
        worst.critical_path_ms as f64 / 1000.0,
        worst.makespan_ms as f64 / 1000.0,
        worst.ratio(),
        stacks.iter().map(|stack| stack.cost.branch_turns_max).max().unwrap(),
        begun.elapsed().as_secs_f64(),
    );
}
