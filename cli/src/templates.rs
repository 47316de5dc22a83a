//! The reference stacks, from which documents are begun.

use outrigger_model::document::{self, Code, Problem};

/// A reference stack.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Template {
    /// Its name: what `outrigger init` calls it, and its stack in its document.
    pub(crate) name: &'static str,
    /// Its document, with its comments.
    text: &'static str,
}

/// Every reference stack.
pub(crate) const ALL: [Template; 5] = [
    Template {
        name: "data-processing",
        text: include_str!("../../stacks/data-processing.yaml"),
    },
    Template {
        name: "iot-ingest",
        text: include_str!("../../stacks/iot-ingest.yaml"),
    },
    Template {
        name: "multi-region-dr",
        text: include_str!("../../stacks/multi-region-dr.yaml"),
    },
    Template {
        name: "postgres-ha",
        text: include_str!("../../stacks/postgres-ha.yaml"),
    },
    Template {
        name: "secure-pipeline",
        text: include_str!("../../stacks/secure-pipeline.yaml"),
    },
];

/// What a document is begun with.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    /// The stack's name.
    pub(crate) stack: String,
    /// The environment's name.
    pub(crate) environment: String,
    /// The region; of a stack in several, all of them: `us-east-1,us-east-2`.
    pub(crate) region: String,
}

impl Template {
    /// What it is: the first comment that is for people.
    pub(crate) fn summary(&self) -> &'static str {
        let comments = self.text.lines().filter_map(|line| line.strip_prefix("# "));
        let for_people = |comment: &&str| !comment.starts_with("yaml-language-server:");
        comments.into_iter().find(for_people).unwrap_or_default()
    }

    /// The names in its document.
    pub(crate) fn names(&self) -> Names {
        let value = |property| self.value(property).to_owned();
        Names {
            stack: value("stack"),
            environment: value("environment"),
            region: self.regions().join(","),
        }
    }

    /// The regions in its document.
    fn regions(&self) -> Vec<&'static str> {
        match self.value("region") {
            "" => regions_in(self.value("regions").trim_matches(['[', ']'])).collect(),
            one => vec![one],
        }
    }

    /// What stands for each of its regions where there are several: they are named all over such a document.
    fn renamed<'a>(&self, names: &'a Names) -> Result<Vec<(&'static str, &'a str)>, Vec<Problem>> {
        let own = self.regions();
        if own.len() < 2 {
            return Ok(Vec::new());
        }
        let wanted: Vec<&str> = regions_in(&names.region).collect();
        if wanted.len() != own.len() || !wanted.iter().all(|region| plain_or_quoted(region) == **region) {
            let message = format!("`{}` names no {} regions", names.region, own.len());
            let problem = Problem::at(Code::Form, "region", message);
            return Err(vec![problem.help(format!("for instance {}", own.join(",")))]);
        }
        Ok(own.into_iter().zip(wanted).collect())
    }

    /// The value of one of the document's own properties, such as its region.
    fn value(&self, property: &str) -> &'static str {
        let lines = self
            .text
            .lines()
            .filter_map(|line| line.strip_prefix(property)?.strip_prefix(": "));
        let value = lines
            .map(|rest| rest.split_once(" #").map_or(rest, |(value, _)| value).trim())
            .next();
        value.unwrap_or_default()
    }

    /// Its document with other names; all else, comments included, stays as it is.
    ///
    /// # Errors
    /// What is wrong with the names.
    pub(crate) fn with(&self, names: &Names) -> Result<String, Vec<Problem>> {
        let regions = self.renamed(names)?;
        let mut text = String::new();
        for line in self.text.lines() {
            let named = [
                ("stack", &names.stack),
                ("environment", &names.environment),
                ("region", &names.region),
            ]
            .into_iter()
            .find_map(|(property, value)| {
                let rest = line.strip_prefix(property)?.strip_prefix(": ")?;
                let comment = rest.find(" #").and_then(|at| rest.get(at..)).unwrap_or_default();
                // As JSON, and so YAML, has it where it could be read as something else.
                Some(format!("{property}: {}{comment}", plain_or_quoted(value)))
            });
            text.push_str(&replaced(named.as_deref().unwrap_or(line), &regions));
            text.push('\n');
        }
        let value = document::from_text(&text)?;
        document::parse(&value).map(|_| text)
    }
}

/// Regions as they are given, separated by commas.
fn regions_in(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim)
}

