//! What it costs to stand a document up, counted in simulation: `cargo bench -p outrigger-engine --bench cost`.
//! Figures and what they mean: docs/performance.md.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod prices;
#[allow(dead_code)]
mod scenarios;

use prices::{INVOCATION_SECONDS, dollars};
use scenarios::{documents, stand_up_document};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    println!("an invocation is taken to last {INVOCATION_SECONDS} s; calls to AWS's own services are free");
    for (name, document) in documents() {
        let stood_up = stand_up_document(&document).await;
        let cost = stood_up.cost;
        let functions = prices::of_invocations(cost.invocations as f64);
        let table = prices::of_units(cost.table.read_units as f64, cost.table.write_units as f64);
        let workflow = prices::of_transitions(cost.transitions as f64);
        println!(
            "\n{name}: {} resources in {:.0} s",
            stood_up.resources,
            stood_up.makespan_ms as f64 / 1000.0
        );
        println!("  {:<36} {:>8}", "calls that change something", cost.calls);
        println!("  {:<36} {:>8}", "looks at a resource", cost.observations);
        println!(
            "  {:<36} {:>8} {:>12}",
            "state transitions",
            cost.transitions,
            dollars(workflow)
        );
        println!(
            "  {:<36} {:>8} {:>12}",
            "invocations",
            cost.invocations,
            dollars(functions)
        );
        println!("  {:<36} {:>8}", "reads of the table", cost.table.reads);
        println!("  {:<36} {:>8}", "writes to the table", cost.table.writes);
        println!("  {:<36} {:>8}", "read request units", cost.table.read_units);
        println!(
            "  {:<36} {:>8} {:>12}",
            "write request units",
            cost.table.write_units,
            dollars(table)
        );
        println!(
            "  {:<36} {:>8} {:>12}",
            "together",
            "",
            dollars(workflow + functions + table)
        );
    }
}
