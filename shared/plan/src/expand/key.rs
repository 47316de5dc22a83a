//! Keys: a KMS key, and its alias.

use outrigger_model::document::Key;
use outrigger_model::properties::{self, Input};
use outrigger_model::{Kind, Properties, ResourceKey};

use super::Expansion;

impl Expansion<'_> {
    pub(super) fn key(&mut self, name: &str, key: &Key) {
        let id = self.document.id();
        let of = self.add_tagged(
            Kind::KmsKey,
            name,
            Properties::KmsKey(properties::KmsKey {
                description: format!("encryption at rest of {id}, key {name}"),
                rotation: key.rotation,
                deletion_window_days: key.deletion_window_days,
            }),
            &key.tags,
        );
        let alias = self.add(
            Kind::KmsAlias,
            name,
            Properties::KmsAlias(properties::KmsAlias { key: Input::id_of(&of) }),
        );
        if let Some(alias) = self.graph.resources.get_mut(&alias) {
            // At most 30, 60 and 20 characters: far from the 256 that an alias may have.
            alias.physical_name = format!("alias/{}-{name}-{}", id.stack, id.environment);
            alias.tags.insert("Name".to_owned(), alias.physical_name.clone());
        }
    }

    /// The ARN of the key that a component names: in its own region, as the document's validation has seen to.
    pub(super) fn encryption_key(&self, name: Option<&String>) -> Option<Input> {
        let key = ResourceKey::new(self.region, Kind::KmsKey, name?);
        Some(Input::of(&key, "arn"))
    }
}
