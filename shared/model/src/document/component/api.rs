//! An API.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::super::collect::{Problems, inside, shown};
use super::super::fields::{Fields, any_text, boolean, named, number, text, wrong_type};
use super::super::nearest::nearest;
use super::super::problem::{Code, Problem};
use super::super::{Api, Route, UsagePlan, defaults};
use super::alarm::Known;
use super::regions::home;
use super::{domain, tags};
use crate::key::Region;

/// The methods that a route can have.
pub(in crate::document) const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
/// Those whose requests have a body.
const WITH_BODY: [&str; 3] = ["POST", "PUT", "PATCH"];

/// An API has at most 300 resources, which are the parts of its paths:
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html>.
const ROUTES_MAX: usize = 50;
const PARTS_MAX: usize = 6;
const PATH_LENGTH_MAX: usize = 200;
/// <https://docs.aws.amazon.com/apigateway/latest/api/API_CreateStage.html>
pub(in crate::document) const STAGE_LENGTH_MAX: usize = 128;
/// A mapping template has at most 300 KiB (as above); an answer that is always the same needs far less.
const RESPONSE_BYTES_MAX: usize = 4096;

pub(super) fn api(value: &Value, place: &str, known: &Known<'_>, problems: &mut Problems) -> Option<Api> {
    let mut fields = Fields::of(value, place, problems)?;
    let region = fields.option("region", home(&known.regions));
    let stage = fields.or("stage", defaults::stage(), text(Code::Form, stage));
    let routes = fields.required(
        "routes",
        "{POST /sensor-data: {api_key: true}}",
        |value, place, problems| routes(value, place, known, region.as_ref(), problems),
    );
    let usage_plan = fields.option("usage_plan", usage_plan);
    let places: Vec<Region> = match &region {
        Some(Some(region)) => vec![region.clone()],
        // Where its own region could not be read, the document's are as good.
        Some(None) | None => known.regions.clone(),
    };
    let domain = fields.option("domain", |value, place, problems| {
        domain::domain(value, place, &places, problems)
    });
    let tags = fields.collection("tags", tags);
    let place = fields.at("usage_plan");
    let api = match (region, stage, routes, usage_plan, domain, tags) {
        (Some(region), Some(stage), Some(routes), Some(usage_plan), Some(domain), Some(tags)) => Some(Api {
            region,
            stage,
            routes,
            usage_plan,
            domain,
            tags,
        }),
        _ => None,
    };
    if let Some(api) = &api {
        fields.problems.extend(mismatch(api, &place));
    }
    fields.finish();
    api
}

/// A key counts for nothing without a plan, and a plan without a key.
fn mismatch(api: &Api, place: &str) -> Option<Problem> {
    let with_key = api.routes.iter().find(|(_, route)| route.api_key);
    match (with_key, &api.usage_plan) {
        (Some((route, _)), None) => {
            let message = format!(
                "`usage_plan` is missing: `{}` needs an API key, and API Gateway knows keys by usage plans",
                shown(route)
            );
            Some(Problem::at(Code::Missing, place, message).help(
                "for instance `usage_plan: {rate_per_second: 100, burst: 200}`; or open the route to everybody with \
                 `api_key: false`",
            ))
        }
        (None, Some(_)) => Some(
            Problem::at(
                Code::Conflict,
                place,
                "no route needs the API key that the usage plan is for",
            )
            .help("take the usage plan away, or the `api_key: false` of a route"),
        ),
        _ => None,
    }
}

/// <https://docs.aws.amazon.com/apigateway/latest/api/API_CreateStage.html>
fn stage(stage: &str) -> Result<(), (String, String)> {
    let good = |char: char| char.is_ascii_alphanumeric() || "_-".contains(char);
    match !stage.is_empty() && stage.len() <= STAGE_LENGTH_MAX && stage.chars().all(good) {
        true => Ok(()),
        false => Err((
            format!("`{}` cannot be a stage's name", shown(stage)),
            format!("expected 1 to {STAGE_LENGTH_MAX} letters, digits, `_` and `-`, for instance prod"),
        )),
    }
}

fn usage_plan(value: &Value, place: &str, problems: &mut Problems) -> Option<UsagePlan> {
    let mut fields = Fields::of(value, place, problems)?;
    let rate_per_second = fields.required("rate_per_second", "200", number(1, 10_000));
    let burst = fields.required("burst", "400", number(1, 5_000));
    fields.finish();
    Some(UsagePlan {
        rate_per_second: rate_per_second?,
        burst: burst?,
    })
}

