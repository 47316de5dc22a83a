//! The page itself.

mod drawing;
mod tables;

use drawing::{definitions, timeline_section};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use outrigger_engine::state::content::{Outcome, Workflow};
use outrigger_engine::state::rfc3339;
use outrigger_model::{ResourceKey, UnixMs};
use tables::{has_steps, plan_section, steps_id, steps_section, steps_title};

use super::steps::{Fate, StepRow};
use super::{ROWS_MAX, Report};
use crate::output::span;
use crate::plan_view::namer::Namer;

const STYLE: &str = include_str!("page.css");
/// Nothing is fetched and nothing runs, whatever a name or a reason may hold.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// What the page of an operation is recognised by.
pub(super) fn mark_of(operation: &str) -> Markup {
    html! { meta name="outrigger-operation" content=(operation); }
}

/// The whole page.
pub(super) fn page(report: &Report) -> Markup {
    let record = &report.record;
    let title = format!("{} of {}", what(record.workflow), record.stack);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                (mark_of(&record.operation))
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) ": " (outcome(record.outcome)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (definitions(&report.timeline.ticks))
                header {
                    p.kind { "Outrigger, report of an operation" }
                    h1 { (title) }
                    p class=(format!("outcome {}", mood(record.outcome))) id="outcome" { (outcome_text(record.outcome)) }
                    (facts(report))
                }
                (contents(report))
                main {
                    (failures(&record.failures))
                    (timeline_section(report))
                    (plan_section(report))
                    @for way in &report.ways { (steps_section(way, record.started_at_ms)) }
                    (drift_section(&report.drift))
                    (outputs_section(report))
                    (kept_section(&record.kept))
                }
                footer {
                    p { "Written by outrigger " (env!("CARGO_PKG_VERSION")) " at " (moment(report.now_ms)) ". Times are UTC." }
                }
            }
        }
    }
}

fn what(workflow: Workflow) -> &'static str {
    match workflow {
        Workflow::Provision => "Provision",
        Workflow::Destroy => "Destruction",
        Workflow::Plan => "Plan",
        Workflow::Drift => "Inspection",
        Workflow::Unlock => "Breaking of the lease",
    }
}

fn outcome(outcome: Option<Outcome>) -> &'static str {
    outcome.map_or("under way", Outcome::as_str)
}

fn outcome_text(of: Option<Outcome>) -> String {
    let sign = match of {
        Some(Outcome::Succeeded) => "✓",
        Some(Outcome::Failed | Outcome::Aborted) => "✕",
        Some(Outcome::RolledBack) => "↩",
        None => "…",
    };
    format!("{sign} {}", outcome(of))
}

fn mood(outcome: Option<Outcome>) -> &'static str {
    match outcome {
        Some(Outcome::Succeeded) => "good",
        Some(Outcome::Failed | Outcome::Aborted | Outcome::RolledBack) => "bad",
        None => "open",
    }
}

fn facts(report: &Report) -> Markup {
    let record = &report.record;
    let took = span(report.until_ms.saturating_sub(record.started_at_ms));
    html! {
        dl {
            dt { "Operation" } dd.key { (record.operation) }
            dt { "Stack" } dd { (record.stack) }
            dt { "Who" } dd { (record.by.as_deref().unwrap_or("not told")) }
            dt { "Why" } dd { (record.reason.as_deref().unwrap_or("not told")) }
            dt { "Began" } dd { (moment(record.started_at_ms)) }
            @match record.closed_at_ms {
                Some(at_ms) => { dt { "Ended" } dd { (moment(at_ms)) ", after " (took) } }
                None => { dt { "Ended" } dd { "not yet, " (took) " so far" } }
            }
            @if !record.execution_arn.is_empty() {
                dt { "Execution" } dd.key { (record.execution_arn) }
            }
        }
    }
}

fn moment(at_ms: UnixMs) -> Markup {
    let text = rfc3339(at_ms);
    html! { time datetime=(text) { (text) } }
}

