//! `outrigger status`: where a stack stands.

mod components;

use std::collections::BTreeMap;

use clap::Args;
use console::Style;
use outrigger_engine::executor::Counts;
use outrigger_engine::state::content::{Blueprint, OperationRecord, Outcome, StackState, Workflow};
use outrigger_engine::state::{LeaseView, State, rfc3339};
use outrigger_model::{Lane, Record, Region, ResourceKey, StackId, UnixMs, document};
use serde::Serialize;
use textwrap::{Options, WordSeparator};

use self::components::{ComponentView, Known, RegionView, Standing, components, roles};
use super::list;
use crate::arguments::Format;
use crate::context::Context;
use crate::control_plane::{ControlPlane, connect};
use crate::drift_view;
use crate::failure::Failure;
use crate::operation::Picture;
use crate::output::{print_json, print_text, span, table, table_within, width_of_stdout};
use crate::plan_view::Paint;
use crate::progress::{Snapshot, elapsed_ms, remark, word};
use crate::stack::StackName;

const EXAMPLES: &str = "\
Examples:
  outrigger status shop
  outrigger status shop/production --output json";

/// What `status` takes.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Status {
    /// `name` or `name/environment`; the environment may be left out if there is only one
    #[arg(value_name = "STACK")]
    pub stack: Option<StackName>,
}

/// A stack, as it is shown.
#[derive(Debug, Serialize)]
struct View {
    stack: String,
    environment: String,
    /// Who operates on it.
    lease: Option<Lease>,
    /// The operation under way, or the last one.
    operation: Option<Operation>,
    /// The regions of a stack in several, with their roles, the document's first one first.
    regions: Vec<RegionView>,
    /// Each component in each region that it is in.
    components: Vec<ComponentView>,
    lanes: BTreeMap<Lane, Counts>,
    resources: Vec<Resource>,
    outputs: BTreeMap<String, String>,
}

#[derive(Debug, Serialize)]
struct Lease {
    operation: String,
    token: u64,
    expires_at: String,
    expired: bool,
}

#[derive(Debug, Serialize)]
struct Operation {
    id: String,
    workflow: Workflow,
    execution_arn: String,
    started_at: String,
    /// None while it has not ended.
    outcome: Option<Outcome>,
    elapsed_ms: u64,
    /// Who started it.
    by: Option<String>,
    /// Why, in the words of whoever started it.
    reason: Option<String>,
    failures: Vec<String>,
    /// Whether it goes back, or went back.
    rollback: bool,
    /// What it left behind on purpose.
    kept: Vec<String>,
    /// What it comes to, in words.
    #[serde(skip)]
    words: String,
}

#[derive(Debug, Serialize)]
struct Resource {
    lane: Lane,
    key: ResourceKey,
    /// Where its step of the operation stands; what the operation does not touch is `recorded`.
    state: &'static str,
    id: Option<String>,
    elapsed_ms: Option<u64>,
    remark: Option<String>,
}

/// Runs the command: of one stack, or without a name the list of all.
pub(super) async fn run(context: &Context, options: &Status) -> Result<(), Failure> {
    let Some(name) = &options.stack else {
        return list::run(context).await;
    };
    let control_plane = connect(context).await?;
    let stack = name.resolve(&control_plane).await?;
    let view = view(&control_plane, &stack).await?;
    if context.options.output == Format::Json {
        return Ok(print_json(&view)?);
    }
    Ok(print_text(&render(&view, width_of_stdout(), Paint::of_stdout()))?)
}

