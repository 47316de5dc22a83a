//! DB parameter groups.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use aws_sdk_rds::types::{ApplyMethod, Parameter};
use outrigger_engine::ports::provider::{Progress, Provider};
use outrigger_model::Resource;
use serde_json::json;

use crate::databases::{databases, parameter_group};
use crate::harness::{TOKEN, called, check, check_faults, differences, remove, settle, target, with_aws, work};

#[test]
fn db_parameter_groups() -> Result<()> {
    with_aws(async |aws| {
        let client = aws_sdk_rds::Client::new(&aws.sdk_config(aws.region()));
        let provider = databases(&aws.aws());
        let group = |parameters: &[(&str, &str)]| parameter_group(aws, "main", "postgres15", parameters);
        let reference = [
            ("log_statement", "all"),
            ("shared_preload_libraries", "pg_stat_statements"),
        ];
        let wanted = group(&reference);
        let name = wanted.physical_name.clone();
        let (take, give_back) = (name.clone(), name.clone());
        let taken = (
            work(&client, move |client| {
                let request = client.create_db_parameter_group().db_parameter_group_name(&take);
                let request = request.db_parameter_group_family("postgres15").description("theirs");
                async move { Ok(request.send().await.map(drop)?) }
            }),
            work(&client, move |client| {
                let request = client.delete_db_parameter_group().db_parameter_group_name(&give_back);
                async move { Ok(request.send().await.map(drop)?) }
            }),
        );
        check(aws, &provider, &wanted, Some(taken)).await?;
        check_faults(aws, &provider, &wanted, ["rds", "CreateDBParameterGroup"]).await?;

        // What a group sets, with the way in which each takes effect.
        let shown = async || {
            let output = client
                .describe_db_parameters()
                .db_parameter_group_name(&name)
                .source("user")
                .send()
                .await?;
            let parameters = output.parameters.unwrap_or_default().into_iter();
            let pairs = parameters.filter_map(|of| Some((of.parameter_name?, (of.parameter_value?, of.apply_method?))));
            anyhow::Ok(pairs.collect::<BTreeMap<_, _>>())
        };
        let observed = settle(&provider, &target(&wanted, TOKEN)).await?;
        ensure!(observed.id == name, "{observed:?}");
        let set = |name: &str, value: &str, method| (name.to_owned(), (value.to_owned(), method));
        let expected = [
            set("log_statement", "all", ApplyMethod::Immediate),
            set(
                "shared_preload_libraries",
                "pg_stat_statements",
                ApplyMethod::PendingReboot,
            ),
        ];
        ensure!(shown().await? == BTreeMap::from(expected), "{:?}", shown().await?);

        // Values change, come and go: each of these from the one before.
        let table: [&[(&str, &str)]; 4] = [
            &[
                ("log_statement", "ddl"),
                ("shared_preload_libraries", "pg_stat_statements"),
            ],
            &[
                ("log_statement", "ddl"),
                ("max_connections", "300"),
                ("work_mem", "8192"),
            ],
            &[("shared_preload_libraries", "auto_explain")],
            &[],
        ];
        for parameters in table {
            let changed = target(&group(parameters), TOKEN);
            ensure!(differences(&provider, &changed).await?.len() == 1);
            settle(&provider, &changed).await?;
            let found: BTreeMap<_, _> = shown()
                .await?
                .into_iter()
                .map(|(name, (value, _))| (name, value))
                .collect();
            let wanted = parameters
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            ensure!(found == wanted.collect::<BTreeMap<_, _>>(), "{found:?}");
        }
        many(aws, &provider, &group).await?;

        // What somebody changes is told as it is, and made as it was.
        let wanted = target(&wanted, TOKEN);
        settle(&provider, &wanted).await?;
        let theirs = Parameter::builder().parameter_name("work_mem").parameter_value("8192");
        let request = client.modify_db_parameter_group().db_parameter_group_name(&name);
        let request = request.parameters(theirs.apply_method(ApplyMethod::Immediate).build());
        request.send().await?;
        let mut actual = BTreeMap::from(reference);
        actual.insert("work_mem", "8192");
        let expected = format!("parameters: {} / {}", json!(BTreeMap::from(reference)), json!(actual));
        ensure!(differences(&provider, &wanted).await? == [expected]);
        settle(&provider, &wanted).await?;
        ensure!(shown().await?.len() == 2);

        // A family never changes.
        let mut other = parameter_group(aws, "main", "postgres16", &reference);
        other.physical_name.clone_from(&name);
        other.key.clone_from(&wanted.resource.key);
        other.tags.clone_from(&wanted.resource.tags);
        let other = target(&other, TOKEN);
        let seen = provider.observe(&other).await?.context("gone")?;
        let progress = provider.ensure(&other, Some(&seen)).await?;
        ensure!(
            matches!(&progress, Progress::Blocked { reason } if reason.contains("family")),
            "{progress:?}"
        );
        remove(&provider, &wanted).await
    })
}

/// More parameters than one call takes.
async fn many(
    aws: &outrigger_tests::LocalAws,
    provider: &dyn Provider,
    group: &impl Fn(&[(&str, &str)]) -> Resource,
) -> Result<()> {
    let region = outrigger_model::Region::new(aws.region());
    let all = outrigger_aws_rds::parameters(&aws.aws(), &region, "postgres15").await?;
    // Each with a value that it allows: the last of `a,b,c` or of `1-100`.
    let values: Vec<_> = all
        .iter()
        .filter(|(_, of)| of.is_modifiable && !of.is_static)
        .filter_map(|(name, of)| Some((name.as_str(), of.allowed_values.as_deref()?.rsplit([',', '-']).next()?)))
        .take(25)
        .collect();
    ensure!(values.len() > 20, "there are only {} to try", values.len());
    let modified = called(aws, "ModifyDBParameterGroup")?;
    settle(provider, &target(&group(&values), TOKEN)).await?;
    ensure!(called(aws, "ModifyDBParameterGroup")? == modified + 2);
    let reset = called(aws, "ResetDBParameterGroup")?;
    settle(provider, &target(&group(&[]), TOKEN)).await?;
    ensure!(called(aws, "ResetDBParameterGroup")? == reset + 2);
    Ok(())
}