/// A moment, without its day where that is the day on which the operation began.
fn moment_after(started_at_ms: UnixMs, at_ms: UnixMs) -> Markup {
    let (started, text) = (rfc3339(started_at_ms), rfc3339(at_ms));
    let short = match (started.split_once('T'), text.split_once('T')) {
        (Some((day, _)), Some((same_day, time))) if day == same_day => time,
        _ => text.as_str(),
    };
    html! { time datetime=(text) { (short) } }
}

/// Links to what is on the page.
fn contents(report: &Report) -> Markup {
    let of_ways = report
        .ways
        .iter()
        .map(|way| (has_steps(way), steps_id(way), steps_title(way)));
    let mut links = vec![(true, "timeline", "Timeline"), (report.plan.is_some(), "plan", "Plan")];
    links.extend(of_ways);
    links.extend([
        (!report.drift.is_empty(), "drift", "Drift"),
        (report.outputs.is_some(), "outputs", "Outputs"),
        (!report.record.kept.is_empty(), "kept", "Kept"),
    ]);
    html! {
        nav aria-label="On this page" {
            ul {
                @for (is_there, id, title) in links {
                    @if is_there { li { a href=(format!("#{id}")) { (title) } } }
                }
            }
        }
    }
}

fn failures(failures: &[String]) -> Markup {
    html! {
        @if !failures.is_empty() {
            section aria-labelledby="failures" {
                h2 id="failures" { "What failed" }
                ul.failures { @for failure in failures.iter().take(ROWS_MAX) { li { (failure) } } }
            }
        }
    }
}

fn drift_section(drift: &str) -> Markup {
    html! {
        @if !drift.is_empty() {
            section aria-labelledby="drift" { h2 id="drift" { "Drift" } pre { (drift) } }
        }
    }
}

fn outputs_section(report: &Report) -> Markup {
    let Some(outputs) = &report.outputs else {
        return html! {};
    };
    html! {
        section aria-labelledby="outputs" {
            h2 id="outputs" { "Outputs" }
            table {
                caption.hidden { "The stack's outputs" }
                thead { tr { th scope="col" { "Name" } th scope="col" { "Value" } } }
                tbody { @for (name, value) in outputs { tr { th.key scope="row" { (name) } td.key { (value) } } } }
            }
        }
    }
}

fn kept_section(kept: &[String]) -> Markup {
    html! {
        @if !kept.is_empty() {
            section aria-labelledby="kept" {
                h2 id="kept" { "Kept" }
                p { "What deleted resources have left behind because the document asked for it:" }
                ul { @for name in kept { li.key { (name) } } }
            }
        }
    }
}

fn step_name(step: &StepRow) -> Markup {
    html! {
        @if step.is_critical { "◆ " span.hidden { "on the critical path: " } }
        (resource_name(&step.key, step.namer))
    }
}

fn resource_name(key: &ResourceKey, namer: Namer) -> Markup {
    html! {
        @if namer.with_region() { (key.region) "/" wbr; }
        (key.kind) "/" wbr; (key.name)
    }
}

fn fate_class(fate: Fate) -> &'static str {
    match fate {
        Fate::Done => "done",
        Fate::UnderWay => "under-way",
        Fate::Pending => "pending",
        Fate::Drifted => "drifted",
        Fate::Failed => "failed",
        Fate::Idle => "idle",
    }
}

fn state_text(step: &StepRow) -> String {
    match step.fate {
        Fate::Failed => format!("✕\u{a0}{}", step.word),
        Fate::Done | Fate::UnderWay | Fate::Pending | Fate::Drifted | Fate::Idle => step.word.to_owned(),
    }
}

fn left_out_sentence(count: usize, operation: &str) -> Markup {
    html! { @if count > 0 { p.quiet { "And " (count) " more, which " code { "outrigger show " (operation) } " lists." } } }
}
