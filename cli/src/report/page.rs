//! The page itself.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use outrigger_engine::state::content::{Outcome, Workflow};
use outrigger_engine::state::rfc3339;
use outrigger_model::UnixMs;

use super::steps::{Fate, StepRow, within_bounds};
use super::timeline::{Bar, Tick, Timeline};
use super::{ROWS_MAX, Report, WayRows};
use crate::output::span;
use crate::plan_view::{self, Doing, Order, StepView};
use crate::progress::Purpose;

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
                    @for way in &report.ways { (steps_section(way)) }
                    (drift_section(&report.drift))
                    (outputs_section(report))
                    (kept_section(&record.kept))
                }
                footer {
                    p { "Written by outrigger " (env!("CARGO_PKG_VERSION")) " at " (rfc3339(report.now_ms)) ". Times are UTC." }
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
            dt { "Began" } dd { (rfc3339(record.started_at_ms)) }
            @match record.closed_at_ms {
                Some(at_ms) => { dt { "Ended" } dd { (rfc3339(at_ms)) ", after " (took) } }
                None => { dt { "Ended" } dd { "not yet, " (took) " so far" } }
            }
            @if !record.execution_arn.is_empty() {
                dt { "Execution" } dd.key { (record.execution_arn) }
            }
        }
    }
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

/// What the drawings share: the grid, and the pattern that tells a failure without its colour.
fn definitions(ticks: &[Tick]) -> Markup {
    html! {
        svg.hidden width="0" height="0" aria-hidden="true" {
            defs {
                pattern id="hatched" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                    rect.hatch-ground width="6" height="6" {}
                    line.hatch x1="0" y1="0" x2="0" y2="6" {}
                }
                g id="grid" {
                    @for tick in ticks {
                        line.tick x1=(percent(tick.at_percent)) x2=(percent(tick.at_percent)) y1="-3" y2="21" {}
                    }
                }
            }
        }
    }
}

fn timeline_section(report: &Report) -> Markup {
    let Timeline {
        ticks,
        groups,
        left_out,
    } = &report.timeline;
    let unchanged: usize = report.ways.iter().map(|way| way.unchanged).sum();
    html! {
        section aria-labelledby="timeline" {
            h2 id="timeline" { "Timeline" }
            @if groups.is_empty() {
                p { "Nothing was changed." }
            } @else {
                p { (critical_sentence(report)) }
                (legend())
                table.timeline {
                    caption.hidden { "Each step as a bar over time; the tables of steps below have the same in numbers" }
                    thead {
                        tr {
                            th.of-step scope="col" { "Step" }
                            th.of-state scope="col" { "Result" }
                            th.axis scope="col" {
                                span.hidden { "When" }
                                svg aria-hidden="true" {
                                    @for tick in ticks { text x=(percent(tick.at_percent)) y="13" { (tick.label) } }
                                }
                            }
                            th.of-time.number scope="col" { "Took" }
                        }
                    }
                    @for group in groups {
                        tbody {
                            tr { th colspan="4" scope="rowgroup" { (group.title) } }
                            @for bar in &group.bars { (bar_row(bar)) }
                        }
                    }
                }
                (left_out_sentence(*left_out, &report.record.operation))
            }
            @if unchanged > 0 { p.quiet { (unchanged) " more were looked at and are as they should be." } }
        }
    }
}

/// What decided when it ended.
fn critical_sentence(report: &Report) -> String {
    let critical = |row: &&StepRow| row.is_critical;
    let paths: Vec<String> = report
        .ways
        .iter()
        .map(|way| {
            let names = way
                .rows
                .iter()
                .filter(critical)
                .map(|row| format!("{}/{}", row.key.kind, row.key.name));
            names.collect::<Vec<_>>().join(" → ")
        })
        .filter(|path| !path.is_empty())
        .collect();
    match paths.as_slice() {
        [] => String::new(),
        paths => format!(
            "The critical path, which decided when it ended: {}.",
            paths.join("; back: ")
        ),
    }
}

fn legend() -> Markup {
    html! {
        ul.legend aria-label="Legend" {
            li { (sample("bar")) "a step" }
            li { (sample("bar critical")) "◆ on the critical path" }
            li { (sample("bar failed")) "✕ failed" }
            li { svg aria-hidden="true" { rect.bar x="0" y="3" width="34" height="10" {} line.request x1="17" x2="17" y1="3" y2="13" {} } "a request to AWS" }
            li { svg aria-hidden="true" { circle.fault cx="17" cy="8" r="4" {} } "a request that failed" }
        }
    }
}

fn sample(class: &str) -> Markup {
    html! { svg aria-hidden="true" { rect class=(class) x="1" y="3" width="32" height="10" {} } }
}

fn bar_row(bar: &Bar) -> Markup {
    let step = &bar.step;
    html! {
        tr {
            th.of-step.key scope="row" { (step_name(step)) }
            td class=(format!("of-state state {}", fate_class(step.fate))) { (state_text(step)) }
            td.lane-bar {
                svg aria-hidden="true" {
                    use href="#grid" {}
                    @if let Some((begin, width)) = bar.place {
                        rect class=(bar_class(step)) x=(percent(begin)) y="4" width=(percent(width)) height="10" {}
                    }
                    @for (at_percent, failed) in &bar.requests {
                        @if *failed {
                            circle.fault cx=(percent(*at_percent)) cy="9" r="4" {}
                        } @else {
                            line.request x1=(percent(*at_percent)) x2=(percent(*at_percent)) y1="4" y2="14" {}
                        }
                    }
                }
            }
            td.of-time.number { (step.took_ms().map(span).unwrap_or_default()) }
        }
    }
}

