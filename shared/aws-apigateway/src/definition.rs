//! What an API answers: as the OpenAPI document that it is imported from, and as API Gateway shows it. Pure.
//!
//! Sources: <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-integration.html>,
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-mock-integration.html>,
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/integrating-api-with-aws-services-kinesis.html>.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_apigateway::types::{Integration, Method, Resource};
use outrigger_model::Region;
use outrigger_model::properties::{ApiRoute, Input, RecordTo};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// What requests and answers are. A request without a type counts as this.
const JSON: &str = "application/json";
/// Bodies of another type are refused with 415: they would reach the integration as they are, past the template.
const PASSTHROUGH: &str = "NEVER";
/// What a mock integration makes its status of.
const MOCK_REQUEST: &str = r#"{"statusCode": 200}"#;
const OK: &str = "200";
/// Whatever but 200 Kinesis answers: the record is not in the stream, and the client must not think it was.
const NOT_RECORDED: &str = "502";
const NOT_RECORDED_RESPONSE: &str = r#"{"message":"the record was not stored; try again"}"#;
/// The name of the key's scheme within the document.
const KEY: &str = "api_key";

/// A method of a path with its integration.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Shape {
    api_key_required: bool,
    authorization: String,
    integration: String,
    uri: Option<String>,
    http_method: Option<String>,
    credentials: Option<String>,
    passthrough: String,
    request_parameters: BTreeMap<String, String>,
    request_templates: BTreeMap<String, String>,
    /// By the status that is answered.
    responses: BTreeMap<String, Answer>,
}

/// What is answered with a status.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Answer {
    /// The statuses of the integration that lead to it; without, all that lead to no other.
    pattern: Option<String>,
    templates: BTreeMap<String, String>,
}

impl Shape {
    fn of(route: &ApiRoute, region: &Region) -> Self {
        let template = |text: &str| BTreeMap::from([(JSON.to_owned(), text.to_owned())]);
        let answer = |pattern: Option<&str>, text: &str| Answer {
            pattern: pattern.map(str::to_owned),
            templates: template(text),
        };
        let mock = Self {
            api_key_required: route.api_key,
            authorization: "NONE".to_owned(),
            integration: "MOCK".to_owned(),
            uri: None,
            http_method: None,
            credentials: None,
            passthrough: PASSTHROUGH.to_owned(),
            request_parameters: BTreeMap::new(),
            request_templates: template(MOCK_REQUEST),
            responses: BTreeMap::from([(OK.to_owned(), answer(None, &route.response))]),
        };
        let Some(to) = &route.record_to else {
            return mock;
        };
        Self {
            integration: "AWS".to_owned(),
            uri: Some(format!(
                "arn:{}:apigateway:{region}:kinesis:action/PutRecord",
                region.partition()
            )),
            http_method: Some("POST".to_owned()),
            credentials: Some(to.role.text().to_owned()),
            request_parameters: BTreeMap::from([(
                "integration.request.header.Content-Type".to_owned(),
                "'application/x-amz-json-1.1'".to_owned(),
            )]),
            request_templates: template(&put_record(to.stream.text())),
            responses: BTreeMap::from([
                (OK.to_owned(), answer(Some(OK), &route.response)),
                (NOT_RECORDED.to_owned(), answer(None, NOT_RECORDED_RESPONSE)),
            ]),
            ..mock
        }
    }

