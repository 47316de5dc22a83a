//! Topics, with their subscriptions.

use outrigger_model::document::Topic;
use outrigger_model::properties::{self, Input};
use outrigger_model::{Kind, Properties};

use super::Expansion;

impl Expansion<'_> {
    pub(super) fn topic(&mut self, name: &str, topic: &Topic) {
        let key = self.add_tagged(Kind::Topic, name, Properties::Topic(properties::Topic {}), &topic.tags);
        for (subscriber, subscription) in &topic.subscriptions {
            self.add(
                Kind::Subscription,
                &format!("{name}-{subscriber}"),
                Properties::Subscription(properties::Subscription {
                    topic: Input::of(&key, "arn"),
                    protocol: subscription.protocol,
                    endpoint: subscription.endpoint.clone(),
                }),
            );
        }
    }
}