fn step_name(step: &StepRow) -> Markup {
    html! {
        @if step.is_critical { "◆ " span.hidden { "on the critical path: " } }
        (step.key.kind) "/" wbr; (step.key.name)
    }
}

fn percent(value: f64) -> String {
    format!("{value:.2}%")
}

fn bar_class(step: &StepRow) -> String {
    let critical = if step.is_critical { "critical " } else { "" };
    format!("bar {critical}{}", fate_class(step.fate))
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
        Fate::Failed => format!("✕ {}", step.word),
        Fate::Done | Fate::UnderWay | Fate::Pending | Fate::Drifted | Fate::Idle => step.word.to_owned(),
    }
}

fn left_out_sentence(count: usize, operation: &str) -> Markup {
    html! { @if count > 0 { p.quiet { "And " (count) " more, which " code { "outrigger show " (operation) } " lists." } } }
}

fn plan_section(report: &Report) -> Markup {
    let Some(plan) = &report.plan else {
        return html! {};
    };
    let touched: Vec<&StepView> = plan
        .steps
        .iter()
        .filter(|step| step.action != Doing::NoOp && step.replaced_by.is_none())
        .collect();
    html! {
        section aria-labelledby="plan" {
            h2 id="plan" { "Plan" }
            p { (plan.summary) "." }
            @if !touched.is_empty() {
                table {
                    caption.hidden { "What was to be done with each resource" }
                    thead { tr { th scope="col" { "Component" } th scope="col" { "Resource" } th scope="col" { "To be" } th scope="col" { "How" } } }
                    tbody { @for step in touched.iter().take(ROWS_MAX) { (plan_row(step)) } }
                }
                (left_out_sentence(touched.len().saturating_sub(ROWS_MAX), &report.record.operation))
            }
            @if !plan.kept.is_empty() {
                p { "To be kept: " (plan.kept.join(", ")) " (final snapshots)." }
            }
        }
    }
}

fn plan_row(step: &StepView) -> Markup {
    html! {
        tr {
            td { (step.component) }
            th.key scope="row" { (step.key.kind) "/" wbr; (step.key.name) }
            td.state { (doing(step)) }
            td {
                @if let Some(detail) = &step.detail { (detail) }
                @if !step.changes.is_empty() {
                    ul.plain { @for change in &step.changes { li { (plan_view::change_line(change)) } } }
                }
            }
        }
    }
}

fn doing(step: &StepView) -> &'static str {
    match (step.action, step.order) {
        (Doing::Create, _) => "created",
        (Doing::Update, _) => "changed",
        (Doing::Replace, Some(Order::CreateThenDelete)) => "replaced, old one last",
        (Doing::Replace, Some(Order::DeleteThenCreate) | None) => "replaced, old one first",
        (Doing::Delete, _) => "deleted",
        (Doing::NoOp, _) => "unchanged",
    }
}

fn has_steps(way: &WayRows) -> bool {
    !way.rows.is_empty()
}

fn steps_id(way: &WayRows) -> &'static str {
    match way.purpose {
        Purpose::Change | Purpose::Look => "steps",
        Purpose::GoBack => "steps-back",
    }
}

fn steps_title(way: &WayRows) -> &'static str {
    match way.purpose {
        Purpose::Change | Purpose::Look => "Steps",
        Purpose::GoBack => "Steps back",
    }
}

fn steps_section(way: &WayRows) -> Markup {
    if !has_steps(way) {
        return html! {};
    }
    let id = steps_id(way);
    html! {
        section aria-labelledby=(id) {
            h2 id=(id) { (steps_title(way)) }
            table {
                caption { "In the order in which they began. Request ids are what AWS's support asks for." }
                thead {
                    tr {
                        th scope="col" { "Step" } th scope="col" { "Result" } th scope="col" { "Began" }
                        th.number scope="col" { "Took" } th scope="col" { "Requests to AWS" }
                    }
                }
                tbody { @for row in within_bounds(&way.rows) { (step_row(row)) } }
            }
        }
    }
}

fn step_row(row: &StepRow) -> Markup {
    let began = |(since_ms, _): (UnixMs, UnixMs)| rfc3339(since_ms);
    html! {
        tr {
            th.key scope="row" { (step_name(row)) span.hidden { ", " (row.key.region) ", " (row.lane()) } }
            td class=(format!("state {}", fate_class(row.fate))) { (state_text(row)) }
            td { (row.times.map(began).unwrap_or_default()) }
            td.number { (row.took_ms().map(span).unwrap_or_default()) }
            td {
                @if let Some(remark) = &row.remark {
                    p class=(if row.fate == Fate::Failed { "error" } else { "quiet" }) { (remark) }
                }
                ul.plain {
                    @for call in &row.calls {
                        li {
                            (call.verb) " at " (rfc3339(call.at_ms))
                            @if let Some(id) = &call.request_id { ", request " code { (id) } }
                            @if let Some(error) = &call.error { ", " span.error { "✕ failed" } ": " (error) }
                        }
                    }
                }
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
