//! A stack by component and region: where each stands, how far it is, and in which role.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use outrigger_model::{Region, ResourceKey, StepState, Topology};
use outrigger_plan::{Action, Plan};
use serde::Serialize;

use crate::plan_view::belongs::{self, Component};
use crate::plan_view::namer::Namer;
use crate::progress::{Snapshot, Step, remark, word};

/// How many lines are said of one component: the resources' own table has them all.
const SAID_MAX: usize = 3;

/// Where a component stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Standing {
    /// All of it is as it is wanted.
    #[serde(rename = "standing")]
    AsWanted,
    /// It is made.
    Creating,
    /// It is changed, or put back.
    Changing,
    /// It is deleted.
    Deleting,
    /// It is looked at.
    Checking,
    /// Something of it failed.
    Failed,
    /// It was not begun, because something else failed.
    Skipped,
    /// The operation has ended, and was not through with it.
    CutOff,
    /// It stands, and something of it changes in the maintenance window.
    PendingWindow,
    /// It is not as it is recorded.
    Drifted,
    /// It is deleted, and left behind what was to be kept.
    Kept,
    /// It is deleted.
    Deleted,
}

impl fmt::Display for Standing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Standing::AsWanted => "standing",
            Standing::Creating => "being created",
            Standing::Changing => "being changed",
            Standing::Deleting => "being deleted",
            Standing::Checking => "being looked at",
            Standing::Failed => "failed",
            Standing::Skipped => "skipped",
            Standing::CutOff => "cut off",
            Standing::PendingWindow => "pending window",
            Standing::Drifted => "drifted",
            Standing::Kept => "kept",
            Standing::Deleted => "deleted",
        })
    }
}

/// What a region is to a stack in several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Role {
    /// Data is written there.
    Primary,
    /// It takes over when the primary is lost.
    Secondary,
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Role::Primary => "primary",
            Role::Secondary => "secondary",
        })
    }
}

/// A region of a stack in several.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct RegionView {
    pub(super) region: Region,
    pub(super) role: Role,
}

/// The role of each region of a stack; none of a stack in one region. The document's first is primary until it is recorded
/// which one is.
pub(super) fn roles(regions: &[Region], topology: Option<&Topology>) -> Vec<RegionView> {
    if regions.len() < 2 {
        return Vec::new();
    }
    let primary = topology.map(|topology| &topology.primary).or(regions.first());
    let role = |region: &Region| match Some(region) == primary {
        true => Role::Primary,
        false => Role::Secondary,
    };
    let views = regions.iter().map(|region| RegionView {
        region: region.clone(),
        role: role(region),
    });
    views.collect()
}

/// A component in one of the stack's regions.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct ComponentView {
    pub(super) component: String,
    pub(super) region: Region,
    /// Of the region; none in a stack in one region, and of what is in no region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) role: Option<Role>,
    pub(super) state: Standing,
    /// How many of its resources are as they are wanted.
    pub(super) done: usize,
    /// How many it has. What was deleted of a component that goes on is none of them.
    pub(super) resources: usize,
    /// How many of its resources there are in each state.
    pub(super) states: BTreeMap<&'static str, usize>,
    /// What there is to say of resources: what failed and why, what waits for the window, how one has drifted.
    pub(super) remarks: Vec<String>,
    /// What it left behind on purpose.
    pub(super) kept: Vec<String>,
}

/// What is known of a stack's resources.
pub(super) struct Known<'a> {
    /// What is recorded, and what the operation does.
    pub(super) plan: &'a Plan,
    /// Where the operation's steps stand.
    pub(super) snapshot: &'a Snapshot,
    /// What is recorded and was never seen as it is wanted.
    pub(super) unready: &'a BTreeSet<ResourceKey>,
    /// What resources left behind on purpose.
    pub(super) kept: &'a BTreeMap<ResourceKey, Vec<String>>,
    /// The role of each region.
    pub(super) roles: &'a [RegionView],
    /// Whether no operation is under way.
    pub(super) ended: bool,
}

/// One resource: its step, if the operation has one.
struct Item<'a> {
    key: &'a ResourceKey,
    step: Option<&'a Step>,
    /// Of what has no step, whether it was ever as it was wanted.
    ready: bool,
}

impl Item<'_> {
    fn is_done(&self) -> bool {
        self.step.map_or(self.ready, |step| step.state.is_done())
    }

    fn is_settled(&self) -> bool {
        self.step.map_or(self.ready, |step| step.state.is_settled())
    }

    fn is_deletion(&self) -> bool {
        self.step
            .is_some_and(|step| matches!(step.action, Action::Delete { .. }))
    }
}

