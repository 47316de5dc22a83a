//! The plan and the steps, in tables.

use maud::{Markup, html};
use outrigger_model::UnixMs;

use super::{fate_class, left_out_sentence, moment_after, resource_name, state_text, step_name};
use crate::output::span;
use crate::plan_view::namer::Namer;
use crate::plan_view::{self, Doing, Order, StepView};
use crate::progress::Purpose;
use crate::report::steps::{Fate, StepRow, within_bounds};
use crate::report::{ROWS_MAX, Report, WayRows};

pub(super) fn plan_section(report: &Report) -> Markup {
    let Some(plan) = &report.plan else {
        return html! {};
    };
    let touched: Vec<&StepView> = plan
        .steps
        .iter()
        .filter(|step| step.action != Doing::NoOp && step.replaced_by.is_none())
        .collect();
    let namer = Namer::of(plan.steps.iter().map(|step| &step.key));
    html! {
        section aria-labelledby="plan" {
            h2 id="plan" { "Plan" }
            p { (plan.summary) "." }
            @if !touched.is_empty() {
                table.plan {
                    caption.hidden { "What was to be done with each resource" }
                    thead {
                        tr {
                            th.of-component scope="col" { "Component" } th.of-step scope="col" { "Resource" }
                            th.of-state scope="col" { "To be" } th scope="col" { "How" }
                        }
                    }
                    tbody { @for step in touched.iter().take(ROWS_MAX) { (plan_row(step, namer)) } }
                }
                (left_out_sentence(touched.len().saturating_sub(ROWS_MAX), &report.record.operation))
            }
            @if !plan.kept.is_empty() {
                p { "To be kept: " (plan.kept.join(", ")) "." }
            }
        }
    }
}

fn plan_row(step: &StepView, namer: Namer) -> Markup {
    html! {
        tr {
            td { (step.component) }
            th.key scope="row" { (resource_name(&step.key, namer)) }
            td { (doing(step)) }
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

pub(super) fn has_steps(way: &WayRows) -> bool {
    !way.rows.is_empty()
}

pub(super) fn steps_id(way: &WayRows) -> &'static str {
    match way.purpose {
        Purpose::Change | Purpose::Look => "steps",
        Purpose::GoBack => "steps-back",
    }
}

pub(super) fn steps_title(way: &WayRows) -> &'static str {
    match way.purpose {
        Purpose::Change | Purpose::Look => "Steps",
        Purpose::GoBack => "Steps back",
    }
}

pub(super) fn steps_section(way: &WayRows, started_at_ms: UnixMs) -> Markup {
    if !has_steps(way) {
        return html! {};
    }
    let id = steps_id(way);
    html! {
        section aria-labelledby=(id) {
            h2 id=(id) { (steps_title(way)) }
            table.steps {
                caption { "In the order in which they began. Request ids are what AWS's support asks for." }
                thead {
                    tr {
                        th.of-step scope="col" { "Step" } th.of-state scope="col" { "Result" }
                        th.of-start scope="col" { "Began" } th.of-time.number scope="col" { "Took" }
                        th scope="col" { "Requests to AWS" }
                    }
                }
                tbody { @for row in within_bounds(&way.rows) { (step_row(row, started_at_ms)) } }
            }
        }
    }
}

fn step_row(row: &StepRow, started_at_ms: UnixMs) -> Markup {
    // A call's own error is told with it.
    let is_told = |remark: &&String| row.calls.iter().any(|call| call.error.as_ref() == Some(*remark));
    let remark = row.remark.as_ref().filter(|remark| !is_told(remark));
    html! {
        tr {
            th.key scope="row" { (step_name(row)) span.hidden { ", " (row.key.region) ", " (row.lane()) } }
            td class=(format!("state {}", fate_class(row.fate))) { (state_text(row)) }
            td { @if let Some((since_ms, _)) = row.times { (moment_after(started_at_ms, since_ms)) } }
            td.number { (row.took_ms().map(span).unwrap_or_default()) }
            td {
                @if let Some(remark) = remark {
                    p class=(if row.fate == Fate::Failed { "error" } else { "quiet" }) { (remark) }
                }
                ul.plain {
                    @for call in &row.calls {
                        li {
                            (call.verb) " at " (moment_after(started_at_ms, call.at_ms))
                            @if let Some(id) = &call.request_id { ", request " code { (id) } }
                            @if let Some(error) = &call.error { ", " span.error { "✕ failed" } ": " (error) }
                        }
                    }
                }
            }
        }
    }
}
