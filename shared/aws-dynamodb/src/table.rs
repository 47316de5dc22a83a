//! `AWS::DynamoDB::GlobalTable`: a table in its first region, with its replicas in others, of version 2019.11.21, eventually
//! consistent.
//!
//! Tags, protection and recovery are each replica's own; they are kept as those of the table.

mod actual;
mod calls;

use std::collections::BTreeMap;

use aws_sdk_dynamodb::Client;
use outrigger_aws::{Aws, Clients, TAGS, TAGS_GONE, in_time, surplus_keys, unchangeable};
use outrigger_engine::ports::provider::{CallError, Condition, Observed, Progress, Provider, Target};
use outrigger_model::properties::Table;
use outrigger_model::resource::is_ours;
use outrigger_model::{Kind, Properties, Region};

use actual::{Replica, Seen};
use calls::Setting;

const SERVICE: &str = "dynamodb";

/// A table is created within seconds, a replica within minutes.
const POLL_SECONDS: u32 = 5;

const BILLING: &str = "billing";
const STREAM: &str = "stream";
const REPLICAS: &str = "replicas";
const PROTECTION: &str = "deletion_protection";
const RECOVERY: &str = "point_in_time_recovery";
const REPLICA_TAGS: &str = "replica_tags";
const REPLICA_TAGS_GONE: &str = "replica_tags_gone";
const REPLICA_PROTECTION: &str = "replica_deletion_protection";
const REPLICA_RECOVERY: &str = "replica_point_in_time_recovery";

/// Tables, over the [DynamoDB API](https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/Welcome.html): each call
/// goes to the region of the table or of the replica that it is about.
#[derive(Debug)]
pub struct Tables {
    clients: Clients<Client>,
}

impl Tables {
    /// Makes no call, and no client yet.
    pub fn new(aws: &Aws) -> Self {
        Self {
            clients: Clients::new(aws, Client::new),
        }
    }

    async fn look(&self, target: &Target, wanted: &Table) -> Result<Option<Observed>, CallError> {
        let region = &target.resource.key.region;
        let client = self.clients.of(region).await;
        let Some(table) = calls::table(&client, &target.resource.physical_name).await? else {
            return Ok(None);
        };
        let condition = actual::condition(&table, region);
        let tags = calls::tags(&client, table.table_arn.as_deref().unwrap_or_default()).await?;
        let mut seen = Seen::of(&table, region, tags);
        let mut differences = Vec::new();
        // What is being created or changed does not show its values yet.
        if condition == Condition::Ready {
            seen.recovery = calls::recovery(&client, &target.resource.physical_name).await?;
            differences = actual::differences(target, wanted, &seen);
            for of in seen.replicas.intersection(&wanted.replicas) {
                if let Some(replica) = self.replica(target, of).await? {
                    differences.extend(actual::of_replica(target, wanted, &replica));
                }
            }
        }
        let attributes = [
            Some(("arn".to_owned(), seen.arn.clone())),
            Some(("name".to_owned(), target.resource.physical_name.clone())),
            // The same but for the region.
            seen.replicas.first().map(|replica| {
                let arn = seen.arn.replacen(region.as_str(), replica.as_str(), 1);
                ("replica_arn".to_owned(), arn)
            }),
        ];
        Ok(Some(Observed {
            id: target.resource.physical_name.clone(),
            attributes: attributes.into_iter().flatten().collect::<BTreeMap<_, _>>(),
            condition,
            ours: is_ours(&seen.tags, &target.resource.tags),
            differences,
            duplicates: Vec::new(),
            pending: Vec::new(),
        }))
    }

    /// A replica, as its own region shows it.
    async fn replica(&self, target: &Target, region: &Region) -> Result<Option<Replica>, CallError> {
        let client = self.clients.of(region).await;
        let name = &target.resource.physical_name;
        let Some(table) = calls::table(&client, name).await? else {
            return Ok(None);
        };
        let tags = calls::tags(&client, table.table_arn.as_deref().unwrap_or_default()).await?;
        Ok(Some(Replica {
            region: region.clone(),
            seen: Seen {
                recovery: calls::recovery(&client, name).await?,
                ..Seen::of(&table, region, tags)
            },
        }))
    }

    async fn change(&self, target: &Target, wanted: &Table, observed: &Observed) -> Result<Progress, CallError> {
        let Some(first) = observed.differences.first() else {
            return Ok(Progress::Done);
        };
        let home = &target.resource.key.region;
        let client = self.clients.of(home).await;
        let name = &target.resource.physical_name;
        // What differs in a replica says where.
        let told = first.wanted.as_object().and_then(|of| of.keys().next());
        let there = Region::new(told.cloned().unwrap_or_default());
        match first.property {
            TAGS => calls::tag(&client, &observed.attributes, home, &target.resource.tags).await?,
            TAGS_GONE => calls::untag(&client, &observed.attributes, home, surplus_keys(first)).await?,
            BILLING => calls::set(&client, name, Setting::OnDemand).await?,
            STREAM if first.actual.is_null() => calls::set(&client, name, Setting::Stream).await?,
            PROTECTION => calls::set(&client, name, Setting::Protection(wanted.deletion_protection)).await?,
            RECOVERY => calls::set_recovery(&client, name, wanted.point_in_time_recovery).await?,
            REPLICAS => return self.change_replicas(target, wanted).await,
            REPLICA_TAGS => {
                let client = self.clients.of(&there).await;
                calls::tag(&client, &observed.attributes, &there, &target.resource.tags).await?;
            }
            REPLICA_TAGS_GONE => {
                let client = self.clients.of(&there).await;
                let gone = first.actual.get(there.as_str()).and_then(|tags| tags.as_object());
                let gone = gone.into_iter().flat_map(|tags| tags.keys().cloned()).collect();
                calls::untag(&client, &observed.attributes, &there, gone).await?;
            }
            REPLICA_PROTECTION => {
                let client = self.clients.of(&there).await;
                calls::set(&client, name, Setting::Protection(wanted.deletion_protection)).await?;
            }
            REPLICA_RECOVERY => {
                let client = self.clients.of(&there).await;
                calls::set_recovery(&client, name, wanted.point_in_time_recovery).await?;
            }
            _ => return Ok(unchangeable("a table", first)),
        }
        Ok(Progress::changed(POLL_SECONDS))
    }