async fn view(control_plane: &ControlPlane, stack: &StackId) -> Result<View, Failure> {
    let state = &control_plane.state;
    let lease = state.lease(stack).await?;
    let (known, _) = state.stack(stack).await?.unwrap_or_default();
    let record = match &known.operation {
        Some(operation) => state.operation(stack, operation).await?,
        None => None,
    };
    let picture = match &record {
        Some(record) => Some(Picture::of(state, record.clone()).await?),
        None => None,
    };
    let recorded = state.records(stack).await?;
    let roles = roles(
        &regions(state, stack, &known).await?,
        state.topology(stack).await?.as_ref(),
    );
    let snapshot = picture.as_ref().map(Picture::current).unwrap_or_default();
    let now_ms = state.now_ms();
    Ok(View {
        stack: stack.stack.clone(),
        environment: stack.environment.clone(),
        lease: lease.map(lease_view),
        components: components_of(picture.as_ref(), &recorded, &roles),
        regions: roles,
        operation: record.map(|record| operation_view(record, now_ms)),
        lanes: Lane::ALL
            .into_iter()
            .map(|lane| (lane, snapshot.counts(lane)))
            .collect(),
        resources: resources(&snapshot, &recorded, now_ms),
        outputs: known.outputs,
    })
}

/// The regions of the document that the stack was last brought to, or is being brought to.
async fn regions(state: &State, stack: &StackId, known: &StackState) -> Result<Vec<Region>, Failure> {
    let Some(hash) = &known.document else {
        return Ok(Vec::new());
    };
    let blueprint: Option<Blueprint> = state.blob(stack, hash).await?;
    // A document that this version does not read has no roles that it could tell.
    let document = blueprint.and_then(|blueprint| document::parse(&blueprint.document).ok());
    Ok(document.map(|document| document.regions).unwrap_or_default())
}

/// What is recorded and has no step of the last operation is shown as well.
fn components_of(
    picture: Option<&Picture>,
    recorded: &BTreeMap<ResourceKey, Record>,
    roles: &[RegionView],
) -> Vec<ComponentView> {
    let mut plan = outrigger_plan::inspection(recorded);
    let (mut snapshot, mut kept) = (Snapshot::default(), BTreeMap::new());
    if let Some(picture) = picture {
        plan.steps.extend(picture.way().plan.steps.clone());
        snapshot = picture.current();
        kept = picture.way().kept.clone();
    }
    let unready = recorded.iter().filter(|(_, record)| !record.ready);
    components(&Known {
        plan: &plan,
        snapshot: &snapshot,
        unready: &unready.map(|(key, _)| key.clone()).collect(),
        kept: &kept,
        roles,
        ended: picture.is_none_or(|picture| picture.record.outcome.is_some()),
    })
}

fn lease_view(lease: LeaseView) -> Lease {
    Lease {
        operation: lease.operation,
        token: lease.token.0,
        expires_at: rfc3339(lease.expires_at_ms),
        expired: lease.expired,
    }
}

fn operation_view(record: OperationRecord, now_ms: UnixMs) -> Operation {
    Operation {
        words: operation_words(&record),
        rollback: !record.rollback.is_empty(),
        kept: record.kept,
        id: record.operation,
        workflow: record.workflow,
        execution_arn: record.execution_arn,
        started_at: rfc3339(record.started_at_ms),
        outcome: record.outcome,
        elapsed_ms: record
            .closed_at_ms
            .unwrap_or(now_ms)
            .saturating_sub(record.started_at_ms),
        by: record.by,
        reason: record.reason,
        failures: record.failures,
    }
}

/// Every resource that is recorded or has a step, by lane.
fn resources(snapshot: &Snapshot, recorded: &BTreeMap<ResourceKey, Record>, now_ms: UnixMs) -> Vec<Resource> {
    let mut resources = Vec::new();
    for lane in Lane::ALL {
        let mut keys: Vec<&ResourceKey> = snapshot
            .steps
            .keys()
            .chain(recorded.keys())
            .filter(|key| key.kind.lane() == lane)
            .collect();
        keys.sort();
        keys.dedup();
        for key in keys {
            let step = snapshot.steps.get(key);
            resources.push(Resource {
                lane,
                key: key.clone(),
                state: step.map_or("recorded", word),
                id: recorded.get(key).and_then(|record| record.id.clone()),
                elapsed_ms: step.and_then(|step| elapsed_ms(&step.state, now_ms)),
                remark: step.and_then(|step| remark(&step.state)),
            });
        }
    }
    resources
}

