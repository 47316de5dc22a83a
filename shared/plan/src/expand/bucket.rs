//! Buckets: one in each region, and what copies from each to the other.

use std::collections::BTreeSet;

use outrigger_model::document::Bucket;
use outrigger_model::properties::{self, Allows, Input};
use outrigger_model::{Kind, Properties, ResourceKey};

use super::Expansion;

/// What S3 does as the role, to read from one bucket and to write to the other:
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html>.
const ACTIONS: [&str; 8] = [
    "s3:GetObjectVersionAcl",
    "s3:GetObjectVersionForReplication",
    "s3:GetObjectVersionTagging",
    "s3:GetReplicationConfiguration",
    "s3:ListBucket",
    "s3:ReplicateDelete",
    "s3:ReplicateObject",
    "s3:ReplicateTags",
];

impl<'a> Expansion<'a> {
    pub(super) fn buckets(&mut self, name: &str, bucket: &'a Bucket) {
        let document = self.document;
        let places = document.places(bucket.region.as_ref());
        let properties = || {
            Properties::Bucket(properties::Bucket {
                force_empty: bucket.force_empty,
            })
        };
        let mut buckets = Vec::new();
        for place in &places {
            let key = self.at(place, |expansion| {
                expansion.add_tagged(Kind::Bucket, name, properties(), &bucket.tags)
            });
            buckets.push(key);
        }
        if document.is_replicated(bucket) {
            self.replication(name, bucket, &places, &buckets);
        }
    }

    /// Each bucket is copied to the next. As both are read from and written to, one role does for both.
    fn replication(
        &mut self,
        name: &str,
        bucket: &'a Bucket,
        places: &[&'a outrigger_model::Region],
        buckets: &[ResourceKey],
    ) {
        let of_each = |bucket| ["arn", "objects"].map(|attribute| Input::of(bucket, attribute));
        let role = self.add_tagged(
            Kind::Role,
            &format!("{name}.replication"),
            Properties::Role(properties::Role {
                description: format!("S3 replicates the buckets {name} of {}", self.document.id()),
                service: "s3.amazonaws.com".to_owned(),
                managed_policies: BTreeSet::new(),
                allows: vec![Allows {
                    actions: ACTIONS.map(str::to_owned).into(),
                    resources: buckets.iter().flat_map(of_each).collect(),
                    leading_keys: BTreeSet::new(),
                }],
            }),
            &bucket.tags,
        );
        let destinations = buckets.iter().cycle().skip(1);
        for ((place, source), destination) in places.iter().zip(buckets).zip(destinations) {
            self.at(place, |expansion| {
                expansion.add(
                    Kind::BucketReplication,
                    name,
                    Properties::BucketReplication(properties::BucketReplication {
                        bucket: Input::of(source, "name"),
                        destination: Input::of(destination, "arn"),
                        role: Input::of(&role, "arn"),
                    }),
                )
            });
        }
    }
}
