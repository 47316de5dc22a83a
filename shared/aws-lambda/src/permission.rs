//! `AWS::Lambda::Permission`: a statement of a function's policy. It has no tags: it is a part of its function.

use aws_sdk_lambda::Client;
use outrigger_engine::ports::provider::{CallError, Condition, Difference, Observed, Progress, Target};
use outrigger_model::properties::{FunctionPermission, Input};
use serde_json::Value;

use crate::call::{POLL_SECONDS, changed, deleted, found, not_created};

const ACTION: &str = "lambda:InvokeFunction";

/// GetPolicy: <https://docs.aws.amazon.com/lambda/latest/api/API_GetPolicy.html>.
pub(crate) async fn observe(
    client: &Client,
    target: &Target,
    wanted: &FunctionPermission,
) -> Result<Option<Observed>, CallError> {
    let answer = client.get_policy().function_name(wanted.function.text()).send().await;
    let policy = found("lambda:GetPolicy", answer)?.and_then(|answer| answer.policy);
    let id = &target.resource.physical_name;
    let statement = policy.as_deref().and_then(|policy| statement(policy, id));
    Ok(statement.map(|statement| Observed {
        id: id.clone(),
        condition: Condition::Ready,
        ours: true,
        differences: differences(wanted, &statement),
        ..Observed::default()
    }))
}

/// A statement is never changed: one that is another one than is wanted goes, and is added anew.
pub(crate) async fn ensure(
    client: &Client,
    target: &Target,
    wanted: &FunctionPermission,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    match observed {
        None => add(client, target, wanted).await,
        Some(observed) if observed.differences.is_empty() => Ok(Progress::Done),
        Some(_) => remove(client, target, wanted).await,
    }
}

/// AddPermission: <https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html>.
async fn add(client: &Client, target: &Target, wanted: &FunctionPermission) -> Result<Progress, CallError> {
    let id = &target.resource.physical_name;
    let request = client
        .add_permission()
        .function_name(wanted.function.text())
        .statement_id(id)
        .action(ACTION)
        .principal(&wanted.service)
        .set_source_arn(wanted.source.as_ref().map(|source| source.text().to_owned()));
    match request.send().await {
        Ok(_) => Ok(Progress::created(id, POLL_SECONDS)),
        Err(error) => Err(not_created("lambda:AddPermission", &error)),
    }
}

/// RemovePermission: <https://docs.aws.amazon.com/lambda/latest/api/API_RemovePermission.html>.
pub(crate) async fn remove(
    client: &Client,
    target: &Target,
    wanted: &FunctionPermission,
) -> Result<Progress, CallError> {
    let request = client
        .remove_permission()
        .function_name(wanted.function.text())
        .statement_id(&target.resource.physical_name);
    match request.send().await {
        Ok(_) => changed::<_, aws_sdk_lambda::operation::remove_permission::RemovePermissionError>(
            "lambda:RemovePermission",
            Ok(()),
        ),
        Err(error) => deleted::<(), _>("lambda:RemovePermission", Err(error)),
    }
}

/// The statement with an id.
fn statement(policy: &str, id: &str) -> Option<Value> {
    let policy: Value = serde_json::from_str(policy).ok()?;
    let statements = policy.get("Statement")?.as_array()?;
    statements.iter().find(|statement| statement["Sid"] == id).cloned()
}

fn differences(wanted: &FunctionPermission, actual: &Value) -> Vec<Difference> {
    let told = |value: &Value| match value.as_str() {
        Some(text) => Value::from(text),
        // Whatever it is, in its own words.
        None if value.is_null() => Value::Null,
        None => value.to_string().into(),
    };
    let service = told(match &actual["Principal"]["Service"] {
        Value::Null => &actual["Principal"],
        service => service,
    });
    let condition = &actual["Condition"];
    let source = told(match &condition["ArnLike"]["AWS:SourceArn"] {
        Value::Null => condition,
        source => source,
    });
    let wanted_source = wanted.source.as_ref().map(Input::text);
    [
        Difference::between("service", &Value::from(wanted.service.as_str()), &service),
        Difference::between("source", &wanted_source.map_or(Value::Null, Value::from), &source),
        Difference::between("action", &Value::from(ACTION), &told(&actual["Action"])),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_statement_is_compared_as_it_was_added() {
        let wanted = FunctionPermission {
            function: Input::Text("shop-test-recorder".to_owned()),
            service: "events.amazonaws.com".to_owned(),
            source: Some(Input::Text("arn:rule".to_owned())),
        };
        let actual = json!({
            "Sid": "shop-test-recorder", "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"},
            "Action": "lambda:InvokeFunction", "Resource": "arn:function",
            "Condition": {"ArnLike": {"AWS:SourceArn": "arn:rule"}},
        });
        let policy = json!({"Version": "2012-10-17", "Statement": [{"Sid": "theirs"}, actual]}).to_string();
        let found = statement(&policy, "shop-test-recorder").unwrap();
        assert!(differences(&wanted, &found).is_empty());
        assert_eq!(statement(&policy, "other"), None);
        let mut wider = found;
        wider["Principal"] = json!("*");
        wider["Condition"] = Value::Null;
        let told: Vec<_> = differences(&wanted, &wider)
            .iter()
            .map(|of| (of.property, of.actual.clone()))
            .collect();
        assert_eq!(told, [("service", json!("*")), ("source", Value::Null)]);
    }
}
