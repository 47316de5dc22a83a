//! A plan as text.

use console::{Style, measure_text_width};
use outrigger_plan::Effect;

use super::namer::Namer;
use super::value::compact;
use super::{ChangeView, Doing, Order, StepView, View};

/// Whether signs are coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paint {
    /// They are, for a terminal.
    Coloured,
    /// They are not.
    Plain,
}

impl Paint {
    /// As standard output can show it.
    pub(crate) fn of_stdout() -> Self {
        if console::colors_enabled() {
            Paint::Coloured
        } else {
            Paint::Plain
        }
    }

    /// As standard error can show it.
    pub(crate) fn of_stderr() -> Self {
        if console::colors_enabled_stderr() {
            Paint::Coloured
        } else {
            Paint::Plain
        }
    }

    /// Text in a style, where there are colours.
    pub(crate) fn apply(self, style: Style, text: &str) -> String {
        match self {
            Paint::Coloured => style.force_styling(true).apply_to(text).to_string(),
            Paint::Plain => text.to_owned(),
        }
    }
}

/// Up to how wide a resource's name is for what stands beside it to be aligned.
const NAME_WIDTH_MAX: usize = 44;

/// The plan, component by component: one line per resource that is touched, below it what changes.
pub(crate) fn render(view: &View, paint: Paint) -> String {
    if view.nothing_to_do {
        let resources = match view.summary.unchanged {
            1 => "1 resource".to_owned(),
            count => format!("{count} resources"),
        };
        let mut text = format!("nothing to do: the stack is as the document says ({resources})\n");
        text.push_str(&remarks(view));
        return text;
    }
    let namer = Namer::of(view.steps.iter().map(|step| &step.key));
    let width = view
        .steps
        .iter()
        .filter(|step| is_shown(step) && step.detail.is_some())
        .map(|step| measure_text_width(&namer.name(&step.key)))
        .filter(|width| *width <= NAME_WIDTH_MAX)
        .max()
        .unwrap_or_default();
    let mut text = String::new();
    for component in view.steps.chunk_by(|one, other| one.component == other.component) {
        text.push_str(&group(component, namer, width, paint));
    }
    if !view.kept.is_empty() {
        text.push_str("\nkept\n");
        for kept in &view.kept {
            text.push_str(&format!("  {kept}\n"));
        }
    }
    let remarks = remarks(view);
    if !remarks.is_empty() {
        text.push('\n');
        text.push_str(&remarks);
    }
    text.push_str(&format!("\nplan: {}\n", view.summary));
    text
}

/// What the document asks for in vain, and what may not be meant, one line each.
fn remarks(view: &View) -> String {
    let not_yet = view.not_yet.iter().map(|what| format!("not yet: {what}\n"));
    let warnings = view.warnings.iter().map(|warning| format!("warning: {warning}\n"));
    not_yet.chain(warnings).collect()
}

/// Whether a step has a line of its own.
fn is_shown(step: &StepView) -> bool {
    step.action != Doing::NoOp && step.replaced_by.is_none()
}

fn group(steps: &[StepView], namer: Namer, width: usize, paint: Paint) -> String {
    let Some(first) = steps.first() else {
        return String::new();
    };
    let unchanged = steps.iter().filter(|step| step.action == Doing::NoOp).count();
    let title = paint.apply(Style::new().bold(), &first.component);
    let mut text = match unchanged {
        0 => format!("{title}\n"),
        unchanged => format!("{title} ({unchanged} unchanged)\n"),
    };
    for step in steps.iter().filter(|step| is_shown(step)) {
        let (sign, style) = sign(step);
        let name = namer.name(&step.key);
        let line = match &step.detail {
            Some(detail) => format!("{name:width$}  {detail}"),
            None => name,
        };
        text.push_str(&format!("  {}{line}\n", paint.apply(style, &format!("{sign:4}"))));
        for change in &step.changes {
            text.push_str(&format!("        {}\n", change_line(change)));
        }
    }
    text
}

fn sign(step: &StepView) -> (&'static str, Style) {
    match (step.action, step.order) {
        (Doing::Create, _) => ("+", Style::new().green()),
        (Doing::Update, _) => ("~", Style::new().yellow()),
        (Doing::Replace, Some(Order::CreateThenDelete)) => ("+/-", Style::new().red()),
        (Doing::Replace, Some(Order::DeleteThenCreate) | None) => ("-/+", Style::new().red()),
        (Doing::Delete, _) => ("-", Style::new().red()),
        (Doing::NoOp, _) => ("=", Style::new()),
    }
}

/// One change in one line.
pub(crate) fn change_line(view: &ChangeView) -> String {
    let change = &view.change;
    let mut line = format!(
        "{}: {} → {}",
        change.property,
        compact(&change.from),
        compact(&change.to)
    );
    match change.effect {
        Effect::InPlace => {}
        Effect::Restarts => line.push_str(" (restarts)"),
        Effect::Replaces => line.push_str(" (forces replacement)"),
    }
    if let Some(note) = &change.note {
        line.push_str(&format!(" ({note})"));
    }
    if view.in_window {
        line.push_str(" (in the maintenance window)");
    }
    line
}
