//! The timeline, drawn.

use maud::{Markup, html};

use super::{fate_class, left_out_sentence, state_text, step_name};
use crate::output::span;
use crate::report::Report;
use crate::report::steps::StepRow;
use crate::report::timeline::{Bar, Tick, Timeline};

/// What the drawings share: the grid, and the pattern that tells a failure without its colour.
pub(super) fn definitions(ticks: &[Tick]) -> Markup {
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

pub(super) fn timeline_section(report: &Report) -> Markup {
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
            let names = way.rows.iter().filter(critical).map(|row| row.namer.name(&row.key));
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
            li { svg aria-hidden="true" { rect.bar x="0" y="3" width="34" height="10" {} line.request x1="17" x2="17" y1="13" y2="18" {} } "a request to AWS" }
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
                            line.request x1=(percent(*at_percent)) x2=(percent(*at_percent)) y1="14" y2="19" {}
                        }
                    }
                }
            }
            td.of-time.number { (step.took_ms().map(span).unwrap_or_default()) }
        }
    }
}

fn percent(value: f64) -> String {
    format!("{value:.2}%")
}

fn bar_class(step: &StepRow) -> String {
    let critical = if step.is_critical { "critical " } else { "" };
    format!("bar {critical}{}", fate_class(step.fate))
}
