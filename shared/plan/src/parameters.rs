//! Whether an engine knows a document's parameters.

use std::collections::{BTreeMap, BTreeSet};

use outrigger_model::document::{Code, Problem};
use serde::{Deserialize, Serialize};

/// A parameter of a parameter group family.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter {
    /// Whether a group may set it.
    pub is_modifiable: bool,
    /// Whether it takes effect only when the database restarts.
    pub is_static: bool,
    /// What it may be: `a,b,c` or `1-100`; anything without.
    pub allowed_values: Option<String>,
    /// Its type: `integer`, `boolean`, `string`, `list`, `float`.
    pub data_type: String,
}

/// Which of a component's parameters take effect only when its database restarts.
///
/// # Errors
/// Every parameter that the family does not know, or does not take with this value.
pub fn check(
    place: &str,
    family: &str,
    wanted: &BTreeMap<String, String>,
    known: &BTreeMap<String, Parameter>,
) -> Result<BTreeSet<String>, Vec<Problem>> {
    let mut problems = Vec::new();
    for (name, value) in wanted {
        let place = format!("{place}.parameters.{name}");
        match known.get(name) {
            None => problems.push(Problem::at(
                Code::Parameter,
                place,
                format!("{family} has no such parameter"),
            )),
            Some(parameter) if !parameter.is_modifiable => {
                problems.push(Problem::at(
                    Code::Parameter,
                    place,
                    format!("AWS lets nobody set it in {family}"),
                ));
            }
            Some(parameter) => {
                if let Some(allowed) = parameter.allowed_values.as_deref()
                    && !is_allowed(parameter, allowed, value)
                {
                    problems.push(Problem::at(
                        Code::Parameter,
                        place,
                        format!("`{value}` is not possible; expected {allowed}"),
                    ));
                }
            }
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let is_static = |name: &&String| known.get(*name).is_some_and(|parameter| parameter.is_static);
    Ok(wanted.keys().filter(is_static).cloned().collect())
}

fn is_allowed(parameter: &Parameter, allowed: &str, value: &str) -> bool {
    // A formula of the instance's memory, which only RDS can work out: {DBInstanceClassMemory/32768}.
    if value.contains('{') {
        return true;
    }
    let range = allowed.rsplit_once('-').and_then(|(least, most)| {
        let number = |text: &str| text.trim().parse::<f64>().ok();
        Some((number(least)?, number(most)?))
    });
    if let (Some((least, most)), Ok(value)) = (range, value.parse::<f64>()) {
        return (least..=most).contains(&value);
    }
    let choices: BTreeSet<&str> = allowed.split(',').map(str::trim).collect();
    match parameter.data_type.as_str() {
        // Several at once.
        "list" => value.split(',').all(|item| choices.contains(item.trim())),
        "boolean" => ["0", "1", "on", "off", "true", "false"].contains(&value) || choices.contains(value),
        _ => range.is_none() && choices.contains(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_held_against_what_is_allowed() {
        let table = [
            ("integer", "6-262143", "200", true),
            ("integer", "6-262143", "5", false),
            ("integer", "-1-2147483647", "-1", true),
            ("integer", "6-262143", "many", false),
            ("integer", "6-262143", "{DBInstanceClassMemory/9531392}", true),
            (
                "list",
                "auto_explain, pg_stat_statements",
                "pg_stat_statements,auto_explain",
                true,
            ),
            ("list", "auto_explain,pg_stat_statements", "pg_stat_statement", false),
            ("string", "none,ddl,mod,all", "all", true),
            ("string", "none,ddl,mod,all", "some", false),
            ("boolean", "0,1", "on", true),
            ("boolean", "0,1", "2", false),
            ("float", "0-1", "0.5", true),
        ];
        for (data_type, allowed, value, expected) in table {
            let parameter = Parameter {
                is_modifiable: true,
                is_static: false,
                allowed_values: Some(allowed.to_owned()),
                data_type: data_type.to_owned(),
            };
            let known = BTreeMap::from([("name".to_owned(), parameter)]);
            let wanted = BTreeMap::from([("name".to_owned(), value.to_owned())]);
            let answer = check("databases.main", "postgres15", &wanted, &known);
            assert_eq!(answer.is_ok(), expected, "{allowed}: {value}");
        }
    }
}
