//! What AWS asks for what a stand-up uses: list prices in US dollars, us-east-1 and us-west-2, as published in November
//! 2026, free tiers left out.

/// One transition of a standard workflow: <https://aws.amazon.com/step-functions/pricing/>.
const TRANSITION: f64 = 0.025 / 1e3;
/// One request of a function: <https://aws.amazon.com/lambda/pricing/>.
const REQUEST: f64 = 0.20 / 1e6;
/// One GB-second on arm64: the same.
const GB_SECOND: f64 = 0.000_013_333_4;
/// One read request unit, on demand: <https://aws.amazon.com/dynamodb/pricing/on-demand/>.
const READ_UNIT: f64 = 0.125 / 1e6;
/// One write request unit, on demand: the same.
const WRITE_UNIT: f64 = 0.625 / 1e6;

/// The functions' memory, as in bootstrap/template.yaml.
const FUNCTION_GB: f64 = 0.25;
/// How long an invocation takes: an assumption. A few calls to DynamoDB and AWS, one after the other.
pub const INVOCATION_SECONDS: f64 = 0.5;

/// What so many transitions cost.
pub fn of_transitions(count: f64) -> f64 {
    count * TRANSITION
}

/// What so many invocations cost.
pub fn of_invocations(count: f64) -> f64 {
    count * (REQUEST + FUNCTION_GB * INVOCATION_SECONDS * GB_SECOND)
}

/// What so many request units cost.
pub fn of_units(read: f64, write: f64) -> f64 {
    read * READ_UNIT + write * WRITE_UNIT
}

/// An amount, as it is printed.
pub fn dollars(amount: f64) -> String {
    format!("$ {amount:.5}")
}
