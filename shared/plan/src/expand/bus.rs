//! Event buses: their rules with what gets the events, and the endpoint over both regions.

use std::collections::{BTreeMap, BTreeSet};

use outrigger_model::document::{Bus, EventRule, GlobalEndpoint};
use outrigger_model::name::physical_name;
use outrigger_model::properties::{self, Allows, Input};
use outrigger_model::{Kind, Properties, Region, ResourceKey};

use super::{Expansion, health_check};

/// What stands between a bus's name and that of something on it. No component's name can hold it.
const WITHIN: char = '.';

/// The service that invokes functions, and copies events.
const SERVICE: &str = "events.amazonaws.com";

impl Expansion<'_> {
    /// The bus of the region at hand.
    pub(super) fn bus(&mut self, name: &str, bus: &Bus) {
        let key = self.add_tagged(
            Kind::EventBus,
            name,
            Properties::EventBus(properties::EventBus {
                description: format!("the event bus {name} of {}", self.document.id()),
            }),
            &bus.tags,
        );
        for (rule_name, rule) in &bus.rules {
            self.rule((name, &key), rule_name, rule, &bus.tags);
        }
    }

    fn rule(
        &mut self,
        (bus_name, bus): (&str, &ResourceKey),
        name: &str,
        rule: &EventRule,
        tags: &BTreeMap<String, String>,
    ) {
        let within = format!("{bus_name}{WITHIN}{name}");
        // Plain data with text keys: it always serializes.
        let pattern = serde_json::to_string(&rule.pattern).unwrap_or_default();
        let key = self.add_tagged(
            Kind::EventRule,
            &within,
            Properties::EventRule(properties::EventRule {
                bus: Input::of(bus, "name"),
                description: format!("the rule {name} of the event bus {bus_name} of {}", self.document.id()),
                pattern,
            }),
            tags,
        );
        let function = ResourceKey::new(self.region, Kind::Function, &rule.function);
        let permission = self.add(
            Kind::FunctionPermission,
            &within,
            Properties::FunctionPermission(properties::FunctionPermission {
                function: Input::of(&function, "name"),
                service: SERVICE.to_owned(),
                source: Some(Input::of(&key, "arn")),
            }),
        );
        let target = self.add(
            Kind::EventTarget,
            &within,
            Properties::EventTarget(properties::EventTarget {
                bus: Input::of(bus, "name"),
                rule: Input::of(&key, "name"),
                function: Input::of(&function, "arn"),
            }),
        );
        // An event that comes before the permission would be lost.
        self.after(&target, &permission);
    }

    /// The endpoint over the buses of both regions: it is the first region's. Its name is the bus's.
    pub(super) fn global_endpoint(&mut self, name: &str, endpoint: &GlobalEndpoint) {
        let [primary, secondary] = self.document.regions.as_slice() else {
            return;
        };
        let bus = |region: &Region| Input::of(&ResourceKey::new(region, Kind::EventBus, name), "arn");
        let role = self.endpoint_role(name, [primary, secondary]);
        self.add(
            Kind::GlobalEndpoint,
            name,
            Properties::GlobalEndpoint(properties::GlobalEndpoint {
                description: format!("the endpoint of the event buses {name} of {}", self.document.id()),
                health_check: Input::id_of(&health_check::key(&endpoint.health_check, primary)),
                primary_bus: bus(primary),
                secondary_bus: bus(secondary),
                secondary_region: secondary.clone(),
                role: Input::of(&role, "arn"),
            }),
        );
    }

    /// What EventBridge takes on to copy events: it puts a rule of its own on both buses, whose target is the other bus.
    /// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-ge-create-endpoint.html>
    fn endpoint_role(&mut self, name: &str, regions: [&Region; 2]) -> ResourceKey {
        let within = format!("{name}{WITHIN}endpoint");
        let key = ResourceKey::new(self.region, Kind::Role, &within);
        let id = self.document.id();
        let role_name = physical_name(&id, &key);
        let (partition, account) = (self.region.partition(), self.resolved.control_plane.account.clone());
        let actions = |actions: &[&str]| -> BTreeSet<String> {
            let prefixed = actions.iter().map(|action| format!("events:{action}"));
            prefixed.collect()
        };
        let buses = regions.map(|region| ResourceKey::new(region, Kind::EventBus, name));
        let rules = buses.each_ref().map(|bus| {
            let (region, bus) = (&bus.region, physical_name(&id, bus));
            let rules = format!("rule/{bus}/GlobalEndpointManagedRule-*");
            Input::Text(format!("arn:{partition}:events:{region}:{account}:{rules}"))
        });
        let own = format!("arn:{partition}:iam::{account}:role/outrigger/{role_name}");
        self.add(
            Kind::Role,
            &within,
            Properties::Role(properties::Role {
                description: format!("copies the events of {name} of {id} from one region to the other"),
                service: SERVICE.to_owned(),
                managed_policies: BTreeSet::new(),
                allows: vec![
                    Allows {
                        actions: actions(&["PutEvents"]),
                        resources: buses.iter().map(|bus| Input::of(bus, "arn")).collect(),
                        leading_keys: BTreeSet::new(),
                    },
                    Allows {
                        actions: actions(&["DeleteRule", "PutRule", "PutTargets", "RemoveTargets"]),
                        resources: rules.into(),
                        leading_keys: BTreeSet::new(),
                    },
                    // Its rule's target takes it on as well.
                    Allows {
                        actions: BTreeSet::from(["iam:PassRole".to_owned()]),
                        resources: vec![Input::Text(own)],
                        leading_keys: BTreeSet::new(),
                    },
                ],
            }),
        )
    }
}
