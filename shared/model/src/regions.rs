//! The regions of a control plane, and whose turn scheduled work is in them.

use crate::Region;

/// The regions that a control plane is installed in, seen from one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Regions {
    here: Region,
    home: Region,
    others: Vec<Region>,
}

/// Whose turn it is to look after a stack unasked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// That of the region that asks.
    Mine,
    /// That of another region.
    NotMine {
        /// Of which.
        of: Region,
    },
}

impl Regions {
    /// Reads a list such as `us-east-1,us-east-2,us-west-2`, the home region first; `here` is the one that asks.
    ///
    /// # Errors
    /// When the list is empty, or `here` is not in it.
    pub fn read(list: &str, here: &str) -> Result<Self, String> {
        let mut regions = list.split(',').map(str::trim).filter(|name| !name.is_empty());
        let home = Region::new(regions.next().ok_or("the list of regions is empty")?);
        let others: Vec<Region> = regions.map(Region::new).collect();
        let here = Region::new(here);
        if here != home && !others.contains(&here) {
            return Err(format!("{here} is none of the regions {list}"));
        }
        Ok(Self { here, home, others })
    }

    /// All of them, the home region first.
    pub fn all(&self) -> impl Iterator<Item = &Region> {
        std::iter::once(&self.home).chain(&self.others)
    }

    /// Whether there is but one.
    pub fn is_alone(&self) -> bool {
        self.others.is_empty()
    }

    /// Whose turn it is to look after a stack whose document names the region `of_stack`, or whose document is not known.
    ///
    /// Each region looks after the stacks that live in it; the home region after all others. So exactly one region does.
    pub fn turn(&self, of_stack: Option<&Region>) -> Turn {
        let of = of_stack
            .filter(|region| self.others.contains(region))
            .unwrap_or(&self.home);
        match *of == self.here {
            true => Turn::Mine,
            false => Turn::NotMine { of: of.clone() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THREE: &str = "us-east-1,us-east-2,us-west-2";

    #[test]
    fn exactly_one_region_looks_after_a_stack() {
        let table = [
            ("us-east-1", Some("us-east-1"), "us-east-1"),
            ("us-east-1", Some("us-east-2"), "us-east-1"),
            ("us-east-1", None, "us-east-1"),
            (THREE, Some("us-east-1"), "us-east-1"),
            (THREE, Some("us-east-2"), "us-east-2"),
            (THREE, Some("us-west-2"), "us-west-2"),
            // Where the control plane is not, and where nobody knows: the home region.
            (THREE, Some("eu-west-1"), "us-east-1"),
            (THREE, None, "us-east-1"),
            ("us-west-2,us-east-1,us-east-2", None, "us-west-2"),
            ("us-west-2,us-east-1,us-east-2", Some("us-east-1"), "us-east-1"),
        ];
        for (list, stack, whose) in table {
            let stack = stack.map(Region::new);
            for here in list.split(',') {
                let turn = Regions::read(list, here).unwrap().turn(stack.as_ref());
                let wanted = match here == whose {
                    true => Turn::Mine,
                    false => Turn::NotMine { of: Region::new(whose) },
                };
                assert_eq!(turn, wanted, "{stack:?} from {here} of {list}");
            }
        }
    }

    #[test]
    fn a_list_names_the_region_that_asks() {
        assert!(Regions::read("us-east-1", "us-east-1").unwrap().is_alone());
        assert!(!Regions::read(THREE, "us-west-2").unwrap().is_alone());
        for (list, here, words) in [
            ("", "us-east-1", "empty"),
            (" , ", "us-east-1", "empty"),
            (
                THREE,
                "eu-west-1",
                "eu-west-1 is none of the regions us-east-1,us-east-2,us-west-2",
            ),
        ] {
            let error = Regions::read(list, here).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }
}
