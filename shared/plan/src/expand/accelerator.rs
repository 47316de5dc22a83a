//! Accelerators: a listener, and an endpoint group for each region of a gate.

use outrigger_model::document::Accelerator;
use outrigger_model::properties::{self, Input};
use outrigger_model::{Kind, Properties, Region, ResourceKey};

use super::{Expansion, gate};

impl Expansion<'_> {
    pub(super) fn accelerator(&mut self, name: &str, accelerator: &Accelerator) {
        let regions = self.document.places_of_gate(&accelerator.gate);
        self.at(Region::global(), |expansion| {
            let properties = properties::Accelerator {
                enabled: accelerator.enabled,
            };
            let properties = Properties::Accelerator(properties);
            let key = expansion.add_tagged(Kind::Accelerator, name, properties, &accelerator.tags);
            let listener = expansion.add(
                Kind::AcceleratorListener,
                name,
                Properties::AcceleratorListener(properties::AcceleratorListener {
                    accelerator: Input::of(&key, "arn"),
                    port: gate::PORT,
                }),
            );
            for region in regions {
                let balancer = ResourceKey::new(region, Kind::LoadBalancer, gate::network(&accelerator.gate));
                expansion.add(
                    Kind::EndpointGroup,
                    &format!("{name}.{region}"),
                    Properties::EndpointGroup(properties::EndpointGroup {
                        listener: Input::of(&listener, "arn"),
                        region: region.clone(),
                        load_balancer: Input::of(&balancer, "arn"),
                    }),
                );
            }
        });
    }
}
