//! Event patterns: which events a rule matches.
//! <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html>

use serde_json::{Map, Value};

use super::super::collect::{Problems, inside, shown};
use super::super::fields::wrong_type;
use super::super::nearest::instead;
use super::super::problem::{Code, Problem};

/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html>, "Event pattern size".
const CHARACTERS_MAX: usize = 2048;
const DEPTH_MAX: usize = 20;

/// What every event has: <https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html>; and what one has
/// that is replayed from an archive.
const FIELDS: [&str; 10] = [
    "account",
    "detail",
    "detail-type",
    "id",
    "region",
    "replay-name",
    "resources",
    "source",
    "time",
    "version",
];

/// In place of a field: what any of several patterns matches.
const OR: &str = "$or";

const MATCHERS: [&str; 8] = [
    "anything-but",
    "cidr",
    "equals-ignore-case",
    "exists",
    "numeric",
    "prefix",
    "suffix",
    "wildcard",
];

const COMPARISONS: [&str; 5] = ["<", "<=", "=", ">", ">="];

pub(super) fn pattern(value: &Value, place: &str, problems: &mut Problems) -> Option<Map<String, Value>> {
    let Some(pattern) = value.as_object() else {
        problems
            .add(wrong_type(place, "a mapping of an event's fields", value).help("for instance `{source: [shop]}`"));
        return None;
    };
    for field in pattern.keys().filter(|field| *field != OR) {
        problems.unless(FIELDS.contains(&field.as_str()), || {
            let message = format!("an event has no field `{}`", shown(field));
            let problem = Problem::at(Code::UnknownKey, inside(place, field), message).of_key();
            problem.help(format!("{}; what is your own is in `detail`", instead(field, &FIELDS)))
        });
    }
    fields(pattern, place, DEPTH_MAX, problems);
    let length = value.to_string().chars().count();
    problems.unless(length <= CHARACTERS_MAX, || {
        Problem::at(Code::Range, place, format!("the pattern takes {length} characters")).help(format!(
            "at most {CHARACTERS_MAX} are possible, written as JSON without spaces"
        ))
    });
    Some(pattern.clone())
}

fn fields(pattern: &Map<String, Value>, place: &str, depth: usize, problems: &mut Problems) {
    problems.unless(!pattern.is_empty(), || {
        Problem::at(Code::Missing, place, "there is nothing to match").help("for instance `{source: [shop]}`")
    });
    problems.unless(depth > 0, || {
        Problem::at(Code::Range, place, "the pattern is too deep")
            .help(format!("at most {DEPTH_MAX} levels are possible"))
    });
    if depth == 0 {
        return;
    }
    for (field, value) in pattern {
        if problems.is_full() {
            return;
        }
        let place = inside(place, field);
        match value {
            Value::Array(patterns) if field == OR => alternatives(patterns, &place, depth - 1, problems),
            Value::Array(values) => one_of(values, &place, problems),
            Value::Object(inner) if field != OR => fields(inner, &place, depth - 1, problems),
            other => {
                let help = match field == OR {
                    true => "for instance `$or: [{source: [shop]}, {source: [bank]}]`".to_owned(),
                    false => format!("write it in brackets: `{}: [{other}]`", shown(field)),
                };
                problems.add(wrong_type(&place, "a list of what it may be", other).help(help));
            }
        }
    }
}

fn alternatives(patterns: &[Value], place: &str, depth: usize, problems: &mut Problems) {
    problems.unless(patterns.len() >= 2, || {
        Problem::at(Code::Range, place, "`$or` needs at least two patterns").help("write the one without `$or`")
    });
    for (index, pattern) in patterns.iter().enumerate() {
        let place = format!("{place}[{index}]");
        match pattern {
            Value::Object(pattern) => fields(pattern, &place, depth, problems),
            other => problems.add(wrong_type(&place, "a pattern", other).help("for instance `{source: [shop]}`")),
        }
    }
}

/// What a field may be: values and matchers.
fn one_of(values: &[Value], place: &str, problems: &mut Problems) {
    problems.unless(!values.is_empty(), || {
        Problem::at(Code::Missing, place, "an empty list matches nothing").help("say what it may be, or leave it out")
    });
    for (index, value) in values.iter().enumerate() {
        let place = format!("{place}[{index}]");
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
            Value::Object(matcher) => match_by(matcher, &place, problems),
            Value::Array(_) => {
                let problem = wrong_type(&place, "a value or a matcher", value);
                problems.add(problem.help("a list is of values and matchers; for instance `[shop, {prefix: bank-}]`"));
            }
        }
    }
}

fn match_by(matcher: &Map<String, Value>, place: &str, problems: &mut Problems) {
    let (Some((name, operand)), 1) = (matcher.iter().next(), matcher.len()) else {
        let message = format!("a matcher has one key, and this one has {}", matcher.len());
        problems.add(Problem::at(Code::Conflict, place, message).help("for instance `{prefix: shop-}`"));
        return;
    };
    let place = inside(place, name);
    if !MATCHERS.contains(&name.as_str()) {
        let message = format!("there is no matcher `{}`", shown(name));
        problems.add(
            Problem::at(Code::UnknownKey, place, message)
                .of_key()
                .help(instead(name, &MATCHERS)),
        );
        return;
    }
    if let Some((expected, example)) = operand_problem(name, operand) {
        problems.add(wrong_type(&place, expected, operand).help(format!("for instance `{{{example}}}`")));
    }
}

