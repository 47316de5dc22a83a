//! What it costs to stand a document up, counted in simulation: `cargo bench -p outrigger-engine --bench cost`.
//! Figures and what they mean: docs/performance.md.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

#[allow(dead_code)]
mod scenarios;

use scenarios::{documents, stand_up_document};

/// List prices in US dollars, us-east-1 and us-west-2, as published in November 2026, free tiers left out.
mod prices {
    /// One transition of a standard workflow: <https://aws.amazon.com/step-functions/pricing/>.
    pub const TRANSITION: f64 = 0.025 / 1e3;
    /// One request of a function: <https://aws.amazon.com/lambda/pricing/>.
    pub const REQUEST: f64 = 0.20 / 1e6;
    /// One GB-second on arm64: the same.
    pub const GB_SECOND: f64 = 0.000_013_333_4;
    /// One read request unit, on demand: <https://aws.amazon.com/dynamodb/pricing/on-demand/>.
    pub const READ_UNIT: f64 = 0.125 / 1e6;
    /// One write request unit, on demand: the same.
    pub const WRITE_UNIT: f64 = 0.625 / 1e6;
}

/// The functions' memory, as in bootstrap/template.yaml.
const FUNCTION_GB: f64 = 0.25;
/// How long an invocation takes: an assumption, the simulation knows none. A few calls to DynamoDB and AWS, one after the
/// other.
const INVOCATION_SECONDS: f64 = 0.5;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    println!("an invocation is taken to last {INVOCATION_SECONDS} s; calls to AWS's own services are free");
    for (name, document) in documents() {
        let stood_up = stand_up_document(&document).await;
        let cost = stood_up.cost;
        let functions =
            cost.invocations as f64 * (prices::REQUEST + FUNCTION_GB * INVOCATION_SECONDS * prices::GB_SECOND);
        let table =
            cost.table.read_units as f64 * prices::READ_UNIT + cost.table.write_units as f64 * prices::WRITE_UNIT;
        let workflow = cost.transitions as f64 * prices::TRANSITION;
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

fn dollars(amount: f64) -> String {
    format!("$ {amount:.5}")
}
