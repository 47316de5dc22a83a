//! Installing the control plane: what there is, what would change, and doing that.

mod certificates;
mod change_view;
mod place;
pub(crate) mod regions;
mod version;

use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use outrigger_aws::Aws;
use outrigger_aws_cloudformation::{CloudFormation, ResourceChange, StackDescription};
use outrigger_aws_dynamodb::{GlobalTable, global_table};
use outrigger_model::Region;

pub(crate) use change_view::text as changes_text;
pub(crate) use place::Place;
pub(crate) use version::{Step, step};

/// The version of this command line, and of what it installs.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// How long CloudFormation is waited for.
const PATIENCE: Duration = Duration::from_secs(3600);
/// How long a table that CloudFormation has made is waited for.
const TABLE_PATIENCE: Duration = Duration::from_secs(600);

/// A change of a control plane that CloudFormation has made out, and nobody has begun.
pub(crate) struct Proposal {
    /// The change set.
    change_set: String,
    /// What it changes.
    pub(crate) changes: Vec<ResourceChange>,
    /// The stack as it is, if it is more than a change set.
    before: Option<StackDescription>,
}

/// A control plane's CloudFormation stack.
pub(crate) struct Installation {
    /// Its name.
    name: String,
    cloud: CloudFormation,
    aws: Aws,
    poll: Duration,
}

impl Installation {
    /// Calls nothing yet.
    pub(crate) fn new(place: &Place) -> Self {
        Self {
            name: place.name.clone(),
            cloud: CloudFormation::new(&place.aws, &place.region),
            aws: place.aws.clone(),
            poll: place.poll,
        }
    }

    /// The stack as it stands; none where nothing is installed.
    ///
    /// # Errors
    /// When it cannot be told, or is in no state to be changed: what to do is in the error.
    pub(crate) async fn installed(&self) -> Result<Option<StackDescription>> {
        let name = &self.name;
        let stack = self.describe().await?;
        match stack.as_ref().map(|stack| stack.status.as_str()) {
            // A change set that nobody has begun: nothing is installed.
            None | Some("REVIEW_IN_PROGRESS") => Ok(None),
            Some(status) if status.ends_with("_IN_PROGRESS") => {
                bail!(
                    "somebody is at work on the CloudFormation stack {name}: it is in status {status}; wait for its end"
                )
            }
            Some(status @ ("ROLLBACK_COMPLETE" | "ROLLBACK_FAILED" | "CREATE_FAILED" | "DELETE_FAILED")) => bail!(
                "the CloudFormation stack {name} is in status {status}, from which it cannot be changed; delete it \
                 (`aws cloudformation delete-stack --stack-name {name}`), then try again"
            ),
            Some(status @ "UPDATE_ROLLBACK_FAILED") => bail!(
                "the CloudFormation stack {name} is in status {status}; have it go on with `aws cloudformation \
                 continue-update-rollback --stack-name {name}`, then try again"
            ),
            Some(_) => Ok(stack),
        }
    }

    /// What a change set that SAM has made would change.
    ///
    /// # Errors
    /// When SAM has named none, or it cannot be read.
    pub(crate) async fn proposal(&self, said: &str, before: Option<StackDescription>) -> Result<Proposal> {
        let change_set = change_set_in(said)
            .ok_or_else(|| anyhow!("sam deploy names no change set that it has made; it said:\n{said}"))?
            .to_owned();
        let changes = self
            .cloud
            .changes(&change_set)
            .await
            .context("read what would change")?;
        Ok(Proposal {
            change_set,
            changes,
            before,
        })
    }

    /// Leaves everything as it is.
    ///
    /// # Errors
    /// When the change set may be left behind: it does nothing by itself.
    pub(crate) async fn discard(&self, proposal: &Proposal) -> Result<()> {
        self.cloud
            .discard(&proposal.change_set)
            .await
            .context("discard what was proposed")?;
        if proposal.before.is_none() {
            self.cloud
                .delete_empty_stack(&self.name)
                .await
                .context("discard the empty stack")?;
        }
        Ok(())
    }

