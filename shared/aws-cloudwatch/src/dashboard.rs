//! `AWS::CloudWatch::Dashboard`. Dashboards are one account's, in every region the same.

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::Client;
use outrigger_aws::{TAGS, TAGS_GONE, call_error, is_code, missing_tags, surplus_keys, surplus_tags, unchangeable};
use outrigger_engine::ports::provider::{CallError, CallErrorKind, Condition, Difference, Observed, Progress, Target};
use outrigger_model::properties::{Dashboard, Widget, WidgetMetric};
use outrigger_model::resource::is_ours;
use serde_json::{Value, json};

use crate::POLL_SECONDS;
use crate::alarm::{CODES, from_sdk, statistic, to_sdk};

const PUT_DASHBOARD: &str = "cloudwatch:PutDashboard";
const BODY: &str = "body";
/// CloudWatch's protocols have each its own word for it.
const NOT_FOUND: &[&str] = &[
    "ResourceNotFound",
    "ResourceNotFoundException",
    "DashboardNotFoundError",
];
/// How wide a dashboard is, and what is on it.
const WIDTH: usize = 24;
const TEXT_HEIGHT: usize = 3;
const WIDGET_WIDTH: usize = 12;
const WIDGET_HEIGHT: usize = 6;
/// As often as most services publish.
const PERIOD_SECONDS: u32 = 60;

/// A dashboard as CloudWatch shows it.
struct Found {
    arn: String,
    body: String,
    tags: BTreeMap<String, String>,
}

pub(crate) async fn observe(
    client: &Client,
    target: &Target,
    wanted: &Dashboard,
) -> Result<Option<Observed>, CallError> {
    let name = &target.resource.physical_name;
    Ok(find(client, name).await?.map(|found| Observed {
        attributes: BTreeMap::from([("arn".to_owned(), found.arn)]),
        id: name.clone(),
        condition: Condition::Ready,
        ours: is_ours(&found.tags, &target.resource.tags),
        differences: difference(wanted, &found.body)
            .into_iter()
            .chain(missing_tags(&target.resource.tags, &found.tags))
            .chain(surplus_tags(&target.tags_gone, &found.tags))
            .collect(),
        duplicates: Vec::new(),
        pending: Vec::new(),
    }))
}

pub(crate) async fn ensure(
    client: &Client,
    target: &Target,
    wanted: &Dashboard,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    let first = observed.map(|observed| observed.differences.first());
    if first == Some(None) {
        return Ok(Progress::Done);
    }
    // PutDashboard replaces whatever has the name, so that is looked at again just before.
    let there = find(client, &target.resource.physical_name).await?;
    if there
        .as_ref()
        .is_some_and(|there| !is_ours(&there.tags, &target.resource.tags))
    {
        return Err(CallError {
            kind: CallErrorKind::Exists,
            ..CallError::invalid(PUT_DASHBOARD, "a dashboard of that name exists, and is not ours")
        });
    }
    match (first.flatten(), there) {
        (Some(first), Some(there)) if first.property == TAGS => {
            // https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_TagResource.html
            let request = client.tag_resource().resource_arn(there.arn);
            let request = request.set_tags(Some(to_sdk(&target.resource.tags)));
            let answer = request.send().await;
            answer.map_err(|error| call_error("cloudwatch:TagResource", CODES, &error))?;
        }
        (Some(first), Some(there)) if first.property == TAGS_GONE => {
            // https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_UntagResource.html
            let request = client.untag_resource().resource_arn(there.arn);
            let answer = request.set_tag_keys(Some(surplus_keys(first))).send().await;
            answer.map_err(|error| call_error("cloudwatch:UntagResource", CODES, &error))?;
        }
        (Some(first), Some(_)) if first.property != BODY => return Ok(unchangeable("a dashboard", first)),
        _ => return put(client, target, wanted).await,
    }
    Ok(Progress::changed(POLL_SECONDS))
}

/// PutDashboard: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutDashboard.html>. The tags count when
/// it creates; what is there keeps its own.
async fn put(client: &Client, target: &Target, wanted: &Dashboard) -> Result<Progress, CallError> {
    let name = &target.resource.physical_name;
    let answer = client
        .put_dashboard()
        .dashboard_name(name)
        .dashboard_body(body(wanted).to_string())
        .set_tags(Some(to_sdk(&target.resource.tags)))
        .send()
        .await
        .map_err(|error| call_error(PUT_DASHBOARD, CODES, &error))?;
    // What CloudWatch does not understand of a body, it tells, and keeps the body all the same.
    match answer.dashboard_validation_messages().first() {
        Some(problem) => Err(CallError::invalid(PUT_DASHBOARD, problem.message().unwrap_or_default())),
        None => Ok(Progress::created(name, POLL_SECONDS)),
    }
}

/// DeleteDashboards: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DeleteDashboards.html>.
pub(crate) async fn delete(client: &Client, target: &Target) -> Result<Progress, CallError> {
    let name = &target.resource.physical_name;
    match client.delete_dashboards().dashboard_names(name).send().await {
        Ok(_) => Ok(Progress::changed(POLL_SECONDS)),
        Err(error) if is_code(&error, NOT_FOUND) => Ok(Progress::Done),
        Err(error) => Err(call_error("cloudwatch:DeleteDashboards", CODES, &error)),
    }
}

