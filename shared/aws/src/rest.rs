//! What is worked on only when it has come to rest, what cannot be worked on at all, and what went meanwhile.

use outrigger_engine::ports::provider::{CallError, CallErrorKind, Condition, Difference, Observed, Progress};

/// What `ensure` answers before it calls anything: what AWS is at work on is left alone, and what is broken is not
/// worked on. `None` where there is nothing, or it is at rest.
pub fn not_at_rest(observed: Option<&Observed>, poll_after_seconds: u32) -> Option<Progress> {
    match &observed?.condition {
        Condition::Ready => None,
        Condition::Changing { .. } | Condition::Deleting => Some(Progress::changed(poll_after_seconds)),
        Condition::Broken { reason } => Some(Progress::Blocked { reason: reason.clone() }),
    }
}

/// A difference that no call of this version closes; `what` it is in is such as `a stream`.
pub fn unchangeable(what: &str, difference: &Difference) -> Progress {
    Progress::Blocked {
        reason: format!(
            "the property {} of {what} cannot be changed by this version: wanted {}, there is {}",
            difference.property, difference.wanted, difference.actual
        ),
    }
}

/// The error of a call on something that was observed, and that a second look does not find: the next observation
/// decides. `what` it is on is such as `the stream`.
pub fn gone_meanwhile(call: &str, what: &str) -> CallError {
    CallError {
        kind: CallErrorKind::NotYet,
        ..CallError::invalid(call, format!("{what} is gone since it was observed"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_at_rest_is_worked_on() {
        let of = |condition| {
            let observed = Observed {
                condition,
                ..Observed::default()
            };
            not_at_rest(Some(&observed), 5)
        };
        assert_eq!(not_at_rest(None, 5), None);
        assert_eq!(of(Condition::Ready), None);
        let changing = Condition::Changing {
            status: "UPDATING".to_owned(),
        };
        assert_eq!(of(changing), Some(Progress::changed(5)));
        assert_eq!(of(Condition::Deleting), Some(Progress::changed(5)));
        let reason = "it failed: delete it".to_owned();
        let broken = Condition::Broken { reason: reason.clone() };
        assert_eq!(of(broken), Some(Progress::Blocked { reason }));
    }

    #[test]
    fn both_values_are_told_of_what_cannot_be_changed() {
        let shards = Difference::new("shards", &3, &2);
        let reason = "the property shards of a stream cannot be changed by this version: wanted 3, there is 2";
        let blocked = Progress::Blocked {
            reason: reason.to_owned(),
        };
        assert_eq!(unchangeable("a stream", &shards), blocked);
    }

    #[test]
    fn what_went_meanwhile_is_looked_at_again() {
        let error = gone_meanwhile("rds:AddTagsToResource", "the subnet group");
        assert_eq!(error.kind, CallErrorKind::NotYet);
        assert_eq!(error.message, "the subnet group is gone since it was observed");
    }
}
