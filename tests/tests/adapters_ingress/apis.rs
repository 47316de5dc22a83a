//! APIs, with their deployments and stages, keys and usage plans.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use aws_sdk_apigateway::Client;
use aws_sdk_apigateway::types::{IntegrationType, Op, PatchOperation};
use outrigger_aws_apigateway::Apis;
use outrigger_engine::ports::provider::{CallErrorKind, Observed, Progress, Provider, Target};
use outrigger_model::properties::{
    ApiDeployment, ApiKey, ApiRoute, ApiStage, RecordTo, RestApi, UsagePlan, UsagePlanKey,
};
use outrigger_model::{Properties, Resource};
use outrigger_tests::LocalAws;
use serde_json::{Value, json};

use crate::harness::{
    TOKEN, called, check, check_faults, differences, remove, resource, settle, target, text, with_aws, work,
};
use crate::requests::{post, post_many};

const MESSAGE: &str = r#"{"message":"Data received"}"#;

fn client(aws: &LocalAws) -> Client {
    Client::new(&aws.sdk_config(aws.region()))
}

fn route(api_key: bool, response: &str) -> ApiRoute {
    ApiRoute {
        api_key,
        response: response.to_owned(),
        record_to: None,
    }
}

fn routes() -> BTreeMap<String, ApiRoute> {
    BTreeMap::from([
        ("GET /health".to_owned(), route(false, r#"{"status":"ok"}"#)),
        ("POST /sensor-data".to_owned(), route(true, MESSAGE)),
    ])
}

fn rest_api(aws: &LocalAws, description: &str, routes: &BTreeMap<String, ApiRoute>) -> Resource {
    let properties = RestApi {
        description: description.to_owned(),
        routes: routes.clone(),
    };
    resource(aws, "sensors", Properties::RestApi(properties))
}

fn deployment(aws: &LocalAws, api: &str, hash: &str) -> Resource {
    let properties = ApiDeployment { api: text(api) };
    resource(aws, &format!("sensors.{hash}"), Properties::ApiDeployment(properties))
}

fn stage(aws: &LocalAws, api: &str, deployment: &str) -> Resource {
    let properties = ApiStage {
        api: text(api),
        stage: "prod".to_owned(),
        deployment: text(deployment),
    };
    resource(aws, "sensors.prod", Properties::ApiStage(properties))
}

fn usage_plan(aws: &LocalAws, stage: &str, rate_per_second: u32, burst: u32, description: &str) -> Resource {
    let properties = UsagePlan {
        description: description.to_owned(),
        stage: text(stage),
        rate_per_second,
        burst,
    };
    resource(aws, "sensors", Properties::UsagePlan(properties))
}

fn api_key(aws: &LocalAws, description: &str) -> Resource {
    let description = description.to_owned();
    resource(aws, "sensors", Properties::ApiKey(ApiKey { description }))
}

fn usage_plan_key(aws: &LocalAws, plan: &str, key: &str) -> Resource {
    let (plan, key) = (text(plan), text(key));
    resource(aws, "sensors", Properties::UsagePlanKey(UsagePlanKey { plan, key }))
}

/// As the executor knows it once it stands.
async fn stand(provider: &Apis, resource: &Resource) -> Result<(Target, Observed)> {
    let mut wanted = target(resource, TOKEN);
    let observed = settle(provider, &wanted).await?;
    wanted.id = Some(observed.id.clone());
    Ok((wanted, observed))
}

fn attribute<'a>(observed: &'a Observed, name: &str) -> Result<&'a str> {
    observed
        .attributes
        .get(name)
        .map(String::as_str)
        .with_context(|| format!("no {name}: {observed:?}"))
}

/// An API that answers at a stage, whose key a usage plan knows.
struct Standing {
    /// In the order in which they came.
    targets: Vec<Target>,
    api: String,
    url: String,
    key: String,
}