/// GetDashboard and ListTagsForResource:
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetDashboard.html>.
async fn find(client: &Client, name: &str) -> Result<Option<Found>, CallError> {
    let found = match client.get_dashboard().dashboard_name(name).send().await {
        Ok(found) => found,
        Err(error) if is_code(&error, NOT_FOUND) => return Ok(None),
        Err(error) => return Err(call_error("cloudwatch:GetDashboard", CODES, &error)),
    };
    let arn = found.dashboard_arn.unwrap_or_default();
    match client.list_tags_for_resource().resource_arn(&arn).send().await {
        Ok(tags) => Ok(Some(Found {
            arn,
            body: found.dashboard_body.unwrap_or_default(),
            tags: from_sdk(tags.tags()),
        })),
        Err(error) if is_code(&error, NOT_FOUND) => Ok(None),
        Err(error) => Err(call_error("cloudwatch:ListTagsForResource", CODES, &error)),
    }
}

/// However it is written, a body is the same when it says the same.
fn difference(wanted: &Dashboard, actual: &str) -> Option<Difference> {
    let actual: Value = serde_json::from_str(actual).unwrap_or_else(|_| actual.into());
    Difference::between(BODY, &body(wanted), &actual)
}

/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html>
fn body(dashboard: &Dashboard) -> Value {
    let text = json!({
        "type": "text",
        "x": 0,
        "y": 0,
        "width": WIDTH,
        "height": TEXT_HEIGHT,
        "properties": { "markdown": dashboard.text },
    });
    let columns = WIDTH / WIDGET_WIDTH;
    let metric = |(index, widget): (usize, &Widget)| {
        json!({
            "type": "metric",
            "x": index % columns * WIDGET_WIDTH,
            "y": TEXT_HEIGHT + index / columns * WIDGET_HEIGHT,
            "width": WIDGET_WIDTH,
            "height": WIDGET_HEIGHT,
            "properties": {
                "title": widget.title,
                "region": widget.region,
                "view": "timeSeries",
                "stacked": false,
                "period": PERIOD_SECONDS,
                "metrics": metrics(widget),
            },
        })
    };
    let widgets: Vec<Value> = std::iter::once(text)
        .chain(dashboard.widgets.iter().enumerate().map(metric))
        .collect();
    json!({ "widgets": widgets })
}

/// Each is a list: namespace, name, dimensions, and how it is drawn.
fn metrics(widget: &Widget) -> Vec<Value> {
    let one = |of: &WidgetMetric| {
        let dimensions = of.dimensions.iter();
        let dimensions = dimensions.flat_map(|(name, value)| [json!(name), json!(value.text())]);
        let drawn = json!({ "stat": statistic(of.statistic).as_str() });
        let named = [json!(of.namespace), json!(of.metric)].into_iter();
        Value::Array(named.chain(dimensions).chain([drawn]).collect())
    };
    widget.metrics.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use outrigger_model::properties::Statistic;
    use outrigger_model::{Input, Region};

    use super::*;

    fn wanted() -> Dashboard {
        let widget = |title: &str, metric: &str| Widget {
            title: title.to_owned(),
            region: Region::new("us-east-2"),
            metrics: vec![WidgetMetric {
                namespace: "AWS/ApiGateway".to_owned(),
                metric: metric.to_owned(),
                dimensions: BTreeMap::from([
                    ("ApiName".to_owned(), Input::Text("shop".to_owned())),
                    ("Stage".to_owned(), Input::Text("prod".to_owned())),
                ]),
                statistic: Statistic::Sum,
            }],
        };
        Dashboard {
            text: "# shop".to_owned(),
            widgets: vec![
                widget("requests", "Count"),
                widget("errors", "5XXError"),
                widget("latency", "Latency"),
            ],
        }
    }

    #[test]
    fn widgets_stand_side_by_side_below_the_text() {
        let body = body(&wanted());
        let places: Vec<_> = body["widgets"]
            .as_array()
            .unwrap()
            .iter()
            .map(|widget| {
                (
                    widget["type"].as_str().unwrap(),
                    widget["x"].as_u64(),
                    widget["y"].as_u64(),
                )
            })
            .collect();
        assert_eq!(
            places,
            [
                ("text", Some(0), Some(0)),
                ("metric", Some(0), Some(3)),
                ("metric", Some(12), Some(3)),
                ("metric", Some(0), Some(9)),
            ]
        );
        assert_eq!(
            body["widgets"][1]["properties"]["metrics"],
            json!([["AWS/ApiGateway", "Count", "ApiName", "shop", "Stage", "prod", { "stat": "Sum" }]])
        );
    }

    #[test]
    fn a_body_is_compared_by_what_it_says() {
        let pretty = serde_json::to_string_pretty(&body(&wanted())).unwrap();
        assert_eq!(difference(&wanted(), &pretty), None);
        let mut other = body(&wanted());
        other["widgets"][0]["properties"]["markdown"] = "# by hand".into();
        let seen = difference(&wanted(), &other.to_string()).unwrap();
        assert_eq!((seen.property, seen.actual), (BODY, other));
        assert_eq!(difference(&wanted(), "no JSON").unwrap().actual, json!("no JSON"));
    }
}