/// What the last operation means for the stack.
pub(super) fn operation_words(record: &OperationRecord) -> String {
    let words = match (record.workflow, record.outcome) {
        (_, None) if !record.rollback.is_empty() => "going back, after a failure",
        (Workflow::Provision, None) => "being stood up",
        (Workflow::Provision, Some(Outcome::Succeeded)) => "stands",
        (Workflow::Provision, Some(Outcome::Failed)) => "standing up failed",
        (Workflow::Provision, Some(Outcome::Aborted)) => "standing up was cut off",
        (_, Some(Outcome::RolledBack)) => "standing up failed, and it went back to what it was before",
        (Workflow::Destroy, None) => "being taken down",
        (Workflow::Destroy, Some(Outcome::Succeeded)) => "is down",
        (Workflow::Destroy, Some(Outcome::Failed)) => "taking down failed",
        (Workflow::Destroy, Some(Outcome::Aborted)) => "taking down was cut off",
        (Workflow::Drift, None) => "being looked at for drift",
        (Workflow::Drift, Some(Outcome::Succeeded)) => {
            return match drift_view::count(record) {
                None => "looked at: no drift".to_owned(),
                Some(count) => format!("looked at: {count}"),
            };
        }
        (Workflow::Drift, Some(Outcome::Failed)) => "looking for drift failed",
        (Workflow::Drift, Some(Outcome::Aborted)) => "looking for drift was cut off",
        (Workflow::Plan | Workflow::Unlock, _) => "its lease was broken",
    };
    words.to_owned()
}

fn render(view: &View, width: Option<usize>, paint: Paint) -> String {
    let mut facts = vec![["stack".to_owned(), format!("{}/{}", view.stack, view.environment)]];
    if let Some(operation) = &view.operation {
        facts.push(["state".to_owned(), operation.words.clone()]);
        facts.push(["operation".to_owned(), operation.id.clone()]);
        let verb = if operation.outcome.is_some() {
            "took"
        } else {
            "running for"
        };
        facts.push([
            "started".to_owned(),
            format!("{}, {verb} {}", operation.started_at, span(operation.elapsed_ms)),
        ]);
        for (name, fact) in [("who", &operation.by), ("reason", &operation.reason)] {
            facts.extend(fact.iter().map(|fact| [name.to_owned(), fact.clone()]));
        }
        facts.push(["execution".to_owned(), operation.execution_arn.clone()]);
    }
    facts.push(["lease".to_owned(), lease_words(view.lease.as_ref())]);
    if !view.regions.is_empty() {
        let regions = view.regions.iter();
        let regions: Vec<String> = regions.map(|of| format!("{} ({})", of.region, of.role)).collect();
        facts.push(["regions".to_owned(), regions.join(", ")]);
    }
    let mut text = table(&facts);
    if !view.components.is_empty() {
        text.push('\n');
        text.push_str(&component_table(&view.components, width, paint));
    }
    text.push('\n');
    text.push_str(&table(&lane_rows(&view.lanes)));
    if !view.resources.is_empty() {
        text.push('\n');
        text.push_str(&table_within(&resource_rows(view), width));
    }
    if let Some(operation) = &view.operation {
        for (title, lines) in [("kept", &operation.kept), ("failures", &operation.failures)] {
            if !lines.is_empty() {
                text.push_str(&format!("\n{title}\n"));
                text.extend(lines.iter().map(|line| format!("  {line}\n")));
            }
        }
    }
    text
}

fn lease_words(lease: Option<&Lease>) -> String {
    match lease {
        None => "free".to_owned(),
        Some(lease) if lease.expired => format!(
            "{} held it until {}; it is free to take",
            lease.operation, lease.expires_at
        ),
        Some(lease) => format!(
            "{} holds it until {}, unless it renews",
            lease.operation, lease.expires_at
        ),
    }
}