    /// One replica more, or else one less.
    async fn change_replicas(&self, target: &Target, wanted: &Table) -> Result<Progress, CallError> {
        let home = &target.resource.key.region;
        let client = self.clients.of(home).await;
        let name = &target.resource.physical_name;
        let Some(table) = calls::table(&client, name).await? else {
            return Ok(Progress::changed(POLL_SECONDS));
        };
        let actual = Seen::of(&table, home, BTreeMap::new()).replicas;
        if let Some(missing) = wanted.replicas.difference(&actual).next() {
            calls::set(&client, name, Setting::Replica(missing)).await?;
        } else if let Some(surplus) = actual.difference(&wanted.replicas).next() {
            return self.remove_replica(target, surplus).await;
        }
        Ok(Progress::changed(POLL_SECONDS))
    }

    /// A replica goes once it is not protected. What it holds is in the others too.
    async fn remove_replica(&self, target: &Target, region: &Region) -> Result<Progress, CallError> {
        let name = &target.resource.physical_name;
        if let Some(replica) = self.replica(target, region).await? {
            let there = self.clients.of(region).await;
            if !is_ours(&replica.seen.tags, &target.resource.tags) {
                // An operation that was cut off has not tagged it yet, and what has no tags is not ours to delete.
                let arn = BTreeMap::from([("arn".to_owned(), replica.seen.arn)]);
                calls::tag(&there, &arn, region, &target.resource.tags).await?;
                return Ok(Progress::changed(POLL_SECONDS));
            }
            if replica.seen.protection {
                calls::set(&there, name, Setting::Protection(false)).await?;
                return Ok(Progress::changed(POLL_SECONDS));
            }
        }
        let client = self.clients.of(&target.resource.key.region).await;
        calls::set(&client, name, Setting::NoReplica(region)).await?;
        Ok(Progress::changed(POLL_SECONDS))
    }

    /// The replicas first, one after the other, then the table.
    async fn remove(&self, target: &Target) -> Result<Progress, CallError> {
        let region = &target.resource.key.region;
        let client = self.clients.of(region).await;
        let name = &target.resource.physical_name;
        let Some(table) = calls::table(&client, name).await? else {
            return Ok(Progress::Done);
        };
        let seen = Seen::of(&table, region, BTreeMap::new());
        if seen.protection && !target.unprotect {
            return Ok(Progress::Blocked {
                reason: format!(
                    "the table {name} is protected from deletion, which was not its document's doing; switch that off in \
                     DynamoDB, then try again"
                ),
            });
        }
        if let Some(replica) = seen.replicas.first() {
            return self.remove_replica(target, replica).await;
        }
        if seen.protection {
            calls::set(&client, name, Setting::Protection(false)).await?;
            return Ok(Progress::changed(POLL_SECONDS));
        }
        calls::delete(&client, name).await
    }
}

#[async_trait::async_trait]
impl Provider for Tables {
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Table]
    }

    async fn observe(&self, target: &Target) -> Result<Option<Observed>, CallError> {
        in_time(SERVICE, "observe", target, async {
            self.look(target, wanted(target)?).await
        })
        .await
    }

    async fn ensure(&self, target: &Target, observed: Option<&Observed>) -> Result<Progress, CallError> {
        if let Some(progress) = outrigger_aws::not_at_rest(observed, POLL_SECONDS) {
            return Ok(progress);
        }
        in_time(SERVICE, "ensure", target, async {
            let wanted = wanted(target)?;
            match observed {
                Some(observed) => self.change(target, wanted, observed).await,
                None => {
                    let client = self.clients.of(&target.resource.key.region).await;
                    calls::create(&client, target, wanted).await
                }
            }
        })
        .await
    }

    async fn delete(&self, target: &Target, observed: &Observed) -> Result<Progress, CallError> {
        match &observed.condition {
            // A replica comes or goes, or the table itself: nothing can be changed meanwhile.
            Condition::Changing { .. } | Condition::Deleting => Ok(Progress::changed(POLL_SECONDS)),
            Condition::Ready | Condition::Broken { .. } => {
                in_time(SERVICE, "delete", target, self.remove(target)).await
            }
        }
    }
}

fn wanted(target: &Target) -> Result<&Table, CallError> {
    match &target.resource.properties {
        Properties::Table(wanted) => Ok(wanted),
        other => {
            let message = format!("the provider of tables was asked for a {}", other.kind());
            Err(CallError::invalid(SERVICE, message))
        }
    }
}
