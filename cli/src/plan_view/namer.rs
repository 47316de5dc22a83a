//! Names of resources as they are shown: without the region where there is but one.

use outrigger_model::ResourceKey;

/// Names resources.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Namer {
    with_region: bool,
}

impl Namer {
    /// Names these and their like.
    pub(crate) fn of<'a>(mut keys: impl Iterator<Item = &'a ResourceKey>) -> Self {
        let first = keys.next().map(|key| &key.region);
        Self {
            with_region: keys.any(|key| Some(&key.region) != first),
        }
    }

    /// Whether names begin with the region.
    pub(crate) fn with_region(self) -> bool {
        self.with_region
    }

    /// The name of one.
    pub(crate) fn name(self, key: &ResourceKey) -> String {
        match self.with_region {
            true => key.to_string(),
            false => format!("{}/{}", key.kind, key.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_region_is_named_where_there_are_two() {
        let keys = ["us-east-1/vpc/vpc", "us-east-1/vpc/other", "us-east-2/vpc/vpc"];
        let keys = keys.map(|key| key.parse::<ResourceKey>().unwrap());
        assert_eq!(Namer::of(keys.iter().take(2)).name(&keys[0]), "vpc/vpc");
        assert_eq!(Namer::of(keys.iter()).name(&keys[0]), "us-east-1/vpc/vpc");
        assert!(!Namer::of(keys.iter().take(0)).with_region());
    }
}
