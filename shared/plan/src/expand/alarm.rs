//! Alarms: one for each thing that publishes the metric.

use std::collections::BTreeMap;

use outrigger_model::document::{Alarm, ComponentPath};
use outrigger_model::properties::{self, Input};
use outrigger_model::{Kind, Properties, ResourceKey};

use super::Expansion;

impl Expansion<'_> {
    pub(super) fn alarm(&mut self, name: &str, alarm: &Alarm) {
        let region = self.region;
        match &alarm.component {
            ComponentPath::Database(component) => {
                let instance = ResourceKey::new(region, Kind::DbInstance, component);
                let dimension = ("DBInstanceIdentifier", Input::id_of(&instance));
                self.alarm_on(name, alarm, "AWS/RDS", dimension);
            }
            ComponentPath::Cluster(component) => {
                let cluster = ResourceKey::new(region, Kind::DbCluster, component);
                let dimension = ("DBClusterIdentifier", Input::id_of(&cluster));
                self.alarm_on(name, alarm, "AWS/RDS", dimension);
            }
            ComponentPath::Stream(component) => {
                let stream = ResourceKey::new(region, Kind::Stream, component);
                let dimension = ("StreamName", Input::of(&stream, "name"));
                self.alarm_on(name, alarm, "AWS/Kinesis", dimension);
            }
            ComponentPath::Topic(component) => {
                let topic = ResourceKey::new(region, Kind::Topic, component);
                self.alarm_on(name, alarm, "AWS/SNS", ("TopicName", Input::of(&topic, "name")));
            }
            // https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html
            ComponentPath::Api(component) => {
                let api = ResourceKey::new(region, Kind::RestApi, component);
                let stage = self.document.apis.get(component).map(|api| api.stage.clone());
                let dimensions = BTreeMap::from([
                    ("ApiName".to_owned(), Input::of(&api, "name")),
                    ("Stage".to_owned(), Input::Text(stage.unwrap_or_default())),
                ]);
                self.alarm_with(name, alarm, "AWS/ApiGateway", dimensions);
            }
            // ElastiCache publishes host metrics per cache cluster, never per replication group:
            // https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/CacheMetrics.html
            ComponentPath::Cache(component) => {
                let group = ResourceKey::new(region, Kind::ReplicationGroup, component);
                let nodes = self.document.caches.get(component).map_or(0, |cache| cache.nodes);
                for node in 1..=nodes {
                    let dimension = ("CacheClusterId", Input::of(&group, &format!("member_{node}")));
                    self.alarm_on(&format!("{name}-{node}"), alarm, "AWS/ElastiCache", dimension);
                }
            }
        }
    }

    fn alarm_on(&mut self, name: &str, alarm: &Alarm, namespace: &str, dimension: (&str, Input)) {
        let dimensions = BTreeMap::from([(dimension.0.to_owned(), dimension.1)]);
        self.alarm_with(name, alarm, namespace, dimensions);
    }

    fn alarm_with(&mut self, name: &str, alarm: &Alarm, namespace: &str, dimensions: BTreeMap<String, Input>) {
        self.add(
            Kind::Alarm,
            name,
            Properties::Alarm(properties::Alarm {
                description: format!("{} of {} in {}", alarm.metric, alarm.component, self.document.id()),
                namespace: namespace.to_owned(),
                metric: alarm.metric.clone(),
                dimensions,
                statistic: alarm.statistic,
                comparison: alarm.comparison,
                threshold: alarm.threshold,
                period_seconds: alarm.period_seconds,
                periods: alarm.periods,
                missing_data: alarm.missing_data,
                topics: alarm
                    .notify
                    .iter()
                    .map(|topic| Input::of(&ResourceKey::new(self.region, Kind::Topic, topic), "arn"))
                    .collect(),
            }),
        );
    }
}