/// Each component in each region.
pub(super) fn components(known: &Known<'_>) -> Vec<ComponentView> {
    let place = |region: &Region| known.roles.iter().position(|of| of.region == *region);
    let mut found: BTreeMap<(Component, Option<usize>, &Region), Vec<Item<'_>>> = BTreeMap::new();
    for (key, component) in belongs::components(known.plan) {
        let of = (component, place(&key.region), &key.region);
        found.entry(of).or_default().push(Item {
            key,
            step: known.snapshot.steps.get(key),
            ready: !known.unready.contains(key),
        });
    }
    let namer = Namer::of(known.plan.steps.keys());
    let found = found.into_iter();
    found
        .map(|((component, _, region), items)| view(known, namer, &component, region, &items))
        .collect()
}

fn view(known: &Known<'_>, namer: Namer, component: &Component, region: &Region, items: &[Item<'_>]) -> ComponentView {
    let kept: Vec<String> = items
        .iter()
        .filter_map(|item| known.kept.get(item.key))
        .flatten()
        .cloned()
        .collect();
    let goes = items.iter().all(Item::is_deletion);
    let counted: Vec<&Item<'_>> = items
        .iter()
        .filter(|item| goes || !(item.is_deletion() && item.is_done()))
        .collect();
    let mut states = BTreeMap::new();
    for item in items {
        *states.entry(item.step.map_or("recorded", word)).or_default() += 1;
    }
    ComponentView {
        component: component.to_string(),
        region: region.clone(),
        role: known.roles.iter().find(|of| of.region == *region).map(|of| of.role),
        state: standing(items, known.ended, !kept.is_empty()),
        done: counted.iter().filter(|item| item.is_done()).count(),
        resources: counted.len(),
        states,
        remarks: items.iter().filter_map(|item| told(item, namer)).collect(),
        kept,
    }
}