    /// As API Gateway shows it.
    fn shown(method: &Method) -> Self {
        let integration = method.method_integration();
        let of = |get: fn(&Integration) -> Option<&str>| integration.and_then(get).map(str::to_owned);
        let sorted = |map: Option<&HashMap<String, String>>| map.cloned().unwrap_or_default().into_iter().collect();
        let kind = of(|integration| integration.r#type().map(|kind| kind.as_str())).unwrap_or_default();
        let responses = integration.and_then(|integration| integration.integration_responses());
        Self {
            api_key_required: method.api_key_required().unwrap_or_default(),
            authorization: method.authorization_type().unwrap_or("NONE").to_owned(),
            uri: of(Integration::uri),
            // A mock has none that means something.
            http_method: of(Integration::http_method).filter(|_| kind != "MOCK"),
            integration: kind,
            credentials: of(Integration::credentials),
            passthrough: of(Integration::passthrough_behavior).unwrap_or_default(),
            request_parameters: sorted(integration.and_then(Integration::request_parameters)),
            request_templates: sorted(integration.and_then(Integration::request_templates)),
            responses: responses
                .into_iter()
                .flatten()
                .map(|(status, answer)| {
                    let shown = Answer {
                        pattern: answer
                            .selection_pattern()
                            .filter(|pattern| !pattern.is_empty())
                            .map(str::to_owned),
                        templates: sorted(answer.response_templates()),
                    };
                    (status.clone(), shown)
                })
                .collect(),
        }
    }

    /// The operation of an OpenAPI document that makes it.
    fn operation(&self) -> Value {
        let mut integration = json!({
            "type": self.integration.to_lowercase(),
            "passthroughBehavior": self.passthrough.to_lowercase(),
            "requestTemplates": self.request_templates,
        });
        if let Some(fields) = integration.as_object_mut() {
            let texts = [
                ("uri", &self.uri),
                ("httpMethod", &self.http_method),
                ("credentials", &self.credentials),
            ];
            fields.extend(
                texts
                    .into_iter()
                    .filter_map(|(name, text)| Some((name.to_owned(), json!(text.as_ref()?)))),
            );
            if !self.request_parameters.is_empty() {
                fields.insert("requestParameters".to_owned(), json!(self.request_parameters));
            }
            let responses: Map<String, Value> = self
                .responses
                .iter()
                .map(|(status, answer)| {
                    let pattern = answer.pattern.clone().unwrap_or_else(|| "default".to_owned());
                    (
                        pattern,
                        json!({"statusCode": status, "responseTemplates": answer.templates}),
                    )
                })
                .collect();
            fields.insert("responses".to_owned(), responses.into());
        }
        let responses: Map<String, Value> = self
            .responses
            .keys()
            .map(|status| {
                (
                    status.clone(),
                    json!({"description": format!("status {status}"), "content": {JSON: {}}}),
                )
            })
            .collect();
        let security = match self.api_key_required {
            true => json!([{KEY: []}]),
            false => json!([]),
        };
        json!({
            "responses": responses,
            "security": security,
            "x-amazon-apigateway-integration": integration,
        })
    }

    /// The route that has this shape; what no route of ours has is told as it is.
    fn told(&self, region: &Region) -> Value {
        let template = self.request_templates.get(JSON).map(String::as_str).unwrap_or_default();
        let record_to = self.credentials.as_ref().and_then(|role| {
            let request: Value = serde_json::from_str(template).ok()?;
            Some(RecordTo {
                stream: Input::Text(request["StreamName"].as_str()?.to_owned()),
                role: Input::Text(role.clone()),
            })
        });
        let answer = self.responses.get(OK).and_then(|answer| answer.templates.get(JSON));
        let route = ApiRoute {
            api_key: self.api_key_required,
            response: answer.cloned().unwrap_or_default(),
            record_to,
        };
        match Self::of(&route, region) == *self {
            true => json!(route),
            false => json!(self),
        }
    }
}

/// The body of a request becomes a record; each goes to a shard by chance.
fn put_record(stream: &str) -> String {
    format!(
        r#"{{"StreamName": "{stream}", "Data": "$util.base64Encode($input.body)", "PartitionKey": "$context.requestId"}}"#
    )
}

/// The [OpenAPI document] that an API is imported from.
///
/// [OpenAPI document]: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-import-api.html
pub(crate) fn document(title: &str, description: &str, routes: &BTreeMap<String, ApiRoute>, region: &Region) -> Value {
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for (route, wanted) in routes {
        let (method, path) = route.split_once(' ').unwrap_or_default();
        let operations = paths.entry(path).or_default();
        operations.insert(method.to_lowercase(), Shape::of(wanted, region).operation());
    }
    json!({
        "openapi": "3.0.1",
        "info": {"title": title, "description": description, "version": "1"},
        "paths": paths,
        "components": {"securitySchemes": {KEY: {"type": "apiKey", "name": "x-api-key", "in": "header"}}},
    })
}

/// The routes that differ, as they are wanted and as they are there; `null` where there is none.
pub(crate) fn differing(
    routes: &BTreeMap<String, ApiRoute>,
    resources: &[Resource],
    region: &Region,
) -> Option<(Value, Value)> {
    let there: BTreeMap<String, Shape> = resources
        .iter()
        .flat_map(|resource| {
            let path = resource.path().unwrap_or_default();
            let methods = resource.resource_methods().into_iter().flatten();
            methods.map(move |(name, method)| (format!("{name} {path}"), Shape::shown(method)))
        })
        .collect();
    let mut wanted = Map::new();
    let mut actual = Map::new();
    let names: std::collections::BTreeSet<&String> = routes.keys().chain(there.keys()).collect();
    for name in names {
        let (route, shape) = (routes.get(name), there.get(name));
        if route.map(|route| Shape::of(route, region)).as_ref() != shape {
            wanted.insert(name.clone(), route.map_or(Value::Null, |route| json!(route)));
            actual.insert(name.clone(), shape.map_or(Value::Null, |shape| shape.told(region)));
        }
    }
    (!wanted.is_empty()).then(|| (wanted.into(), actual.into()))
}

#[cfg(test)]
mod tests {
    use aws_sdk_apigateway::types::{IntegrationResponse, IntegrationType};

