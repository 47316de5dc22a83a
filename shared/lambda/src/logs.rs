//! Logs: one JSON object per line, with operation, stack and resource.

use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Sends what this process tells to its standard output, from where Lambda takes it.
///
/// The AWS SDK is heard from `WARN` on only, whatever the environment says: at `DEBUG` it tells the bodies of requests,
/// and so secrets.
pub(crate) fn start() {
    let targets = Targets::new()
        .with_default(Level::WARN)
        .with_target("outrigger_engine", Level::INFO)
        .with_target("outrigger_lambda", Level::INFO);
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_ansi(false);
    // A second start, which only a test can make, changes nothing.
    let _ = tracing_subscriber::registry().with(targets).with(lines).try_init();
}
