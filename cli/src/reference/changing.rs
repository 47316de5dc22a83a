//! What changing a property does, in words.

use outrigger_plan::{Consequence, Effect, Outcome, When};

/// What happens when a property is changed.
pub(crate) fn outcome(property: &str, outcome: Outcome) -> String {
    match outcome {
        Outcome::Nothing => "nothing changes in AWS".to_owned(),
        Outcome::AsWhatIsInIt => "what is in it decides".to_owned(),
        Outcome::AnotherStack => "the document is then one of another stack; this one stays as it is".to_owned(),
        Outcome::ComeAndGo => "resources are created for what is added, and deleted for what is taken away".to_owned(),
        Outcome::Changes(of) => effect(property, of).to_owned(),
    }
}

/// What an effect means for the component that a property is of.
fn effect(property: &str, effect: Effect) -> &'static str {
    let holds_data = ["databases.", "clusters.", "caches."]
        .iter()
        .any(|part| property.starts_with(part));
    match effect {
        Effect::InPlace => "in place",
        Effect::Restarts => "in place, with a restart or a failover: clients lose their connections",
        Effect::Replaces if holds_data => {
            "another one takes its place, without what is in it: refused without `allow_replace: true`"
        }
        Effect::Replaces => "others take their place",
    }
}

/// When something else happens, and what.
pub(crate) fn exception(property: &str, consequence: &Consequence) -> Option<(&'static str, &'static str)> {
    let exception = consequence.exception?;
    let when = match exception.when {
        When::Lowered => "if lowered",
        When::SwitchedOff => "if switched off",
        When::OffOrOn => "from or to 0",
        When::StaticParameter => "if static",
    };
    Some((when, effect(property, exception.effect)))
}

/// All of it.
pub(crate) fn sentence(property: &str, consequence: &Consequence) -> String {
    let mut said = format!("Changing it: {}", outcome(property, consequence.outcome));
    if let Some((when, what)) = exception(property, consequence) {
        said.push_str(&format!("; {when}: {what}"));
    }
    for more in consequence.limits.iter().chain(consequence.note.iter()) {
        said.push_str(&format!("; {more}"));
    }
    said.push('.');
    said
}
