//! Buckets, with their replication.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration, Tag, Tagging, VersioningConfiguration,
};
use outrigger_aws_s3::{Buckets, holds_objects};
use outrigger_engine::ports::provider::{Observed, Progress, Provider, Target};
use outrigger_model::properties::{Bucket, BucketReplication};
use outrigger_model::{Properties, Region, Resource};
use outrigger_tests::LocalAws;
use serde_json::json;

use crate::harness::{
    TOKEN, called, check, check_faults, differences, remove, resource, settle, target, text, with_aws, work,
};

const ACCOUNT: &str = "000000000000";
const FIRST: &str = "us-east-1";
const SECOND: &str = "us-east-2";

/// A resource of another region than the tests' own.
fn in_region(mut resource: Resource, region: &str) -> Resource {
    resource.key.region = Region::new(region);
    let key = resource.key.to_string();
    resource.tags.insert("outrigger:resource".to_owned(), key);
    resource
}

fn bucket(aws: &LocalAws, region: &str, force_empty: bool) -> Resource {
    in_region(
        resource(aws, "documents", Properties::Bucket(Bucket { force_empty })),
        region,
    )
}

fn replication(aws: &LocalAws, region: &str, from: &Observed, to: &Observed) -> Resource {
    let properties = BucketReplication {
        bucket: text(&from.id),
        destination: text(&to.attributes["arn"]),
        role: text("arn:aws:iam::000000000000:role/outrigger/documents"),
    };
    let resource = resource(aws, "documents", Properties::BucketReplication(properties));
    in_region(resource, region)
}

fn client(aws: &LocalAws, region: &str) -> Client {
    Client::new(&aws.sdk_config(region))
}

/// The role that S3 copies objects as.
async fn role(aws: &LocalAws) -> Result<()> {
    let client = aws_sdk_iam::Client::new(&aws.sdk_config(aws.region()));
    let trust = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ]});
    let create = client.create_role().role_name("documents").path("/outrigger/");
    create.assume_role_policy_document(trust.to_string()).send().await?;
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::data-processing-production-documents-*"},
    ]});
    let put = client.put_role_policy().role_name("documents").policy_name("allows");
    put.policy_document(policy.to_string()).send().await?;
    Ok(())
}

async fn put(client: &Client, bucket: &str, key: &str, content: &str) -> Result<()> {
    let body = ByteStream::from(content.as_bytes().to_vec());
    client.put_object().bucket(bucket).key(key).body(body).send().await?;
    Ok(())
}

async fn get(client: &Client, bucket: &str, key: &str) -> Result<String> {
    let object = client.get_object().bucket(bucket).key(key).send().await?;
    Ok(String::from_utf8(object.body.collect().await?.to_vec())?)
}

#[test]
fn buckets_conform() -> Result<()> {
    with_aws(async |aws| {
        let provider = Buckets::new(&aws.aws(), ACCOUNT);
        let client = client(aws, SECOND);
        let wanted = bucket(aws, SECOND, false);
        let name = format!("{}-{ACCOUNT}-{SECOND}", wanted.physical_name);
        let (take, give_back) = (name.clone(), name.clone());
        let taken = (
            work(&client, move |client| {
                let there = CreateBucketConfiguration::builder();
                let there = there
                    .location_constraint(BucketLocationConstraint::from(SECOND))
                    .build();
                let request = client.create_bucket().bucket(&take).create_bucket_configuration(there);
                async move { Ok(request.send().await.map(drop)?) }
            }),
            work(&client, move |client| {
                let request = client.delete_bucket().bucket(&give_back);
                async move { Ok(request.send().await.map(drop)?) }
            }),
        );
        check(aws, &provider, &wanted, Some(taken)).await?;
        check_faults(aws, &provider, &wanted, ["s3", "CreateBucket"]).await?;

        // In us-east-1 a bucket that the account has is told as if it were created; whose it is, shows.
        let elsewhere = crate::buckets::client(aws, FIRST);
        let here = target(&bucket(aws, FIRST, false), TOKEN);
        let name = format!("{}-{ACCOUNT}-{FIRST}", here.resource.physical_name);
        elsewhere.create_bucket().bucket(&name).send().await?;
        provider.ensure(&here, None).await?;
        let observed = provider.observe(&here).await?.context("nothing is there")?;
        ensure!(!observed.ours, "{observed:?}");
        elsewhere.delete_bucket().bucket(&name).send().await?;

        // Without the account's number nothing has a name.
        let nameless = Buckets::new(&aws.aws(), "").observe(&here).await;
        ensure!(nameless.is_err_and(|error| error.message.contains("OUTRIGGER_ACCOUNT")));
        Ok(())
    })
}

