//! What CloudFormation would change, for people.

use std::collections::BTreeMap;

use outrigger_aws_cloudformation::{Action, ResourceChange};

use crate::output::table;

/// What would change: a first installation by kinds, for there is nothing yet to be careful with; else each resource.
pub(crate) fn text(changes: &[ResourceChange], is_first: bool) -> String {
    let mut rows = Vec::new();
    if is_first {
        let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
        for change in changes {
            *kinds.entry(&change.kind).or_default() += 1;
        }
        rows.extend(
            kinds
                .iter()
                .map(|(kind, count)| [format!("  + {count}"), short(kind).to_owned(), String::new()]),
        );
    } else {
        rows.extend(changes.iter().map(|change| {
            let mark = format!("  {}", mark(change.action));
            [mark, short(&change.kind).to_owned(), change.name.clone()]
        }));
    }
    format!("{}\n{}", table(&rows), count(changes))
}

/// As in plans of stacks.
fn mark(action: Action) -> &'static str {
    match action {
        Action::Create => "+",
        Action::Update => "~",
        Action::Replace { is_sure: true } => "+/-",
        Action::Replace { is_sure: false } => "~ or +/-",
        Action::Delete => "-",
        Action::Keep => "kept",
    }
}

fn short(kind: &str) -> &str {
    kind.strip_prefix("AWS::").unwrap_or(kind)
}

fn count(changes: &[ResourceChange]) -> String {
    let of = |wanted: fn(Action) -> bool| changes.iter().filter(|change| wanted(change.action)).count();
    let counts = [
        (of(|action| action == Action::Create), "to create"),
        (of(|action| action == Action::Update), "to change"),
        (of(|action| matches!(action, Action::Replace { .. })), "to replace"),
        (of(|action| action == Action::Delete), "to delete"),
        (of(|action| action == Action::Keep), "to leave behind"),
    ];
    let words: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    match words.is_empty() {
        true => "outputs alone change".to_owned(),
        false => words.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(action: Action, kind: &str, name: &str) -> ResourceChange {
        ResourceChange {
            name: name.to_owned(),
            kind: kind.to_owned(),
            action,
        }
    }

    #[test]
    fn an_installation_is_told_by_kinds() {
        let changes = [
            change(Action::Create, "AWS::IAM::Role", "PlanStackRole"),
            change(Action::Create, "AWS::IAM::Role", "CreateNetworkRole"),
            change(Action::Create, "AWS::DynamoDB::Table", "StateTable"),
        ];
        insta::assert_snapshot!(text(&changes, true), @r"
          + 1  DynamoDB::Table
          + 2  IAM::Role

        3 to create
        ");
    }

    #[test]
    fn an_update_is_told_by_resources() {
        let changes = [
            change(Action::Update, "AWS::Lambda::Function", "CloseOperationFunction"),
            change(
                Action::Create,
                "AWS::Lambda::Version",
                "CloseOperationFunctionVersion8a57be0483",
            ),
            change(
                Action::Keep,
                "AWS::Lambda::Version",
                "CloseOperationFunctionVersionf521b67535",
            ),
            change(Action::Replace { is_sure: true }, "AWS::DynamoDB::Table", "StateTable"),
            change(
                Action::Replace { is_sure: false },
                "AWS::SNS::Topic",
                "NotificationsTopic",
            ),
            change(Action::Delete, "AWS::SQS::Queue", "UnclosedQueue"),
        ];
        insta::assert_snapshot!(text(&changes, false), @r"
          ~         Lambda::Function  CloseOperationFunction
          +         Lambda::Version   CloseOperationFunctionVersion8a57be0483
          kept      Lambda::Version   CloseOperationFunctionVersionf521b67535
          +/-       DynamoDB::Table   StateTable
          ~ or +/-  SNS::Topic        NotificationsTopic
          -         SQS::Queue        UnclosedQueue

        1 to create, 1 to change, 2 to replace, 1 to delete, 1 to leave behind
        ");
        assert!(text(&[], false).contains("outputs alone change"));
    }
}
