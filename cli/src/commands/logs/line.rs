//! A line that a function has told, as people and programs read it. Pure.

use console::Style;
use outrigger_aws_cloudwatchlogs::LogEvent;
use outrigger_model::UnixMs;
use serde_json::{Map, Value, json};

use crate::plan_view::Paint;

/// Whose lines are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Those of a stack, `name/environment`.
    Stack(String),
    /// Those of an operation, by its id.
    Operation(String),
}

impl Wanted {
    /// The text that every such line has in it.
    pub(super) fn text(&self) -> &str {
        match self {
            Wanted::Stack(text) | Wanted::Operation(text) => text,
        }
    }

    /// Whether a line that has the text in it is one: what merely mentions it is not.
    pub(super) fn is(&self, line: &Line) -> bool {
        let said = match self {
            Wanted::Stack(_) => &line.stack,
            Wanted::Operation(_) => &line.operation,
        };
        said.as_ref().is_none_or(|said| said == self.text())
    }
}

/// A line.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Line {
    /// When it was told, in UTC.
    at: String,
    function: String,
    level: String,
    stack: Option<String>,
    operation: Option<String>,
    resource: Option<String>,
    message: String,
    /// All else that it says.
    fields: Map<String, Value>,
}

/// What every line has, or is said otherwise.
const KNOWN: [&str; 6] = ["timestamp", "level", "target", "message", "resource", "span"];

impl Line {
    /// What a function has told; none for what is no line of a log but metrics.
    pub(super) fn of(function: &str, event: &LogEvent) -> Option<Self> {
        let at = moment(event.at_ms);
        let Ok(Value::Object(mut told)) = serde_json::from_str::<Value>(&event.message) else {
            // What a function's runtime says, or a panic.
            return Some(Self {
                at,
                function: function.to_owned(),
                level: String::new(),
                stack: None,
                operation: None,
                resource: None,
                message: event.message.trim_end().to_owned(),
                fields: Map::new(),
            });
        };
        if told.contains_key("_aws") {
            return None;
        }
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let span = told.get("span").cloned().unwrap_or_default();
        let line = Self {
            at: text(told.get("timestamp")).unwrap_or(at),
            function: function.to_owned(),
            level: text(told.get("level")).unwrap_or_default(),
            stack: text(span.get("stack")),
            operation: text(span.get("operation")),
            resource: text(told.get("resource")),
            message: text(told.get("message")).unwrap_or_default(),
            fields: {
                told.retain(|name, _| !KNOWN.contains(&name.as_str()));
                told
            },
        };
        Some(line)
    }

    /// What lines are put in order by: when they were told, finer than the log's own milliseconds.
    pub(super) fn order(&self) -> &str {
        &self.at
    }

    /// One line for people, or more where what was told has more.
    pub(super) fn text(&self, paint: Paint) -> String {
        let level = format!("{:5}", self.level);
        let level = match self.level.as_str() {
            "ERROR" => paint.apply(Style::new().red(), &level),
            "WARN" => paint.apply(Style::new().yellow(), &level),
            _ => level,
        };
        // To the millisecond.
        let at: String = self.at.trim_end_matches('Z').chars().take(23).collect();
        let mut text = format!("{:24}  {:20}  {level}", format!("{at}Z"), self.function);
        if let Some(resource) = &self.resource {
            text.push_str(&format!("  {resource}"));
        }
        text.push_str(&format!("  {}", self.message));
        for (name, value) in &self.fields {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            text.push_str(&format!("  {name}={value}"));
        }
        format!("{}\n", text.trim_end().replace('\n', "\n    "))
    }

    /// One JSON object.
    pub(super) fn json(&self) -> Value {
        json!({
            "time": self.at,
            "function": self.function,
            "level": self.level,
            "stack": self.stack,
            "operation": self.operation,
            "resource": self.resource,
            "message": self.message,
            "fields": self.fields,
        })
    }
}

/// `2026-11-20T12:09:48.123Z`.
fn moment(ms: UnixMs) -> String {
    let second = outrigger_engine::state::rfc3339(ms);
    format!("{}.{:03}Z", second.trim_end_matches('Z'), ms % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(message: &str) -> Option<Line> {
        let event = LogEvent {
            id: "1".to_owned(),
            at_ms: 1_763_635_018_007,
            message: message.to_owned(),
        };
        Line::of("create-network", &event)
    }

    /// As the functions tell them.
    const CALLED: &str = r#"{"timestamp":"2025-11-20T10:36:58.004711Z","level":"INFO","message":"called","resource":"us-east-1/vpc/vpc","call":"create","progress":"Done","target":"outrigger_engine::executor","span":{"lane":"network","operation":"provision-1","stack":"shop/production","name":"lane"}}"#;
    const FAILED: &str = r#"{"timestamp":"2025-11-20T10:36:59Z","level":"ERROR","message":"the task failed","error_type":"Unavailable","error":"dynamodb: throttled","target":"outrigger_lambda::wiring","span":{"operation":"provision-1","stack":"shop/production","name":"close"}}"#;

    #[test]
    fn lines_are_read_and_shown() {
        let texts: String = [CALLED, FAILED, "thread 'main' panicked\nat shop/production\n"]
            .iter()
            .map(|message| line(message).unwrap().text(Paint::Plain))
            .collect();
        insta::assert_snapshot!(texts, @r"
        2025-11-20T10:36:58.004Z  create-network        INFO   us-east-1/vpc/vpc  called  call=create  progress=Done
        2025-11-20T10:36:59Z      create-network        ERROR  the task failed  error=dynamodb: throttled  error_type=Unavailable
        2025-11-20T10:36:58.007Z  create-network               thread 'main' panicked
            at shop/production
        ");
        let painted = line(FAILED).unwrap().text(Paint::Coloured);
        assert!(painted.contains("\u{1b}[31mERROR\u{1b}[0m"), "{painted:?}");
        assert_eq!(
            line(CALLED).unwrap().json(),
            json!({
                "time": "2025-11-20T10:36:58.004711Z", "function": "create-network", "level": "INFO",
                "stack": "shop/production", "operation": "provision-1", "resource": "us-east-1/vpc/vpc",
                "message": "called", "fields": {"call": "create", "progress": "Done"},
            })
        );
    }

    #[test]
    fn metrics_are_no_lines() {
        assert_eq!(line(r#"{"_aws":{},"stack":"shop/production"}"#), None);
    }

    #[test]
    fn what_merely_mentions_a_stack_is_not_of_it() {
        let called = line(CALLED).unwrap();
        let of = |wanted: Wanted| wanted.is(&called);
        assert!(of(Wanted::Stack("shop/production".to_owned())));
        assert!(!of(Wanted::Stack("shop/prod".to_owned())));
        assert!(of(Wanted::Operation("provision-1".to_owned())));
        assert!(!of(Wanted::Operation("provision".to_owned())));
        let panicked = line("panicked at shop/production").unwrap();
        assert!(Wanted::Stack("shop/production".to_owned()).is(&panicked));
    }
}