/// Columns that are seldom other than 0 are shown where they are.
fn lane_rows(lanes: &BTreeMap<Lane, Counts>) -> Vec<Vec<String>> {
    type Column = (&'static str, fn(&Counts) -> usize, bool);
    let columns: [Column; 7] = [
        ("done", |counts| counts.done, true),
        ("in progress", |counts| counts.in_progress, true),
        ("waiting", |counts| counts.waiting, true),
        ("pending window", |counts| counts.pending_window, false),
        ("drifted", |counts| counts.drifted, false),
        ("failed", |counts| counts.failed, true),
        ("skipped", |counts| counts.skipped, true),
    ];
    let shown: Vec<_> = columns
        .iter()
        .filter(|(_, count, always)| *always || lanes.values().any(|counts| count(counts) > 0))
        .collect();
    let title = std::iter::once("lane".to_owned());
    let mut rows = vec![title.chain(shown.iter().map(|(name, ..)| (*name).to_owned())).collect()];
    for (lane, counts) in lanes {
        let name = std::iter::once(lane.to_string());
        rows.push(
            name.chain(shown.iter().map(|(_, count, _)| count(counts).to_string()))
                .collect(),
        );
    }
    rows
}

/// A line each, in the colour of where it stands, and below it what there is to say.
fn component_table(components: &[ComponentView], width: Option<usize>, paint: Paint) -> String {
    let table = table_within(&components::rows(components), width);
    let mut lines = table.lines();
    let mut text: String = lines.next().iter().map(|title| format!("{title}\n")).collect();
    for (line, of) in lines.zip(components) {
        text.push_str(&format!("{}\n", paint.apply(style(of.state), line)));
        for said in components::said(of) {
            let wide = Options::new(width.unwrap_or(usize::MAX))
                .word_separator(WordSeparator::AsciiSpace)
                .initial_indent("  ")
                .subsequent_indent("    ");
            text.push_str(&format!("{}\n", textwrap::fill(&said, wide)));
        }
    }
    text
}

fn style(state: Standing) -> Style {
    match state {
        Standing::Failed | Standing::Skipped => Style::new().red(),
        Standing::Creating | Standing::Changing | Standing::Deleting | Standing::Checking => Style::new().cyan(),
        Standing::CutOff | Standing::PendingWindow | Standing::Drifted | Standing::Kept => Style::new().yellow(),
        Standing::AsWanted => Style::new(),
        Standing::Deleted => Style::new().dim(),
    }
}

fn resource_rows(view: &View) -> Vec<[String; 5]> {
    let mut rows = vec![["resource", "state", "elapsed", "id", ""].map(str::to_owned)];
    for resource in &view.resources {
        rows.push([
            resource.key.to_string(),
            resource.state.to_owned(),
            resource.elapsed_ms.map(span).unwrap_or_default(),
            resource.id.clone().unwrap_or_default(),
            resource.remark.clone().unwrap_or_default(),
        ]);
    }
    rows
}

#[cfg(test)]
mod tests {
    use outrigger_model::{Drift, Kind, Region, StepState};

    use super::*;
    use crate::progress::tests::snapshot;

    #[test]
    fn a_stack_is_shown_with_its_lanes_and_resources() {
        let snapshot = snapshot();
        let view = View {
            stack: "shop".to_owned(),
            environment: "production".to_owned(),
            lease: Some(Lease {
                operation: "shop-production-provision-20251120T103658Z-1a2b".to_owned(),
                token: 7,
                expires_at: "2025-11-20T10:38:58Z".to_owned(),
                expired: false,
            }),
            operation: Some(Operation {
                id: "shop-production-provision-20251120T103658Z-1a2b".to_owned(),
                workflow: Workflow::Provision,
                execution_arn: "arn:aws:states:us-east-1:000000000000:execution:outrigger-provision-stack:shop"
                    .to_owned(),
                started_at: "2025-11-20T10:36:58Z".to_owned(),
                outcome: None,
                elapsed_ms: 66_000,
                by: Some("arn:aws:iam::123456789012:user/ada".to_owned()),
                rollback: false,
                kept: Vec::new(),
                words: "being stood up".to_owned(),
                reason: Some("the new cache".to_owned()),
                failures: vec!["us-east-1/stream/events: kinesis:CreateStream failed: too many shards".to_owned()],
            }),
            lanes: Lane::ALL
                .into_iter()
                .map(|lane| (lane, snapshot.counts(lane)))
                .collect(),
            regions: Vec::new(),
            components: Vec::new(),
            resources: resources(&snapshot, &BTreeMap::new(), 67_000),
            outputs: BTreeMap::new(),
        };
        insta::assert_snapshot!(render(&view, None, Paint::Plain), @r"
        stack      shop/production
        state      being stood up
        operation  shop-production-provision-20251120T103658Z-1a2b
        started    2025-11-20T10:36:58Z, running for 1 min 6 s
        who        arn:aws:iam::123456789012:user/ada
        reason     the new cache
        execution  arn:aws:states:us-east-1:000000000000:execution:outrigger-provision-stack:shop
        lease      shop-production-provision-20251120T103658Z-1a2b holds it until 2025-11-20T10:38:58Z, unless it renews

        lane           done  in progress  waiting  failed  skipped
        network        2     1            0        0       0
        datastore      0     1            1        1       0
        ingress        0     0            0        0       0
        replication    0     0            0        0       0
        observability  0     0            0        0       1

        resource                        state      elapsed    id
        us-east-1/vpc/vpc               created    3.2 s
        us-east-1/subnet/public-1       creating   1 min 6 s
        us-east-1/security-group/cache  unchanged  3.2 s
        us-east-1/db-instance/main      updating   1 min 6 s      it is modifying
        us-east-1/stream/events         failed     1 min 5 s      kinesis:CreateStream failed: too many shards (LimitExceededException)
        us-east-1/secret/main           waiting
        us-east-1/alarm/no-records      skipped                   because us-east-1/stream/events failed

        failures
          us-east-1/stream/events: kinesis:CreateStream failed: too many shards
        ");
    }

    #[test]
    fn what_waits_for_the_window_has_a_column() {
        let waiting = Counts {
            done: 3,
            pending_window: 1,
            ..Counts::default()
        };
        let lanes = BTreeMap::from([(Lane::Network, Counts::default()), (Lane::Datastore, waiting)]);
        insta::assert_snapshot!(table(&lane_rows(&lanes)), @r"
        lane       done  in progress  waiting  pending window  failed  skipped
        network    0     0            0        0               0       0
        datastore  3     0            0        1               0       0
        ");
    }

    #[test]
    fn a_state_is_told_in_words() {
        let stack = StackId {
            stack: "shop".to_owned(),
            environment: "production".to_owned(),
        };
        let record = |workflow, outcome| OperationRecord {
            outcome,
            ..OperationRecord::begun("a", &stack, workflow, "", 0)
        };
        let mut back = record(Workflow::Provision, None);
        back.rollback.insert(Lane::Network, "0a1b".to_owned());
        assert_eq!(operation_words(&back), "going back, after a failure");
        back.outcome = Some(Outcome::RolledBack);
        assert_eq!(
            operation_words(&back),
            "standing up failed, and it went back to what it was before"
        );
        let mut drift = record(Workflow::Drift, Some(Outcome::Succeeded));
        assert_eq!(operation_words(&drift), "looked at: no drift");
        let key = ResourceKey::new(&Region::new("us-east-1"), Kind::Vpc, "vpc");
        let drifted = StepState::Drifted {
            at_ms: 0,
            drift: Drift::Missing,
        };
        drift.steps.insert(key, drifted);
        assert_eq!(operation_words(&drift), "looked at: 1 resource is not as recorded");
    }

    #[test]
    fn a_lease_that_has_ended_is_told_from_one_that_holds() {
        let lease = Lease {
            operation: "provision-1".to_owned(),
            token: 1,
            expires_at: "2025-11-20T10:38:58Z".to_owned(),
            expired: true,
        };
        assert_eq!(lease_words(None), "free");
        assert_eq!(
            lease_words(Some(&lease)),
            "provision-1 held it until 2025-11-20T10:38:58Z; it is free to take"
        );
    }
}