impl Standing {
    async fn new(aws: &LocalAws, provider: &Apis, routes: &BTreeMap<String, ApiRoute>) -> Result<Self> {
        let (api, api_seen) = stand(provider, &rest_api(aws, "for sensors", routes)).await?;
        let (deployed, deployed_seen) = stand(provider, &deployment(aws, &api_seen.id, "one")).await?;
        let deployment_id = attribute(&deployed_seen, "deployment_id")?;
        let (stage, stage_seen) = stand(provider, &stage(aws, &api_seen.id, deployment_id)).await?;
        let (plan, plan_seen) = stand(provider, &usage_plan(aws, &stage_seen.id, 200, 400, "a plan")).await?;
        let (key, key_seen) = stand(provider, &api_key(aws, "a key")).await?;
        let (pair, _) = stand(provider, &usage_plan_key(aws, &plan_seen.id, &key_seen.id)).await?;
        Ok(Self {
            targets: vec![api, deployed, stage, plan, key, pair],
            api: api_seen.id,
            url: attribute(&stage_seen, "url")?.to_owned(),
            key: key_seen.id,
        })
    }

    /// The key's value, which only who uses it asks for.
    async fn key_value(&self, client: &Client) -> Result<String> {
        let key = client
            .get_api_key()
            .api_key(&self.key)
            .include_value(true)
            .send()
            .await?;
        key.value.context("no value")
    }

    async fn go(self, provider: &Apis) -> Result<()> {
        for target in self.targets.iter().rev() {
            remove(provider, target).await?;
        }
        Ok(())
    }
}

/// A create that nothing but a tag tells is sent once; what became of it is seen.
async fn check_lost(aws: &LocalAws, provider: &Apis, resource: &Resource, operation: &str) -> Result<()> {
    let wanted = target(resource, TOKEN);
    for (fault, expected, made) in [
        ("throttle", CallErrorKind::Throttled, false),
        ("lose_requests", CallErrorKind::Unknown, false),
        ("lose_answers", CallErrorKind::Unknown, true),
    ] {
        aws.set_faults(&json!({fault: [{"service": "apigateway", "operation": operation, "times": 1}]}))?;
        let answered = provider.ensure(&wanted, None).await.map_err(|error| error.kind);
        ensure!(answered == Err(expected), "{operation}, {fault}: {answered:?}");
        let observed = provider.observe(&wanted).await?;
        ensure!(observed.is_some() == made, "{operation}, {fault}: {observed:?}");
    }
    aws.set_faults(&json!({}))?;
    ensure!(
        settle(provider, &wanted).await?.duplicates.is_empty(),
        "{operation} was sent twice"
    );
    remove(provider, &wanted).await
}

#[test]
fn every_kind_conforms() -> Result<()> {
    with_aws(async |aws| {
        let provider = Apis::new(&aws.aws());
        let client = client(aws);
        let wanted = rest_api(aws, "for sensors", &routes());
        check(aws, &provider, &wanted, None).await?;
        check_lost(aws, &provider, &wanted, "CreateRestApi").await?;
        let (api, api_seen) = stand(&provider, &wanted).await?;
        ensure!(attribute(&api_seen, "name")? == wanted.physical_name);

        let wanted = deployment(aws, &api_seen.id, "one");
        check(aws, &provider, &wanted, None).await?;
        check_lost(aws, &provider, &wanted, "CreateDeployment").await?;
        let (deployed, seen) = stand(&provider, &wanted).await?;
        let deployment_id = attribute(&seen, "deployment_id")?.to_owned();

        let wanted = stage(aws, &api_seen.id, &deployment_id);
        let (id, deployment) = (api_seen.id.clone(), deployment_id.clone());
        let id_too = id.clone();
        let taken = (
            work(&client, move |client| {
                let request = client.create_stage().rest_api_id(&id).stage_name("prod");
                let request = request.deployment_id(&deployment);
                async move { Ok(request.send().await.map(drop)?) }
            }),
            work(&client, move |client| {
                let request = client.delete_stage().rest_api_id(&id_too).stage_name("prod");
                async move { Ok(request.send().await.map(drop)?) }
            }),
        );
        check(aws, &provider, &wanted, Some(taken)).await?;
        check_faults(aws, &provider, &wanted, ["apigateway", "CreateStage"]).await?;
        let (stage, stage_seen) = stand(&provider, &wanted).await?;
        let url = format!(
            "https://{}.execute-api.{}.amazonaws.com/prod",
            api_seen.id,
            aws.region()
        );
        ensure!(attribute(&stage_seen, "url")? == url);

        let wanted = usage_plan(aws, &stage_seen.id, 200, 400, "a plan");
        check(aws, &provider, &wanted, None).await?;
        check_lost(aws, &provider, &wanted, "CreateUsagePlan").await?;
        let (plan, plan_seen) = stand(&provider, &wanted).await?;

        let wanted = api_key(aws, "a key");
        check(aws, &provider, &wanted, None).await?;
        check_lost(aws, &provider, &wanted, "CreateApiKey").await?;
        let (key, key_seen) = stand(&provider, &wanted).await?;

        let wanted = usage_plan_key(aws, &plan_seen.id, &key_seen.id);
        check(aws, &provider, &wanted, None).await?;
        check_faults(aws, &provider, &wanted, ["apigateway", "CreateUsagePlanKey"]).await?;
        let (pair, _) = stand(&provider, &wanted).await?;

        // What something points to stays until that is gone.
        let seen = provider.observe(&deployed).await?.context("gone")?;
        let refused = provider.delete(&deployed, &seen).await.map_err(|error| error.kind);
        ensure!(refused == Err(CallErrorKind::NotYet), "{refused:?}");
        for target in [&pair, &key, &plan, &stage, &deployed, &api] {
            remove(&provider, target).await?;
        }
        // An API takes everything in it along.
        for target in [&deployed, &stage] {
            ensure!(provider.observe(target).await?.is_none(), "{}", target.resource.key);
        }
        // Nobody has asked for the value of a key.
        ensure!(
            aws.calls()?
                .iter()
                .all(|call| !call.parameters.to_string().contains("includeValue\":\"true"))
        );
        Ok(())
    })
}

