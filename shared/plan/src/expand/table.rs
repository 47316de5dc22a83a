//! Tables: each one resource, in its first region, that has its replicas in the others.

use outrigger_model::document::{Document, Table};
use outrigger_model::{Kind, Properties, Region, ResourceKey, properties};

use super::Expansion;

/// The region of the resource that stands for a table and its replicas.
pub(super) fn home<'a>(document: &'a Document, name: &str) -> &'a Region {
    document.home(document.tables.get(name).and_then(|table| table.region.as_ref()))
}

impl Expansion<'_> {
    pub(super) fn table(&mut self, name: &str, table: &Table) {
        let places = self.document.places(table.region.as_ref()).into_iter();
        self.add_tagged(
            Kind::Table,
            name,
            Properties::Table(properties::Table {
                key: table.key.clone(),
                sort_key: table.sort_key.clone(),
                replicas: places.filter(|place| *place != self.region).cloned().collect(),
                point_in_time_recovery: table.point_in_time_recovery,
                deletion_protection: table.deletion_protection,
                allow_replace: table.allow_replace,
            }),
            &table.tags,
        );
    }

    /// The table of this name, and what its ARN in the region at hand is called among its attributes: what runs in a region
    /// uses the table there.
    pub(super) fn table_here(&self, name: &str) -> (ResourceKey, &'static str) {
        let home = home(self.document, name);
        let attribute = if self.region == home { "arn" } else { "replica_arn" };
        (ResourceKey::new(home, Kind::Table, name), attribute)
    }
}