/// A line with other texts in it, each in one go: what was put in is not looked at again.
fn replaced(line: &str, texts: &[(&str, &str)]) -> String {
    let mut done = String::new();
    let mut rest = line;
    let first = |rest: &str| {
        let found = texts
            .iter()
            .filter_map(|(old, new)| Some((rest.find(old)?, *old, *new)));
        found.min_by_key(|(at, ..)| *at)
    };
    while let Some((at, old, new)) = first(rest) {
        let (before, after) = rest.split_at(at);
        done.push_str(before);
        done.push_str(new);
        rest = after.strip_prefix(old).unwrap_or_default();
    }
    done + rest
}

/// A text as YAML reads it back.
fn plain_or_quoted(value: &str) -> String {
    let is_plain = |text: &str| {
        text.starts_with(|first: char| first.is_ascii_lowercase())
            && text
                .chars()
                .all(|char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '-')
            && document::from_text(text).is_ok_and(|read| read == text)
    };
    match is_plain(value) {
        true => value.to_owned(),
        false => serde_json::Value::from(value).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_stack_is_here_and_is_called_what_it_is() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../stacks");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .filter_map(|entry| Some(entry.unwrap().file_name().to_str()?.strip_suffix(".yaml")?.to_owned()))
            .collect();
        files.sort();
        assert_eq!(ALL.map(|template| template.name).as_slice(), files.as_slice());
        for template in ALL {
            assert_eq!(template.value("stack"), template.name);
            assert!(template.summary().len() > 20, "{}", template.name);
            let regions = template.regions();
            assert!(!regions.is_empty() && regions.iter().all(|region| plain_or_quoted(region) == *region));
        }
    }

    #[test]
    fn what_is_written_is_valid_and_differs_in_its_names_alone() {
        let names = Names {
            stack: "shop".to_owned(),
            environment: "true".to_owned(),
            region: "eu-west-1".to_owned(),
        };
        for template in ALL.into_iter().filter(|template| template.regions().len() == 1) {
            let text = template.with(&names).unwrap();
            let document = document::parse(&document::from_text(&text).unwrap()).unwrap();
            assert_eq!(
                (document.id().to_string().as_str(), document.region.as_str()),
                ("shop/true", "eu-west-1")
            );
            let differing: Vec<&str> = text
                .lines()
                .zip(template.text.lines())
                .filter(|(new, old)| new != old)
                .map(|(new, _)| new)
                .collect();
            assert_eq!(differing, ["stack: shop", "environment: \"true\"", "region: eu-west-1"]);
            assert_eq!(text.lines().count(), template.text.lines().count());
        }
    }

    #[test]
    fn every_region_of_a_document_is_renamed_wherever_it_stands() {
        let template = ALL
            .into_iter()
            .find(|template| template.name == "multi-region-dr")
            .unwrap();
        let with = |region: &str| {
            let mut names = template.names();
            region.clone_into(&mut names.region);
            template.with(&names)
        };
        assert_eq!(template.names().region, "us-east-1,us-east-2");
        assert_eq!(with("us-east-1, us-east-2").unwrap(), template.text);
        // One of them in the other's place.
        let text = with("eu-west-1,us-east-1").unwrap();
        let document = document::parse(&document::from_text(&text).unwrap()).unwrap();
        let regions: Vec<&str> = document.regions.iter().map(|region| region.as_str()).collect();
        assert_eq!(regions, ["eu-west-1", "us-east-1"]);
        assert_eq!(
            document.outputs["secondary_vpc_id"].to_string(),
            "network.us-east-1.vpc_id"
        );
        assert!(!text.contains("us-east-2"), "{text}");
        // Its alarm on health checks is where their metrics are.
        let problems = with("us-east-2,eu-west-1").unwrap_err();
        assert_eq!(problems[0].place, "alarms.unreachable.component", "{problems:?}");
        for region in [
            "us-east-1",
            "us-east-1,us-east-2,us-west-2",
            "us-east-1,",
            "a: b,{}",
            "",
            "us-east-1,mars",
        ] {
            let problems = with(region).unwrap_err();
            assert!(problems[0].place.starts_with("region"), "{region}: {problems:?}");
        }
    }

    #[test]
    fn names_that_cannot_be_are_told() {
        let table = [
            (("Shop", "production", "us-east-1"), "stack"),
            (("shop", "a: {b", "us-east-1"), "environment"),
            (("shop", "production", "mars"), "region"),
            (("", "production", "us-east-1"), "stack"),
        ];
        for ((stack, environment, region), place) in table {
            let names = Names {
                stack: stack.to_owned(),
                environment: environment.to_owned(),
                region: region.to_owned(),
            };
            let problems = ALL[0].with(&names).unwrap_err();
            let places: Vec<&str> = problems.iter().map(|problem| problem.place.as_str()).collect();
            assert_eq!(places, [place]);
        }
    }
}