#[test]
fn everything_changes_in_place() -> Result<()> {
    with_aws(async |aws| {
        let provider = Apis::new(&aws.aws());
        let client = client(aws);
        let standing = Standing::new(aws, &provider, &routes()).await?;
        let [api, deployed, stage_target, plan, key, _] = standing.targets.as_slice() else {
            anyhow::bail!("not all of it stands");
        };
        let change = async |standing: &Target, to: &Resource, expected: &[String], call: &str| -> Result<()> {
            let wanted = Target {
                resource: to.clone(),
                ..standing.clone()
            };
            let found = differences(&provider, &wanted).await?;
            ensure!(found == expected, "{found:?} instead of {expected:?}");
            let before = called(aws, call)?;
            let observed = settle(&provider, &wanted).await?;
            ensure!(standing.id.as_ref() == Some(&observed.id), "another one: {observed:?}");
            ensure!(called(aws, call)? == before + 1, "{call} was not called once");
            settle(&provider, standing).await.map(drop)
        };
        let described = |of: &str, to: &str| format!("description: {} / {}", json!(of), json!(to));
        let to = rest_api(aws, "for others", &routes());
        change(api, &to, &[described("for others", "for sensors")], "UpdateRestApi").await?;
        let mut others = routes();
        others.insert("GET /health".to_owned(), route(false, r#"{"status":"well"}"#));
        others.insert("PUT /devices/{id}".to_owned(), route(true, MESSAGE));
        others.remove("POST /sensor-data");
        let (new, old) = (json!(others), json!(routes()));
        let expected = json!({"GET /health": new["GET /health"], "POST /sensor-data": null,
            "PUT /devices/{id}": new["PUT /devices/{id}"]});
        let there = json!({"GET /health": old["GET /health"], "POST /sensor-data": old["POST /sensor-data"],
            "PUT /devices/{id}": null});
        let to = rest_api(aws, "for sensors", &others);
        change(api, &to, &[format!("routes: {expected} / {there}")], "PutRestApi").await?;

        // Another deployment at the stage.
        let next = target(&deployment(aws, &standing.api, "two"), TOKEN);
        let next_seen = settle(&provider, &next).await?;
        let next_id = attribute(&next_seen, "deployment_id")?;
        let first = provider.observe(deployed).await?.context("the first is gone")?;
        let first_id = attribute(&first, "deployment_id")?;
        ensure!(first_id != next_id && first.duplicates.is_empty(), "{first:?}");
        let to = stage(aws, &standing.api, next_id);
        change(
            stage_target,
            &to,
            &[format!("deployment: {} / {}", json!(next_id), json!(first_id))],
            "UpdateStage",
        )
        .await?;
        remove(&provider, &next).await?;

        // All that differs of a plan is one call: API Gateway takes one in 20 s.
        let stage_id = stage_target.id.clone().context("no id")?;
        let to = usage_plan(aws, &stage_id, 20, 40, "another plan");
        let expected = [
            "rate_per_second: 20 / 200.0".to_owned(),
            "burst: 40 / 400".to_owned(),
            described("another plan", "a plan"),
        ];
        change(plan, &to, &expected, "UpdateUsagePlan").await?;
        change(
            key,
            &api_key(aws, "another key"),
            &[described("another key", "a key")],
            "UpdateApiKey",
        )
        .await?;

        // Tags of each, and those that are not wanted any more.
        for standing in [api, stage_target, plan, key] {
            let mut wanted = standing.clone();
            wanted.resource.tags.insert("Team".to_owned(), "data".to_owned());
            ensure!(differences(&provider, &wanted).await? == [r#"tags: {"Team":"data"} / {"Team":null}"#]);
            settle(&provider, &wanted).await?;
            let mut wanted = standing.clone();
            wanted.tags_gone = BTreeSet::from(["Team".to_owned()]);
            ensure!(differences(&provider, &wanted).await? == [r#"tags_gone: {"Team":null} / {"Team":"data"}"#]);
            settle(&provider, &wanted).await?;
            let now = Target {
                tags_gone: wanted.tags_gone.clone(),
                ..standing.clone()
            };
            ensure!(differences(&provider, &now).await?.is_empty());
        }
        drop(client);
        standing.go(&provider).await
    })
}

#[test]
fn what_somebody_changes_is_told_and_made_as_it_was() -> Result<()> {
    with_aws(async |aws| {
        let provider = Apis::new(&aws.aws());
        let client = client(aws);
        let standing = Standing::new(aws, &provider, &routes()).await?;
        let [api, _, stage, plan, key, pair] = standing.targets.as_slice() else {
            anyhow::bail!("not all of it stands");
        };
        let operation =
            |op: Op, path: &str, value: &str| PatchOperation::builder().op(op).path(path).value(value).build();
        let id = &standing.api;

        // A route is opened, and another leads elsewhere.
        let resources = client.get_resources().rest_api_id(id).send().await?;
        let at = |path: &str| {
            let found = resources.items().iter().find(|resource| resource.path() == Some(path));
            found
                .and_then(|resource| resource.id())
                .map(str::to_owned)
                .with_context(|| format!("no {path}"))
        };
        let open = client
            .update_method()
            .rest_api_id(id)
            .resource_id(at("/sensor-data")?)
            .http_method("POST");
        open.patch_operations(operation(Op::Replace, "/apiKeyRequired", "false"))
            .send()
            .await?;
        let elsewhere = client
            .put_integration()
            .rest_api_id(id)
            .resource_id(at("/health")?)
            .http_method("GET");
        let elsewhere = elsewhere
            .r#type(IntegrationType::HttpProxy)
            .integration_http_method("GET");
        elsewhere.uri("https://example.com").send().await?;
        let observed = provider.observe(api).await?.context("gone")?;
        let told = observed.differences.first().context("nothing is told")?;
        ensure!(
            observed.differences.len() == 1 && told.property == "routes",
            "{observed:?}"
        );
        ensure!(told.wanted == json!(routes()), "{told:?}");
        ensure!(
            told.actual["POST /sensor-data"] == json!(route(false, MESSAGE)),
            "{told:?}"
        );
        let seen = &told.actual["GET /health"];
        ensure!(
            seen["integration"] == "HTTP_PROXY" && seen["uri"] == "https://example.com",
            "{told:?}"
        );
        settle(&provider, api).await?;

        // What was deployed is not edited; who deploys it over the stage is.
        let theirs = client
            .create_deployment()
            .rest_api_id(id)
            .stage_name("prod")
            .send()
            .await?;
        let theirs = theirs.id().context("no id")?;
        let found = differences(&provider, stage).await?;
        ensure!(
            found.len() == 1 && found[0].ends_with(&json!(theirs).to_string()),
            "{found:?}"
        );
        settle(&provider, stage).await?;

        // Limits, and a further stage.
        let limits = client
            .update_usage_plan()
            .usage_plan_id(plan.id.as_deref().unwrap_or_default());
        limits
            .patch_operations(operation(Op::Replace, "/throttle/burstLimit", "1"))
            .send()
            .await?;
        client
            .create_stage()
            .rest_api_id(id)
            .stage_name("theirs")
            .deployment_id(theirs)
            .send()
            .await?;
        let further = client
            .update_usage_plan()
            .usage_plan_id(plan.id.as_deref().unwrap_or_default());
        further
            .patch_operations(operation(Op::Add, "/apiStages", &format!("{id}:theirs")))
            .send()
            .await?;
        let stages = format!(
            "stage: {} / {}",
            json!(stage.id),
            json!(format!("{id}:prod {id}:theirs"))
        );
        ensure!(differences(&provider, plan).await? == [stages, "burst: 400 / 1".to_owned()]);
        settle(&provider, plan).await?;

        // A key that is switched off, and one that is taken out of its plan.
        let off = client.update_api_key().api_key(&standing.key);
        off.patch_operations(operation(Op::Replace, "/enabled", "false"))
            .send()
            .await?;
        let found = differences(&provider, key).await?;
        ensure!(found == ["enabled: true / false"], "{found:?}");
        settle(&provider, key).await?;
        let (plan_id, key_id) = (plan.id.as_deref().unwrap_or_default(), &standing.key);
        client
            .delete_usage_plan_key()
            .usage_plan_id(plan_id)
            .key_id(key_id)
            .send()
            .await?;
        ensure!(provider.observe(pair).await?.is_none());
        settle(&provider, pair).await?;

        // An API without our tags is not ours, and what is in it nobody's business.
        let arn = format!("arn:aws:apigateway:{}::/restapis/{id}", aws.region());
        client
            .untag_resource()
            .resource_arn(arn)
            .tag_keys("outrigger:stack")
            .send()
            .await?;
        ensure!(!provider.observe(api).await?.context("gone")?.ours);
        Ok(())
    })
}

#[test]
fn throttled_changes_are_tried_again() -> Result<()> {
    with_aws(async |aws| {
        let provider = Apis::new(&aws.aws());
        let wanted = target(&rest_api(aws, "for sensors", &routes()), TOKEN);
        for operation in ["CreateRestApi", "PutRestApi", "DeleteRestApi"] {
            aws.set_faults(&json!({"throttle": [{"service": "apigateway", "operation": operation, "times": 4}]}))?;
            match operation {
                "DeleteRestApi" => remove(&provider, &wanted).await?,
                _ => drop(settle(&provider, &wanted).await?),
            }
        }
        ensure!(provider.observe(&wanted).await?.is_none());
        aws.set_faults(&json!({}))
    })
}

#[test]
fn requests_are_answered_with_the_key_and_no_more_often_than_the_plan_allows() -> Result<()> {
    with_aws(async |aws| {
        let provider = Apis::new(&aws.aws());
        let standing = Standing::new(aws, &provider, &routes()).await?;
        let value = standing.key_value(&client(aws)).await?;
        let url = format!("{}/sensor-data", standing.url);
        ensure!(post(aws, &url, Some(&value), "{}").await? == (200, MESSAGE.to_owned()));
        for key in [None, Some("another-key-than-it-is")] {
            let (status, body) = post(aws, &url, key, "{}").await?;
            ensure!(status == 403 && body.contains("Forbidden"), "{status} {body}");
        }
        // One that is above the limit is told so.
        let plan = Target {
            resource: usage_plan(
                aws,
                standing.targets[2].id.as_deref().unwrap_or_default(),
                1,
                1,
                "a plan",
            ),
            ..standing.targets[3].clone()
        };
        settle(&provider, &plan).await?;
        let mut statuses = BTreeSet::new();
        for _ in 0..20 {
            statuses.insert(post(aws, &url, Some(&value), "{}").await?.0);
        }
        ensure!(
            statuses.contains(&429) && statuses.is_subset(&BTreeSet::from([200, 429])),
            "{statuses:?}"
        );
        standing.go(&provider).await
    })
}

/// As many as the reference stack takes in a minute. How long this machine needs for it is told, and no condition.
const REQUESTS: usize = 10_000;

#[test]
fn ten_thousand_requests_become_as_many_records() -> Result<()> {
    with_aws(async |aws| {
        let (stream, role) = stream_and_role(aws).await?;
        let mut routes = routes();
        let to_stream = ApiRoute {
            record_to: Some(RecordTo {
                stream: text(&stream),
                role: text(role),
            }),
            ..route(true, MESSAGE)
        };
        routes.insert("POST /sensor-data".to_owned(), to_stream);
        let provider = Apis::new(&aws.aws());
        let standing = Standing::new(aws, &provider, &routes).await?;
        // The whole minute's requests may come at once.
        let plan = Target {
            resource: usage_plan(
                aws,
                standing.targets[2].id.as_deref().unwrap_or_default(),
                10_000,
                5_000,
                "a plan",
            ),
            ..standing.targets[3].clone()
        };
        settle(&provider, &plan).await?;
        let client = client(aws);
        let value = standing.key_value(&client).await?;
        let url = format!("{}/sensor-data", standing.url);
        let (taken, per_minute) = post_many(aws, &url, &value, REQUESTS).await?;
        eprintln!("{taken} requests at {per_minute:.0} a minute");
        ensure!(taken == REQUESTS);
        let records = records(aws, &stream).await?;
        ensure!(records.len() == REQUESTS, "{} records", records.len());
        let numbers: BTreeSet<u64> = records.iter().filter_map(|record| record["sensor"].as_u64()).collect();
        ensure!(numbers.len() == REQUESTS, "{} different records", numbers.len());

        // What the stream does not take is never answered as if it had.
        let kinesis = aws_sdk_kinesis::Client::new(&aws.sdk_config(aws.region()));
        kinesis.delete_stream().stream_name(&stream).send().await?;
        let (status, body) = post(aws, &url, Some(&value), "{}").await?;
        ensure!(status == 502 && !body.contains("Data received"), "{status} {body}");
        standing.go(&provider).await
    })
}

/// A stream, and the ARN of a role that may write to it.
async fn stream_and_role(aws: &LocalAws) -> Result<(String, String)> {
    let stream = "data-processing-production-ingest";
    let kinesis = aws_sdk_kinesis::Client::new(&aws.sdk_config(aws.region()));
    kinesis
        .create_stream()
        .stream_name(stream)
        .shard_count(2)
        .send()
        .await?;
    let summary = kinesis.describe_stream_summary().stream_name(stream).send().await?;
    let arn = summary.stream_description_summary.context("no summary")?.stream_arn;
    let iam = aws_sdk_iam::Client::new(&aws.sdk_config(aws.region()));
    let trust = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "apigateway.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ]});
    let role = iam
        .create_role()
        .role_name("sensors")
        .assume_role_policy_document(trust.to_string())
        .send()
        .await?;
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "kinesis:PutRecord", "Resource": arn},
    ]});
    let request = iam.put_role_policy().role_name("sensors").policy_name("records");
    request.policy_document(policy.to_string()).send().await?;
    Ok((stream.to_owned(), role.role.context("no role")?.arn))
}

/// Everything in the stream.
async fn records(aws: &LocalAws, stream: &str) -> Result<Vec<Value>> {
    let kinesis = aws_sdk_kinesis::Client::new(&aws.sdk_config(aws.region()));
    let shards = kinesis.list_shards().stream_name(stream).send().await?;
    let mut records = Vec::new();
    for shard in shards.shards() {
        let request = kinesis
            .get_shard_iterator()
            .stream_name(stream)
            .shard_id(shard.shard_id());
        let iterator = request.shard_iterator_type(aws_sdk_kinesis::types::ShardIteratorType::TrimHorizon);
        let mut next = iterator.send().await?.shard_iterator;
        while let Some(iterator) = next {
            let page = kinesis
                .get_records()
                .shard_iterator(iterator)
                .limit(10_000)
                .send()
                .await?;
            for record in page.records() {
                records.push(serde_json::from_slice(record.data().as_ref())?);
            }
            // An open shard never ends.
            next = page.next_shard_iterator.filter(|_| !page.records.is_empty());
        }
    }
    Ok(records)
}

#[test]
fn a_create_over_what_is_there_answers_so() -> Result<()> {
    with_aws(async |aws| {
        let provider = Apis::new(&aws.aws());
        let standing = Standing::new(aws, &provider, &routes()).await?;
        for target in [&standing.targets[2], &standing.targets[5]] {
            let answered = provider.ensure(target, None).await.map_err(|error| error.kind);
            ensure!(
                answered == Err(CallErrorKind::Exists),
                "{}: {answered:?}",
                target.resource.key
            );
        }
        let observed = provider.observe(&standing.targets[0]).await?;
        ensure!(provider.ensure(&standing.targets[0], observed.as_ref()).await? == Progress::Done);
        standing.go(&provider).await
    })
}
