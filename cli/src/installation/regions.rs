//! The regions that a control plane is installed in: which there may be, and what an installation can become.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};
use outrigger_model::Region;

/// The regions among which DynamoDB keeps a table strongly consistent; the three must be of one set:
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateGlobalTableWitnessGroupMemberAction.html>.
const SETS: [&[&str]; 3] = [
    &["us-east-1", "us-east-2", "us-west-2"],
    &["eu-west-1", "eu-west-2", "eu-west-3", "eu-central-1"],
    &["ap-northeast-1", "ap-northeast-2", "ap-northeast-3"],
];

const ONE_OR_THREE: &str = "a control plane is installed in one region, or in three whose tables can vote";

/// The regions that are asked for, the home region first; none where nothing is said.
///
/// # Errors
/// When they are not one, or three of one set.
pub(crate) fn asked(names: &[String]) -> Result<Option<Vec<Region>>> {
    let different: BTreeSet<&String> = names.iter().collect();
    if different.len() < names.len() {
        bail!("--regions names a region twice; {ONE_OR_THREE}");
    }
    match names {
        [] => return Ok(None),
        [_] => {}
        [_, _, _]
            if SETS
                .iter()
                .any(|set| names.iter().all(|name| set.contains(&name.as_str()))) => {}
        [_, _, _] => {
            let sets: Vec<String> = SETS.iter().map(|set| set.join(", ")).collect();
            bail!(
                "DynamoDB keeps no table strongly consistent in {} together; three of one of these sets it does: {}",
                names.join(", "),
                sets.join("; ")
            )
        }
        _ => bail!("--regions names {} regions; {ONE_OR_THREE}", names.len()),
    }
    Ok(Some(names.iter().map(Region::new).collect()))
}

/// The regions that a control plane says it is installed in; one that says nothing is of a time when there was only one.
pub(crate) fn recorded(output: Option<&String>, here: &Region) -> Vec<Region> {
    match output {
        Some(list) => list.split(',').map(Region::new).collect(),
        None => vec![here.clone()],
    }
}

/// The regions to install in, the home region first: those that are asked for, if what is installed can be that; else those
/// of what is installed; else `here`.
///
/// # Errors
/// When what is installed in one of them is in other regions: its table cannot be moved.
pub(crate) fn settled(
    name: &str,
    asked: Option<&[Region]>,
    here: &Region,
    found: &BTreeMap<Region, Vec<Region>>,
) -> Result<Vec<Region>> {
    let wanted = match (asked, found.get(here)) {
        (Some(asked), _) => asked.to_vec(),
        (None, Some(installed)) => installed.clone(),
        (None, None) => vec![here.clone()],
    };
    let set = |regions: &[Region]| regions.iter().cloned().collect::<BTreeSet<_>>();
    let mut order = wanted.clone();
    for (region, installed) in found {
        if set(installed) != set(&wanted) {
            bail!("{}", cannot_move(name, region, installed, &wanted));
        }
        // Whose the table is does not change.
        order.clone_from(installed);
    }
    Ok(order)
}

fn cannot_move(name: &str, region: &Region, installed: &[Region], wanted: &[Region]) -> String {
    let why = match (installed.len(), wanted.len()) {
        (1, 3) => {
            "its table holds state, and DynamoDB makes only an empty table strongly consistent across regions \
             (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2globaltables_HowItWorks.html)"
        }
        (3, 1) => "its table is one with three replicas, of which none can be left out",
        _ => "the regions of its table cannot be exchanged",
    };
    format!(
        "the control plane {name} of {region} is installed in {}, and cannot go to {}: {why}. Nothing was changed. Either \
         install another one there, under another name (an environment of samconfig.toml of its own, or --control-plane \
         in the local AWS), and stand the stacks up from it once they are destroyed here; or destroy the stacks, remove \
         this one (docs/install.md), and install it anew",
        list(installed),
        list(wanted)
    )
}

/// Regions, for people.
pub(crate) fn list(regions: &[Region]) -> String {
    let names: Vec<&str> = regions.iter().map(Region::as_str).collect();
    match &names[..] {
        [before @ .., last] if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        _ => names.concat(),
    }
}

