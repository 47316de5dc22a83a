//! Streams.

use outrigger_model::document::Stream;
use outrigger_model::{Kind, Properties, properties};

use super::Expansion;

impl Expansion<'_> {
    pub(super) fn stream(&mut self, name: &str, stream: &Stream) {
        self.add_tagged(
            Kind::Stream,
            name,
            Properties::Stream(properties::Stream {
                shards: stream.shards,
                retention_hours: stream.retention_hours,
                shard_metrics: stream.shard_metrics.clone(),
                encryption_key: self.encryption_key(stream.encryption_key.as_ref()),
            }),
            &stream.tags,
        );
    }
}
