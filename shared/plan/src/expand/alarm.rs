//! Alarms: one for each thing that publishes the metric.

use outrigger_model::document::Alarm;
use outrigger_model::properties::{self, Input};
use outrigger_model::{Kind, Properties, ResourceKey};

use super::Expansion;

impl Expansion<'_> {
    pub(super) fn alarm(&mut self, name: &str, alarm: &Alarm) {
        for publisher in self.publishers(&alarm.component, &alarm.metric) {
            let topics = alarm.notify.iter();
            let topic = |topic: &String| Input::of(&ResourceKey::new(self.region, Kind::Topic, topic), "arn");
            let topics = topics.map(topic).collect();
            self.add(
                Kind::Alarm,
                &format!("{name}{}", publisher.suffix),
                Properties::Alarm(properties::Alarm {
                    description: format!("{} of {} in {}", alarm.metric, alarm.component, self.document.id()),
                    namespace: publisher.namespace.to_owned(),
                    metric: alarm.metric.clone(),
                    dimensions: publisher.dimensions,
                    statistic: alarm.statistic,
                    comparison: alarm.comparison,
                    threshold: alarm.threshold,
                    period_seconds: alarm.period_seconds,
                    periods: alarm.periods,
                    missing_data: alarm.missing_data,
                    topics,
                }),
            );
        }
    }
}