fn routes(
    value: &Value,
    place: &str,
    known: &Known<'_>,
    region: Option<&Option<Region>>,
    problems: &mut Problems,
) -> Option<BTreeMap<String, Route>> {
    let routes = named(value, place, problems, |name, value, place, problems| {
        let method = match parts(name) {
            Ok((method, _)) => Some(method),
            Err((message, help)) => {
                problems.add(Problem::at(Code::Form, place, message).help(help).of_key());
                None
            }
        };
        route(value, place, method, known, region, problems)
    });
    let count = value.as_object().map_or(0, serde_json::Map::len);
    problems.unless(count > 0 || value.is_null() || !value.is_object(), || {
        Problem::at(Code::Missing, place, "there are no routes").help("for instance `GET /health: {api_key: false}`")
    });
    problems.unless(count <= ROUTES_MAX, || {
        Problem::at(Code::Range, place, format!("there are {count} routes")).help(format!(
            "at most {ROUTES_MAX} are possible; what is below a part can be one route: `/devices/{{id}}`"
        ))
    });
    if let Some(names) = value.as_object() {
        let names: BTreeSet<&str> = names.keys().map(String::as_str).collect();
        siblings(&names, place, problems);
    }
    routes
}

/// The method and the path of a route.
fn parts(route: &str) -> Result<(&str, &str), (String, String)> {
    let Some((method, path)) = route.split_once(' ') else {
        return Err((
            format!("`{}` is no method with a path", shown(route)),
            "expected for instance `POST /sensor-data`".to_owned(),
        ));
    };
    if !METHODS.contains(&method) {
        let help = match nearest(&method.to_uppercase(), METHODS) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("expected one of {}", METHODS.join(", ")),
        };
        return Err((format!("`{}` is no method", shown(method)), help));
    }
    match is_path(path) {
        true => Ok((method, path)),
        false => Err((
            format!("`{}` cannot be a path", shown(path)),
            format!(
                "expected `/`, or up to {PARTS_MAX} parts, each after a `/`, of letters, digits and . _ - :, or a variable in \
                 braces: `/devices/{{id}}`; the last may be `{{name+}}`, for all that follows"
            ),
        )),
    }
}

/// <https://docs.aws.amazon.com/apigateway/latest/api/API_CreateResource.html>, `pathPart`.
fn is_path(path: &str) -> bool {
    let Some(rest) = path.strip_prefix('/') else {
        return false;
    };
    if rest.is_empty() {
        return true;
    }
    let parts: Vec<&str> = rest.split('/').collect();
    let word = |text: &str, more: &str| {
        !text.is_empty()
            && text
                .chars()
                .all(|char| char.is_ascii_alphanumeric() || more.contains(char))
    };
    let last = parts.len();
    let good = |(number, part): (usize, &&str)| match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
        Some(name) => match name.strip_suffix('+') {
            Some(name) => number + 1 == last && word(name, "_"),
            None => word(name, "_"),
        },
        None => word(part, "._-:"),
    };
    path.len() <= PATH_LENGTH_MAX && last <= PARTS_MAX && parts.iter().enumerate().all(good)
}

/// Below one part there is at most one variable: API Gateway could not tell two apart.
fn siblings(routes: &BTreeSet<&str>, place: &str, problems: &mut Problems) {
    let mut variables: BTreeMap<&str, &str> = BTreeMap::new();
    for route in routes {
        let Ok((_, path)) = parts(route) else {
            continue;
        };
        for (start, _) in path.match_indices("/{") {
            let (above, below) = path.split_at(start);
            let variable = below.trim_start_matches('/').split('/').next().unwrap_or_default();
            let first = *variables.entry(above).or_insert(variable);
            problems.unless(first == variable, || {
                let message = format!(
                    "`{}` and `{}` stand in one place of a path",
                    shown(first),
                    shown(variable)
                );
                let problem = Problem::at(Code::Conflict, inside(place, route), message).of_key();
                problem.help("give both one name")
            });
        }
    }
}

fn route(
    value: &Value,
    place: &str,
    method: Option<&str>,
    known: &Known<'_>,
    region: Option<&Option<Region>>,
    problems: &mut Problems,
) -> Option<Route> {
    let mut fields = Fields::of(value, place, problems)?;
    let api_key = fields.or("api_key", defaults::yes(), boolean);
    let stream = fields.option("stream", |value, place, problems| {
        stream(value, place, method, known, region, problems)
    });
    let response = fields.or("response", defaults::response(), response);
    fields.finish();
    Some(Route {
        api_key: api_key?,
        stream: stream?,
        response: response?,
    })
}