#[test]
fn what_somebody_changes_is_told_and_put_right() -> Result<()> {
    with_aws(async |aws| {
        let provider = Buckets::new(&aws.aws(), ACCOUNT);
        let client = client(aws, SECOND);
        let wanted = target(&bucket(aws, SECOND, false), TOKEN);
        let observed = settle(&provider, &wanted).await?;
        let name = observed.id.clone();
        ensure!(
            name == format!("data-processing-production-documents-{ACCOUNT}-{SECOND}"),
            "{name}"
        );
        ensure!(observed.attributes["arn"] == format!("arn:aws:s3:::{name}"));
        ensure!(observed.attributes["objects"] == format!("arn:aws:s3:::{name}/*"));

        let suspended = VersioningConfiguration::builder()
            .status(BucketVersioningStatus::Suspended)
            .build();
        let request = client.put_bucket_versioning().bucket(&name);
        request.versioning_configuration(suspended).send().await?;
        client.delete_public_access_block().bucket(&name).send().await?;
        client.delete_bucket_ownership_controls().bucket(&name).send().await?;
        let current = client.get_bucket_tagging().bucket(&name).send().await?.tag_set;
        let mut tags: Vec<Tag> = current.into_iter().filter(|tag| tag.key != "Environment").collect();
        tags.push(Tag::builder().key("Cost").value("theirs").build()?);
        let tagging = Tagging::builder().set_tag_set(Some(tags)).build()?;
        client
            .put_bucket_tagging()
            .bucket(&name)
            .tagging(tagging)
            .send()
            .await?;
        let told = differences(&provider, &wanted).await?;
        let blocked = r#"["block_public_acls","block_public_policy","ignore_public_acls","restrict_public_buckets"]"#;
        ensure!(
            told == [
                r#"versioning: "Enabled" / "Suspended""#.to_owned(),
                format!("public_access: {blocked} / []"),
                r#"ownership: "BucketOwnerEnforced" / null"#.to_owned(),
                r#"tags: {"Environment":"production"} / {"Environment":null}"#.to_owned(),
            ],
            "{told:?}"
        );
        settle(&provider, &wanted).await?;
        let tags = async || {
            let tags = client.get_bucket_tagging().bucket(&name).send().await?.tag_set;
            anyhow::Ok(
                tags.into_iter()
                    .map(|tag| format!("{}={}", tag.key, tag.value))
                    .collect::<BTreeSet<_>>(),
            )
        };
        ensure!(tags().await?.contains("Cost=theirs") && tags().await?.contains("Environment=production"));
        let gone = Target {
            tags_gone: BTreeSet::from(["Cost".to_owned()]),
            ..wanted.clone()
        };
        settle(&provider, &gone).await?;
        ensure!(!tags().await?.contains("Cost=theirs"));
        remove(&provider, &wanted).await
    })
}