    /// Does what was proposed, and waits for the end; the stack as it then is.
    ///
    /// # Errors
    /// When it fails: with what failed, in CloudFormation's words.
    pub(crate) async fn carry_out(&self, proposal: &Proposal) -> Result<StackDescription> {
        self.cloud
            .execute(&proposal.change_set)
            .await
            .context("begin what was proposed")?;
        let updated_at = proposal.before.as_ref().and_then(|before| before.updated_at_ms);
        let settled = async {
            loop {
                let stack = self
                    .describe()
                    .await?
                    .ok_or_else(|| anyhow!("the stack {} is gone", self.name))?;
                let has_begun = stack.status != "REVIEW_IN_PROGRESS"
                    && (proposal.before.is_none() || stack.updated_at_ms != updated_at);
                if has_begun && !stack.status.ends_with("_IN_PROGRESS") {
                    return anyhow::Ok(stack);
                }
                tokio::time::sleep(self.poll).await;
            }
        };
        let stack = tokio::time::timeout(PATIENCE, settled).await.with_context(|| {
            format!(
                "CloudFormation is still at work on the stack {} after an hour; it goes on",
                self.name
            )
        })??;
        if matches!(stack.status.as_str(), "CREATE_COMPLETE" | "UPDATE_COMPLETE") {
            return Ok(stack);
        }
        let failures = self.cloud.failures(&self.name).await.context("read what failed")?;
        let list: Vec<String> = failures
            .iter()
            .map(|failure| format!("\n  {}: {}", failure.name, failure.reason))
            .collect();
        bail!(
            "CloudFormation could not bring the stack {} to what was proposed: it is in status {}{}",
            self.name,
            stack.status,
            list.concat()
        )
    }

    /// Waits until the table is there in all its regions, the home region first, as one that is strongly consistent.
    ///
    /// # Errors
    /// When it is another, or is not whole in time.
    pub(crate) async fn table_is_whole(&self, regions: &[Region]) -> Result<()> {
        let [home, others @ ..] = regions else {
            bail!("a table without a region");
        };
        let name = format!("{}-state", self.name);
        let whole = async {
            loop {
                let looked = global_table(&self.aws, home, &name).await;
                let table = looked.with_context(|| format!("look at the table {name} of {home}"))?;
                if is_whole(&name, table.as_ref(), others)? {
                    return anyhow::Ok(());
                }
                tokio::time::sleep(self.poll).await;
            }
        };
        tokio::time::timeout(TABLE_PATIENCE, whole).await.with_context(|| {
            format!("the table {name} of {home} is not ACTIVE in all its regions yet; run the same command again")
        })?
    }

    async fn describe(&self) -> Result<Option<StackDescription>> {
        let looked = self.cloud.describe_stack(&self.name).await;
        looked.with_context(|| format!("look at the CloudFormation stack {}", self.name))
    }
}

/// Whether a table is active in its own region and in `others`, with strong consistency.
///
/// # Errors
/// When there is none, or it is another and will never be so.
fn is_whole(name: &str, table: Option<&GlobalTable>, others: &[Region]) -> Result<bool> {
    let Some(table) = table else {
        bail!("CloudFormation has made no table {name}");
    };
    if table.is_active && !table.is_strong {
        bail!("the table {name} is not strongly consistent across regions: it is not the one that the template makes");
    }
    Ok(table.is_active && others.iter().all(|region| table.active_replicas.contains(region)))
}

/// Whether SAM found nothing to change.
pub(crate) fn is_up_to_date(said: &str) -> bool {
    said.contains("No changes to deploy")
}