/// What a matcher takes, and an example, where it has something else.
fn operand_problem(name: &str, operand: &Value) -> Option<(&'static str, &'static str)> {
    let ignores_case = || {
        let inner = operand.as_object().filter(|inner| inner.len() == 1);
        inner.is_some_and(|inner| inner.get("equals-ignore-case").is_some_and(Value::is_string))
    };
    let (is_good, expected, example) = match name {
        "exists" => (operand.is_boolean(), "true or false", "exists: true"),
        "prefix" => (operand.is_string() || ignores_case(), "a text", "prefix: shop-"),
        "suffix" => (operand.is_string() || ignores_case(), "a text", "suffix: .png"),
        "wildcard" => (operand.is_string(), "a text", "wildcard: \"shop-*\""),
        "equals-ignore-case" => (operand.is_string(), "a text", "equals-ignore-case: shop"),
        "cidr" => (operand.is_string(), "an address range", "cidr: 10.0.0.0/24"),
        "numeric" => (
            operand.as_array().is_some_and(|of| is_comparison(of)),
            "one or two comparisons with a number each",
            "numeric: [\">\", 0, \"<=\", 5]",
        ),
        _ => (
            is_anything_but(operand),
            "a value, values, or a matcher of texts",
            "anything-but: [shop, bank]",
        ),
    };
    (!is_good).then_some((expected, example))
}

fn is_comparison(operands: &[Value]) -> bool {
    let pairs = operands.chunks(2);
    let good = |pair: &[Value]| match pair {
        [comparison, number] => {
            comparison.as_str().is_some_and(|word| COMPARISONS.contains(&word)) && number.is_number()
        }
        _ => false,
    };
    [2, 4].contains(&operands.len()) && pairs.into_iter().all(good)
}

fn is_anything_but(operand: &Value) -> bool {
    let is_scalar = |value: &Value| value.is_string() || value.is_number();
    let is_texts = |value: &Value| match value {
        Value::Array(texts) => !texts.is_empty() && texts.iter().all(Value::is_string),
        other => other.is_string(),
    };
    match operand {
        Value::Array(values) => !values.is_empty() && values.iter().all(is_scalar),
        Value::Object(inner) => {
            let known = ["prefix", "suffix", "equals-ignore-case", "wildcard"];
            inner.len() == 1
                && inner
                    .iter()
                    .all(|(name, of)| known.contains(&name.as_str()) && is_texts(of))
        }
        other => is_scalar(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn found(pattern_of: &Value) -> Vec<String> {
        let mut problems = Problems::default();
        pattern(pattern_of, "pattern", &mut problems);
        let mut found: Vec<String> = problems.iter_mut().map(|problem| problem.place.clone()).collect();
        found.sort();
        found
    }

    #[test]
    fn what_eventbridge_takes_is_good() {
        for good in [
            json!({"source": ["shop"]}),
            json!({"detail": {"count": [1, null, true, "x"], "state": {"name": [{"prefix": "a"}]}}}),
            json!({"detail": {"count": [{"numeric": [">", 0, "<=", 5]}], "x": [{"exists": false}]}}),
            json!({"source": [{"anything-but": ["a", "b"]}], "account": [{"anything-but": {"prefix": "1"}}]}),
            json!({"detail": {"$or": [{"a": [1]}, {"b": [{"cidr": "10.0.0.0/24"}]}]}}),
            json!({"$or": [{"source": ["a"]}, {"detail-type": [{"wildcard": "order*"}]}]}),
            json!({"source": [{"suffix": {"equals-ignore-case": "X"}}, {"equals-ignore-case": "y"}]}),
        ] {
            assert_eq!(found(&good), [""; 0], "{good}");
        }
    }

    #[test]
    fn what_it_refuses_is_told_where_it_is() {
        let table = [
            (json!({}), "pattern"),
            (json!("shop"), "pattern"),
            (json!({"source": "shop"}), "pattern.source"),
            (json!({"source": []}), "pattern.source"),
            (json!({"source": [["shop"]]}), "pattern.source[0]"),
            (json!({"detail_type": ["x"]}), "pattern.detail_type"),
            (json!({"source": [{"begins": "a"}]}), "pattern.source[0].begins"),
            (json!({"source": [{"prefix": 1}]}), "pattern.source[0].prefix"),
            (json!({"source": [{}]}), "pattern.source[0]"),
            (
                json!({"detail": {"n": [{"numeric": [">", "x"]}]}}),
                "pattern.detail.n[0].numeric",
            ),
            (
                json!({"detail": {"n": [{"anything-but": []}]}}),
                "pattern.detail.n[0].anything-but",
            ),
            (json!({"$or": [{"source": ["a"]}]}), "pattern.$or"),
            (json!({"$or": {"source": ["a"]}}), "pattern.$or"),
            (json!({"source": ["a".repeat(CHARACTERS_MAX)]}), "pattern"),
        ];
        for (bad, place) in table {
            assert_eq!(found(&bad), [place], "{bad}");
        }
    }
}