/// Where a component stands by its resources: what went wrong first, then what is under way, then the rest.
fn standing(items: &[Item<'_>], ended: bool, kept: bool) -> Standing {
    let any = |is: fn(&StepState) -> bool| items.iter().filter_map(|item| item.step).any(|step| is(&step.state));
    let all = |is: fn(&Step) -> bool| items.iter().all(|item| item.step.is_some_and(is));
    if any(|state| matches!(state, StepState::Failed { .. })) {
        Standing::Failed
    } else if any(|state| matches!(state, StepState::Skipped { .. })) {
        Standing::Skipped
    } else if items.iter().any(|item| !item.is_settled()) {
        if ended {
            Standing::CutOff
        } else if all(|step| matches!(step.action, Action::NoOp) && step.calls == 0) {
            Standing::Checking
        } else if all(|step| matches!(step.action, Action::Create)) {
            Standing::Creating
        } else if items.iter().all(Item::is_deletion) {
            Standing::Deleting
        } else {
            Standing::Changing
        }
    } else if any(|state| matches!(state, StepState::Drifted { .. })) {
        Standing::Drifted
    } else if any(|state| matches!(state, StepState::PendingWindow { .. })) {
        Standing::PendingWindow
    } else if items.iter().all(Item::is_deletion) {
        if kept { Standing::Kept } else { Standing::Deleted }
    } else {
        Standing::AsWanted
    }
}

/// What there is to say of a resource that has settled otherwise than it was wanted.
fn told(item: &Item<'_>, namer: Namer) -> Option<String> {
    let state = &item.step?.state;
    match state {
        StepState::Waiting | StepState::InProgress { .. } | StepState::Done { .. } => None,
        StepState::PendingWindow { .. }
        | StepState::Drifted { .. }
        | StepState::Failed { .. }
        | StepState::Skipped { .. } => Some(format!("{}: {}", namer.name(item.key), remark(state)?)),
    }
}

/// As rows: the role where there is one.
pub(super) fn rows(components: &[ComponentView]) -> Vec<Vec<String>> {
    let with_role = components.iter().any(|of| of.role.is_some());
    let row = |component: &str, region: &str, role: &str, state: &str, done: &str| {
        let mut row = vec![component.to_owned(), region.to_owned()];
        row.extend(with_role.then(|| role.to_owned()));
        row.extend([state, done].map(str::to_owned));
        row
    };
    let title = row("component", "region", "role", "state", "done");
    let rows = components.iter().map(|of| {
        let role = of.role.map(|role| role.to_string()).unwrap_or_default();
        let done = format!("{} of {}", of.done, of.resources);
        row(&of.component, of.region.as_str(), &role, &of.state.to_string(), &done)
    });
    std::iter::once(title).chain(rows).collect()
}

/// What there is to say of a component besides its row, a line each.
pub(super) fn said(of: &ComponentView) -> Vec<String> {
    let kept = of.kept.iter().map(|kept| format!("kept: {kept}"));
    let all: Vec<String> = of.remarks.iter().cloned().chain(kept).collect();
    let more = all.len().saturating_sub(SAID_MAX);
    let more = (more > 0).then(|| format!("and {more} more, below"));
    all.into_iter().take(SAID_MAX).chain(more).collect()
}

#[cfg(test)]
mod tests {
    use outrigger_engine::memory::cloud::{Fault, Habits};
    use outrigger_engine::memory::world::World;
    use outrigger_model::{Drift, Kind, document};
    use serde_json::Value;

    use super::super::{Picture, component_table, components_of, regions};
    use super::*;
    use crate::plan_view::Paint;
    use crate::plan_view::golden::{reference, standing as world_of};
    use crate::progress::tests::in_progress;

    const TWO_REGIONS: &str = "
stack: shop
environment: production
regions: [us-east-2, us-east-1]
network:
  cidr: {us-east-1: 10.0.0.0/16, us-east-2: 10.1.0.0/16}
  zones: 2
  private: {}
streams:
  orders: {shards: 1}
  clicks: {shards: 1, region: us-east-1}
";

    fn shop() -> Value {
        document::from_text(TWO_REGIONS).unwrap()
    }

    /// As `outrigger status` sees a document's stack.
    async fn seen(world: &World, document: &Value) -> Vec<ComponentView> {
        let stack = document::parse(document).unwrap().id();
        let (known, _) = world.state.stack(&stack).await.unwrap().unwrap();
        let record = world.state.operation(&stack, known.operation.as_ref().unwrap());
        let record = record.await.unwrap().unwrap();
        let picture = Picture::of(&world.state, record).await.unwrap();
        let recorded = world.state.records(&stack).await.unwrap();
        let regions = regions(&world.state, &stack, &known).await.unwrap();
        let roles = roles(&regions, world.state.topology(&stack).await.unwrap().as_ref());
        components_of(Some(&picture), &recorded, &roles)
    }

    async fn table_of(world: &World, document: &Value) -> String {
        component_table(&seen(world, document).await, None, Paint::Plain)
    }

    /// What is recorded counts, whatever the document says later.
    #[tokio::test]
    async fn the_primary_stays_primary_when_the_document_turns_its_regions() {
        let world = World::new(Habits::default());
        world.provision("first", &shop()).await;
        let mut turned = shop();
        turned["regions"] = serde_json::json!(["us-east-1", "us-east-2"]);
        turned["streams"]["orders"]["region"] = serde_json::json!("us-east-2");
        world.provision("second", &turned).await;
        let components = seen(&world, &turned).await;
        let of = |region: &str| {
            let here = components.iter().filter(|of| of.region.as_str() == region);
            here.map(|of| of.role).collect::<Vec<_>>()
        };
        assert_eq!(of("us-east-2"), [Some(Role::Primary); 2]);
        assert_eq!(of("us-east-1"), [Some(Role::Secondary); 2]);
    }

    #[tokio::test]
    async fn each_component_is_shown_in_each_region_with_its_role() {
        let world = World::new(Habits::default());
        world
            .cloud
            .set_plot(|_, call| (call.key.name == "clicks").then_some(Fault::Refused));
        world.provision("first", &shop()).await;
        let components = seen(&world, &shop()).await;
        insta::assert_snapshot!(component_table(&components, None, Paint::Plain));
        insta::assert_snapshot!(component_table(&components, Some(72), Paint::Plain));
        insta::assert_snapshot!(component_table(&components, Some(72), Paint::Coloured).escape_debug());
        let failed: Vec<&ComponentView> = components.iter().filter(|of| of.state == Standing::Failed).collect();
        insta::assert_json_snapshot!(failed);
    }

    #[tokio::test]
    async fn a_stack_in_one_region_has_no_roles() {
        let document = reference("data-processing");
        let world = world_of(&document).await;
        insta::assert_snapshot!(table_of(&world, &document).await);
    }

    #[tokio::test]
    async fn what_a_deleted_component_left_behind_is_told() {
        let mut document = reference("data-processing");
        document["databases"]["database"]["deletion_protection"] = false.into();
        let world = world_of(&document).await;
        let ended = world.destroy("last", "data-processing", "production").await;
        assert!(format!("{ended:?}").contains("Succeeded"), "{ended:?}");
        let stack = document::parse(&document).unwrap().id();
        let record = world.state.operation(&stack, "last").await.unwrap().unwrap();
        let mut picture = Picture::of(&world.state, record).await.unwrap();
        let key = ResourceKey::new(&Region::new("us-east-1"), Kind::DbInstance, "database");
        assert!(picture.forward.plan.steps.contains_key(&key));
        let snapshot = "the final snapshot data-processing-production-database-final".to_owned();
        picture.forward.kept.insert(key, vec![snapshot]);
        let components = components_of(Some(&picture), &BTreeMap::new(), &[]);
        insta::assert_snapshot!(component_table(&components, None, Paint::Plain));
    }

    #[tokio::test]
    async fn what_went_back_is_told_by_its_way_back() {
        let mut document = shop();
        document["on_failure"] = "rollback".into();
        let world = World::new(Habits::default());
        world
            .cloud
            .set_plot(|_, call| (call.key.name == "clicks").then_some(Fault::Refused));
        world.provision("first", &document).await;
        insta::assert_snapshot!(table_of(&world, &document).await);
    }

    #[test]
    fn a_component_stands_where_its_resources_do() {
        let step = |action: Action, state: StepState| Step {
            action,
            state,
            calls: 0,
        };
        let done = || StepState::Done { since_ms: 0, at_ms: 1 };
        let failed = || StepState::Failed {
            since_ms: 0,
            at_ms: 1,
            error: "no".to_owned(),
        };
        let pending = || StepState::PendingWindow {
            since_ms: 0,
            at_ms: 1,
            properties: vec!["class".to_owned()],
        };
        let drifted = || StepState::Drifted {
            at_ms: 0,
            drift: Drift::Missing,
        };
        let key = ResourceKey::new(&Region::new("us-east-1"), Kind::Stream, "events");
        let skipped = || StepState::Skipped { because: key.clone() };
        let update = || Action::Update { changes: Vec::new() };
        let delete = || Action::Delete { unprotect: false };
        let (create, noop) = (|| Action::Create, || Action::NoOp);
        let waiting = || StepState::Waiting;
        let check = |steps: &[Step], ended, kept, wanted: Standing| {
            let items: Vec<Item<'_>> = steps
                .iter()
                .map(|step| Item {
                    key: &key,
                    step: Some(step),
                    ready: true,
                })
                .collect();
            assert_eq!(standing(&items, ended, kept), wanted, "{steps:?}");
        };
        let open = || in_progress(None);
        check(
            &[step(create(), done()), step(create(), open())],
            false,
            false,
            Standing::Creating,
        );
        check(
            &[step(noop(), done()), step(create(), waiting())],
            false,
            false,
            Standing::Changing,
        );
        check(
            &[step(noop(), done()), step(update(), open())],
            false,
            false,
            Standing::Changing,
        );
        check(
            &[step(noop(), done()), step(noop(), waiting())],
            false,
            false,
            Standing::Checking,
        );
        check(
            &[step(delete(), done()), step(delete(), open())],
            false,
            false,
            Standing::Deleting,
        );
        check(
            &[step(noop(), done()), step(delete(), open())],
            false,
            false,
            Standing::Changing,
        );
        check(&[step(create(), open())], true, false, Standing::CutOff);
        check(
            &[step(create(), open()), step(create(), failed())],
            false,
            false,
            Standing::Failed,
        );
        check(
            &[step(create(), done()), step(create(), skipped())],
            true,
            false,
            Standing::Skipped,
        );
        check(
            &[step(noop(), done()), step(update(), pending())],
            true,
            false,
            Standing::PendingWindow,
        );
        check(
            &[step(noop(), pending()), step(noop(), drifted())],
            true,
            false,
            Standing::Drifted,
        );
        check(
            &[step(noop(), done()), step(delete(), done())],
            true,
            true,
            Standing::AsWanted,
        );
        check(&[step(delete(), done())], true, false, Standing::Deleted);
        check(&[step(delete(), done())], true, true, Standing::Kept);
        let never_ready = Item {
            key: &key,
            step: None,
            ready: false,
        };
        assert_eq!(standing(&[never_ready], true, false), Standing::CutOff);
    }

    #[test]
    fn the_first_region_of_several_is_primary() {
        let regions = ["us-east-2", "us-east-1"].map(Region::new);
        let roles_of = |regions: &[Region]| roles(regions, None).into_iter().map(|of| of.role).collect::<Vec<_>>();
        assert_eq!(roles_of(&regions), [Role::Primary, Role::Secondary]);
        assert_eq!(roles_of(&regions[..1]), []);
    }
}