/// The change set that SAM says it has made.
fn change_set_in(said: &str) -> Option<&str> {
    said.split_whitespace()
        .rfind(|word| word.starts_with("arn:") && word.contains(":changeSet/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_whole_when_every_replica_is() {
        let (second, third) = (Region::new("us-east-2"), Region::new("us-west-2"));
        let others = [second.clone(), third.clone()];
        let table = |is_active, is_strong, active_replicas: &[&Region]| GlobalTable {
            is_active,
            is_strong,
            active_replicas: active_replicas.iter().copied().cloned().collect(),
        };
        let rows = [
            (Some(table(true, true, &[&second, &third])), Ok(true)),
            (Some(table(true, true, &[&second])), Ok(false)),
            (Some(table(false, true, &[&second, &third])), Ok(false)),
            (Some(table(false, false, &[])), Ok(false)),
            (
                Some(table(true, false, &[&second, &third])),
                Err("is not strongly consistent"),
            ),
            (None, Err("no table outrigger-state")),
        ];
        for (table, wanted) in rows {
            match (is_whole("outrigger-state", table.as_ref(), &others), wanted) {
                (Ok(found), Ok(wanted)) => assert_eq!(found, wanted, "{table:?}"),
                (Err(error), Err(words)) => assert!(error.to_string().contains(words), "{error}"),
                (found, wanted) => panic!("{table:?}: {found:?}, not {wanted:?}"),
            }
        }
    }

    #[test]
    fn what_sam_says_is_understood() {
        let arn = "arn:aws:cloudformation:us-east-1:111122223333:changeSet/samcli-deploy1795195284/c9285423";
        let said = format!("Waiting for changeset to be created..\n\nChangeset created successfully. {arn}\n\n");
        assert_eq!(change_set_in(&said), Some(arn));
        assert!(!is_up_to_date(&said));
        let said = "Waiting for changeset to be created..\n\nNo changes to deploy. Stack outrigger is up to date\n";
        assert_eq!(change_set_in(said), None);
        assert!(is_up_to_date(said));
    }

    /// Has CloudFormation make out a change set, as `sam deploy` does.
    const CHANGE_SET: &str = r#"
import json, sys
import boto3

stack, name, kind, template = sys.argv[1:]
cloud = boto3.client("cloudformation")
made = cloud.create_change_set(StackName=stack, ChangeSetName=name, ChangeSetType=kind, TemplateBody=template)
waiter = cloud.get_waiter("change_set_create_complete")
waiter.wait(ChangeSetName=made["Id"], WaiterConfig={"Delay": 1, "MaxAttempts": 30})
print("Changeset created successfully.", made["Id"])
"#;

    fn change_set(local: &crate::local::LocalAws, name: &str, kind: &str, template: &serde_json::Value) -> String {
        let project = crate::local::Project::of_test().unwrap();
        let venv = crate::local::local_venv(&project, &mut |_| {}).unwrap();
        let mut command = std::process::Command::new(venv.join("bin/python"));
        local.set_environment(&mut command);
        let script = command.args(["-c", CHANGE_SET, "outrigger", name, kind, &template.to_string()]);
        let output = script.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_proposed_is_carried_out_or_leaves_nothing() {
        let local = crate::local::LocalAws::start_for_test().unwrap();
        let installation = Installation {
            name: "outrigger".to_owned(),
            cloud: CloudFormation::new(&local.aws(), &Region::new(local.region())),
            aws: local.aws(),
            poll: Duration::from_millis(100),
        };
        let template = |version: &str, alarm: serde_json::Value| {
            let topic = serde_json::json!({ "Type": "AWS::SNS::Topic", "Properties": { "DisplayName": version } });
            serde_json::json!({
                "Resources": { "Topic": topic, "Alarm": alarm },
                "Outputs": { "Version": { "Value": version } },
            })
        };
        let queue = || serde_json::json!({ "Type": "AWS::SQS::Queue" });
        assert!(installation.installed().await.unwrap().is_none());

        let first = template("0.1.0", queue());
        let said = change_set(&local, "first", "CREATE", &first);
        let proposal = installation.proposal(&said, None).await.unwrap();
        let names: Vec<&str> = proposal.changes.iter().map(|change| change.name.as_str()).collect();
        assert_eq!(names, ["Alarm", "Topic"]);
        installation.discard(&proposal).await.unwrap();
        assert!(installation.describe().await.unwrap().is_none(), "something is left");

        let said = change_set(&local, "second", "CREATE", &first);
        let proposal = installation.proposal(&said, None).await.unwrap();
        let stack = installation.carry_out(&proposal).await.unwrap();
        assert_eq!(stack.outputs.get("Version").map(String::as_str), Some("0.1.0"));

        let before = installation.installed().await.unwrap();
        let said = change_set(&local, "third", "UPDATE", &template("0.2.0", queue()));
        let proposal = installation.proposal(&said, before).await.unwrap();
        let changes: Vec<_> = proposal
            .changes
            .iter()
            .map(|change| (change.name.as_str(), change.action))
            .collect();
        assert_eq!(changes, [("Topic", outrigger_aws_cloudformation::Action::Update)]);
        let stack = installation.carry_out(&proposal).await.unwrap();
        assert_eq!(stack.outputs.get("Version").map(String::as_str), Some("0.2.0"));

        // What cannot be done is told with its reason, and what stood stands.
        let before = installation.installed().await.unwrap();
        let alarm = serde_json::json!({ "Type": "AWS::CloudWatch::Alarm", "Properties": {
            "MetricName": "m", "Namespace": "n", "ComparisonOperator": "GreaterThanThreshold",
            "EvaluationPeriods": 1, "Period": 60, "Statistic": "Sum",
        } });
        let said = change_set(&local, "fourth", "UPDATE", &template("0.3.0", alarm));
        let proposal = installation.proposal(&said, before).await.unwrap();
        let error = installation.carry_out(&proposal).await.unwrap_err().to_string();
        assert!(
            error.contains("UPDATE_ROLLBACK_COMPLETE") && error.contains("Alarm: "),
            "{error}"
        );
        let stack = installation.installed().await.unwrap().unwrap();
        assert_eq!(stack.outputs.get("Version").map(String::as_str), Some("0.2.0"));
    }
}