fn stream(
    value: &Value,
    place: &str,
    method: Option<&str>,
    known: &Known<'_>,
    region: Option<&Option<Region>>,
    problems: &mut Problems,
) -> Option<String> {
    let name = any_text(value, place, problems)?;
    problems.unless(known.streams.contains(name.as_str()), || {
        let message = format!("the document has no stream `{}`", shown(&name));
        Problem::at(Code::Reference, place, message).help(match nearest(&name, known.streams.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None if known.streams.is_empty() => "the document has no streams".to_owned(),
            None => "expected the name of one of its streams".to_owned(),
        })
    });
    let users: Vec<&str> = match region {
        // Where its own region could not be read, nothing is said of the stream's.
        None => Vec::new(),
        Some(Some(region)) => vec![region.as_str()],
        Some(None) => known.regions.iter().map(Region::as_str).collect(),
    };
    problems.extend(known.apart(("streams", &name), &users, place));
    if let Some(method) = method {
        problems.unless(WITH_BODY.contains(&method), || {
            let message = format!("a request with {method} has no body that could be a record");
            Problem::at(Code::Conflict, place, message).help(format!("use {}", WITH_BODY.join(", ")))
        });
    }
    Some(name)
}

fn response(value: &Value, place: &str, problems: &mut Problems) -> Option<BTreeMap<String, Value>> {
    let read = named(value, place, problems, |key, value, place, problems| {
        match value {
            Value::String(_) | Value::Number(_) | Value::Bool(_) => {}
            Value::Null | Value::Array(_) | Value::Object(_) => {
                problems.add(wrong_type(place, "a text, a number or a boolean", value));
                return None;
            }
        }
        // API Gateway reads the answer as a template: https://velocity.apache.org/engine/1.7/user-guide.html
        let is_plain = |text: &str| !text.contains(['$', '#']);
        problems.unless(is_plain(key) && value.as_str().is_none_or(is_plain), || {
            Problem::at(Code::Form, place, "an answer cannot hold `$` or `#`")
                .help("API Gateway would take them for parts of a template")
        });
        Some(value.clone())
    });
    let length = value.to_string().len();
    problems.unless(length <= RESPONSE_BYTES_MAX, || {
        Problem::at(Code::Range, place, format!("the answer takes {length} bytes"))
            .help(format!("at most {RESPONSE_BYTES_MAX} are possible"))
    });
    read
}

/// Why an API does not have what an output names, and what would be right.
pub(super) fn missing(document: &Value, name: &str, attribute: &str) -> Option<(String, String)> {
    let api = document.get("apis").and_then(|apis| apis.get(name));
    let routes = api.and_then(|api| api.get("routes")).and_then(Value::as_object)?;
    if attribute == "api_key_id" {
        let has_key = |route: &Value| route.get("api_key").and_then(Value::as_bool).unwrap_or(true);
        return (!routes.values().any(has_key)).then(|| {
            let message = format!("the API `{}` has no API key", shown(name));
            (message, "no route of it needs one".to_owned())
        });
    }
    if attribute.starts_with("domain_") {
        let is_without = api.and_then(|api| api.get("domain")).is_none_or(Value::is_null);
        return is_without.then(|| {
            let message = format!("the API `{}` has no domain name of its own", shown(name));
            (message, "give it a `domain`".to_owned())
        });
    }
    let path = attribute.strip_prefix("url").filter(|path| !path.is_empty())?;
    let paths = || routes.keys().filter_map(|route| Some(parts(route).ok()?.1));
    (!paths().any(|known| known == path)).then(|| {
        let message = format!("the API `{}` has no route with the path `{}`", shown(name), shown(path));
        let help = match nearest(path, paths()) {
            Some(meant) => format!("did you mean `apis.{name}.url{meant}`?"),
            None => format!("expected one of its paths: {}", paths().collect::<Vec<_>>().join(", ")),
        };
        (message, help)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_api_gateway() {
        for good in [
            "/",
            "/sensor-data",
            "/a/b.c/d_e:f",
            "/devices/{id}",
            "/{id}/x",
            "/files/{path+}",
        ] {
            assert!(is_path(good), "{good}");
        }
        for bad in [
            "",
            "a",
            "/a/",
            "//",
            "/a b",
            "/{}",
            "/{a+}/b",
            "/{a",
            "/a?b",
            "/é",
            "/a/b/c/d/e/f/g",
        ] {
            assert!(!is_path(bad), "{bad}");
        }
        assert!(!is_path(&format!("/{}", "a".repeat(PATH_LENGTH_MAX))));
    }

    #[test]
    fn variables_stand_alone_in_their_place() {
        let check = |routes: &[&str], expected: usize| {
            let mut problems = Problems::default();
            siblings(&routes.iter().copied().collect(), "apis.a.routes", &mut problems);
            assert_eq!(problems.iter_mut().count(), expected, "{routes:?}");
        };
        check(&["GET /a/{b}", "POST /a/{b}", "GET /a/{b}/{c}", "GET /{x}"], 0);
        check(&["GET /a/{b}", "POST /a/{c}"], 1);
        check(&["GET /{a+}", "POST /{a}/b"], 1);
    }
}