/// What the template takes, of a control plane in these regions; nothing in one region, as ever.
pub(crate) fn parameters(regions: &[Region]) -> Vec<String> {
    match regions {
        [home, second, third] => vec![
            format!("HomeRegion={home}"),
            format!("SecondRegion={second}"),
            format!("ThirdRegion={third}"),
        ],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &str) -> Vec<String> {
        list.split_whitespace().map(str::to_owned).collect()
    }

    fn regions(list: &str) -> Vec<Region> {
        list.split_whitespace().map(Region::new).collect()
    }

    #[test]
    fn one_region_is_enough_and_three_are_of_one_set() {
        assert_eq!(asked(&[]).unwrap(), None);
        for list in [
            "sa-east-1",
            "us-west-2 us-east-1 us-east-2",
            "eu-central-1 eu-west-1 eu-west-3",
            "ap-northeast-3 ap-northeast-2 ap-northeast-1",
        ] {
            assert_eq!(asked(&names(list)).unwrap(), Some(regions(list)), "{list}");
        }
        for (list, words) in [
            ("us-east-1 us-east-1 us-west-2", "twice"),
            (
                "us-east-1 us-east-2",
                "names 2 regions; a control plane is installed in one region, or in three",
            ),
            ("us-east-1 us-east-2 us-west-2 eu-west-1", "names 4 regions"),
            (
                "us-east-1 us-east-2 eu-west-1",
                "DynamoDB keeps no table strongly consistent in us-east-1, us-east-2, eu-west-1 together; three of one of these \
                 sets it does: us-east-1, us-east-2, us-west-2; eu-west-1",
            ),
            ("us-east-1 us-east-2 us-west-1", "no table strongly consistent"),
        ] {
            let error = asked(&names(list)).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn what_is_installed_stays_where_it_is() {
        const THREE: &str = "us-east-1 us-east-2 us-west-2";
        // Asked for, in which region, what is installed in which regions; the outcome.
        type Row = (
            &'static str,
            &'static str,
            &'static [(&'static str, &'static str)],
            Result<&'static str, &'static str>,
        );
        let table: [Row; 12] = [
            ("", "us-east-1", &[], Ok("us-east-1")),
            ("", "us-east-1", &[("us-east-1", "us-east-1")], Ok("us-east-1")),
            ("us-east-2", "us-east-2", &[], Ok("us-east-2")),
            (THREE, "us-east-1", &[], Ok(THREE)),
            // From any of them, the rest is found; cut off in between, it goes on.
            ("", "us-west-2", &[("us-west-2", THREE)], Ok(THREE)),
            (THREE, "us-east-1", &[("us-east-1", THREE)], Ok(THREE)),
            // The home region stays the home region.
            (
                "us-west-2 us-east-1 us-east-2",
                "us-west-2",
                &[("us-west-2", THREE), ("us-east-1", THREE)],
                Ok(THREE),
            ),
            (
                THREE,
                "us-east-1",
                &[("us-east-1", "us-east-1")],
                Err("only an empty table"),
            ),
            (
                THREE,
                "us-east-1",
                &[("us-west-2", "us-west-2")],
                Err("outrigger of us-west-2 is installed in us-west-2"),
            ),
            ("us-east-2", "us-east-2", &[("us-east-2", THREE)], Err("three replicas")),
            (
                "eu-west-1 eu-west-2 eu-west-3",
                "eu-west-1",
                &[("eu-west-1", "eu-west-1 eu-west-2 eu-central-1")],
                Err("cannot be exchanged"),
            ),
            (
                "",
                "us-east-1",
                &[("us-east-1", THREE), ("us-east-2", "us-east-2")],
                Err("us-east-2 is installed in us-east-2"),
            ),
        ];
        for (asked, here, found, wanted) in table {
            let asked = (!asked.is_empty()).then(|| regions(asked));
            let found = found
                .iter()
                .map(|(region, installed)| (Region::new(*region), regions(installed)))
                .collect();
            match (
                settled("outrigger", asked.as_deref(), &Region::new(here), &found),
                wanted,
            ) {
                (Ok(settled), Ok(wanted)) => assert_eq!(settled, regions(wanted)),
                (Err(error), Err(words)) => assert!(error.to_string().contains(words), "{error}"),
                (settled, wanted) => panic!("{asked:?} {found:?}: {settled:?}, not {wanted:?}"),
            }
        }
    }

    #[test]
    fn an_installation_says_its_regions() {
        let here = Region::new("us-east-2");
        assert_eq!(recorded(None, &here), regions("us-east-2"));
        let list = "us-east-1,us-east-2,us-west-2".to_owned();
        let three = regions("us-east-1 us-east-2 us-west-2");
        assert_eq!(recorded(Some(&list), &here), three);
        assert_eq!(list_of(&three), "us-east-1, us-east-2 and us-west-2");
        assert_eq!(list_of(&three[..1]), "us-east-1");
        assert_eq!(
            parameters(&three),
            [
                "HomeRegion=us-east-1",
                "SecondRegion=us-east-2",
                "ThirdRegion=us-west-2"
            ]
        );
        assert!(parameters(&three[..1]).is_empty());
    }

    fn list_of(regions: &[Region]) -> String {
        super::list(regions)
    }
}