#[test]
fn a_bucket_goes_with_what_is_in_it_only_where_it_may() -> Result<()> {
    with_aws(async |aws| {
        let provider = Buckets::new(&aws.aws(), ACCOUNT);
        let client = client(aws, SECOND);
        let kept = target(&bucket(aws, SECOND, false), TOKEN);
        let observed = settle(&provider, &kept).await?;
        let name = &observed.id;
        let region = Region::new(SECOND);
        ensure!(!holds_objects(&aws.aws(), &region, name).await?);
        ensure!(!holds_objects(&aws.aws(), &region, "there-is-no-such-bucket").await?);
        for number in 0..1_002 {
            put(&client, name, &format!("{number}.txt"), "a document").await?;
        }
        // The log calls one deletion and one of many alike. A deletion leaves the version, and a marker.
        client.delete_object().bucket(name).key("0.txt").send().await?;
        ensure!(holds_objects(&aws.aws(), &region, name).await?);
        let refused = provider.delete(&kept, &observed).await?;
        ensure!(
            matches!(&refused, Progress::Blocked { reason } if reason.contains(name) && reason.contains("`force_empty: true`")),
            "{refused:?}"
        );
        ensure!(called(aws, "DeleteObject")? == 1 && get(&client, name, "1.txt").await? == "a document");

        // 1000 by each call, then the bucket.
        let forced = target(&bucket(aws, SECOND, true), TOKEN);
        remove(&provider, &forced).await?;
        ensure!(called(aws, "DeleteObject")? == 3 && called(aws, "DeleteBucket")? == 1);
        ensure!(
            provider.delete(&forced, &observed).await? == Progress::Done,
            "absent means done"
        );
        Ok(())
    })
}

#[test]
fn what_is_put_into_one_bucket_is_read_from_the_other() -> Result<()> {
    with_aws(async |aws| {
        let provider = Buckets::new(&aws.aws(), ACCOUNT);
        let [here, there] = [FIRST, SECOND].map(|region| client(aws, region));
        let [first, second] = [FIRST, SECOND].map(|region| target(&bucket(aws, region, true), TOKEN));
        role(aws).await?;
        let (one, two) = (settle(&provider, &first).await?, settle(&provider, &second).await?);
        let forth = replication(aws, FIRST, &one, &two);
        check(aws, &provider, &forth, None).await?;
        check_faults(aws, &provider, &forth, ["s3", "PutReplicationConfiguration"]).await?;
        let forth = target(&forth, TOKEN);
        let back = target(&replication(aws, SECOND, &two, &one), TOKEN);
        settle(&provider, &forth).await?;
        settle(&provider, &back).await?;

        // The rule, as S3 has it.
        let configuration = here.get_bucket_replication().bucket(&one.id).send().await?;
        let configuration = configuration.replication_configuration.context("no configuration")?;
        let rule = configuration.rules.first().context("no rule")?;
        let destination = rule.destination.as_ref().context("no destination")?;
        ensure!(configuration.rules.len() == 1 && rule.id.as_deref() == Some("outrigger"));
        ensure!(destination.bucket == two.attributes["arn"]);
        let time = destination.replication_time.as_ref().and_then(|of| of.time.as_ref());
        ensure!(time.and_then(|of| of.minutes) == Some(15), "{destination:?}");
        ensure!(destination.metrics.is_some());

        // Both ways, deletions too.
        put(&here, &one.id, "a.txt", "from here").await?;
        ensure!(get(&there, &two.id, "a.txt").await? == "from here");
        put(&there, &two.id, "b.txt", "from there").await?;
        ensure!(get(&here, &one.id, "b.txt").await? == "from there");
        here.delete_object().bucket(&one.id).key("a.txt").send().await?;
        ensure!(
            get(&there, &two.id, "a.txt").await.is_err(),
            "the deletion did not arrive"
        );

        // Somebody lets it lead to a role of their own.
        let theirs = aws_sdk_s3::types::ReplicationConfiguration::builder()
            .role("arn:aws:iam::000000000000:role/theirs")
            .rules(rule.clone())
            .build()?;
        let request = here.put_bucket_replication().bucket(&one.id);
        request.replication_configuration(theirs).send().await?;
        let told = differences(&provider, &forth).await?;
        ensure!(told.len() == 1 && told[0].starts_with("role: "), "{told:?}");
        settle(&provider, &forth).await?;

        for gone in [&forth, &back, &first, &second] {
            remove(&provider, gone).await?;
        }
        let left = here.list_buckets().send().await?.buckets.unwrap_or_default();
        ensure!(left.is_empty(), "{left:?}");
        Ok(())
    })
}