    use super::*;

    fn region() -> Region {
        Region::new("us-east-1")
    }

    fn route(api_key: bool, response: &str, stream: Option<&str>) -> ApiRoute {
        ApiRoute {
            api_key,
            response: response.to_owned(),
            record_to: stream.map(|stream| RecordTo {
                stream: Input::Text(stream.to_owned()),
                role: Input::Text("arn:role".to_owned()),
            }),
        }
    }

    fn routes() -> BTreeMap<String, ApiRoute> {
        BTreeMap::from([
            ("GET /health".to_owned(), route(false, r#"{"status":"ok"}"#, None)),
            (
                "POST /data".to_owned(),
                route(true, r#"{"message":"received"}"#, Some("ingest")),
            ),
        ])
    }

    /// A method as API Gateway shows it once it was imported.
    fn imported(operation: &Value) -> Method {
        let integration = &operation["x-amazon-apigateway-integration"];
        let texts = |value: &Value| -> Option<HashMap<String, String>> {
            let entries = value.as_object()?.iter();
            Some(
                entries
                    .map(|(key, text)| (key.clone(), text.as_str().unwrap().to_owned()))
                    .collect(),
            )
        };
        let text = |name: &str| integration[name].as_str().map(str::to_owned);
        let mut shown = Integration::builder()
            .r#type(IntegrationType::from(text("type").unwrap().to_uppercase().as_str()))
            .set_uri(text("uri"))
            .set_http_method(text("httpMethod"))
            .set_credentials(text("credentials"))
            .passthrough_behavior(text("passthroughBehavior").unwrap().to_uppercase())
            .set_request_parameters(texts(&integration["requestParameters"]))
            .set_request_templates(texts(&integration["requestTemplates"]));
        for (pattern, answer) in integration["responses"].as_object().unwrap() {
            let status = answer["statusCode"].as_str().unwrap();
            let response = IntegrationResponse::builder()
                .status_code(status)
                .set_selection_pattern(Some(pattern.clone()).filter(|pattern| pattern != "default"))
                .set_response_templates(texts(&answer["responseTemplates"]));
            shown = shown.integration_responses(status, response.build());
        }
        Method::builder()
            .api_key_required(!operation["security"].as_array().unwrap().is_empty())
            .authorization_type("NONE")
            .method_integration(shown.build())
            .build()
    }

    fn resources(document: &Value) -> Vec<Resource> {
        let paths = document["paths"].as_object().unwrap();
        paths
            .iter()
            .map(|(path, operations)| {
                let mut resource = Resource::builder().path(path);
                for (method, operation) in operations.as_object().unwrap() {
                    resource = resource.resource_methods(method.to_uppercase(), imported(operation));
                }
                resource.build()
            })
            .collect()
    }

    #[test]
    fn what_is_imported_is_what_is_wanted() {
        let document = document("api", "for a", &routes(), &region());
        assert_eq!(differing(&routes(), &resources(&document), &region()), None);
        let key = &document["paths"]["/data"]["post"]["security"];
        assert_eq!(
            (key, &document["info"]["title"]),
            (&json!([{"api_key": []}]), &json!("api"))
        );
    }

    #[test]
    fn routes_that_differ_are_told_as_routes() {
        let mut other = routes();
        other.insert("GET /health".to_owned(), route(true, r#"{"status":"ok"}"#, None));
        other.remove("POST /data");
        let there = resources(&document("api", "for a", &other, &region()));
        let (wanted, actual) = differing(&routes(), &there, &region()).unwrap();
        assert_eq!(wanted["GET /health"], json!(route(false, r#"{"status":"ok"}"#, None)));
        assert_eq!(actual["GET /health"], json!(route(true, r#"{"status":"ok"}"#, None)));
        assert_eq!(actual["POST /data"], Value::Null);
        let (wanted, actual) =
            differing(&other, &resources(&document("a", "", &routes(), &region())), &region()).unwrap();
        assert_eq!(wanted["POST /data"], Value::Null);
        assert_eq!(actual["POST /data"], json!(routes()["POST /data"]));
    }

    #[test]
    fn what_is_no_route_of_ours_is_told_as_it_is() {
        let integration = Integration::builder()
            .r#type(IntegrationType::HttpProxy)
            .uri("https://example.com");
        let method = Method::builder()
            .authorization_type("AWS_IAM")
            .method_integration(integration.build());
        let resource = Resource::builder()
            .path("/health")
            .resource_methods("GET", method.build());
        let mut wanted = routes();
        wanted.remove("POST /data");
        let (_, actual) = differing(&wanted, &[resource.build()], &region()).unwrap();
        let told = &actual["GET /health"];
        assert_eq!(
            (&told["integration"], &told["authorization"]),
            (&json!("HTTP_PROXY"), &json!("AWS_IAM"))
        );
    }
}
