//! Values of properties, for people.

use serde_json::Value;

/// A value, compact and readable: plain texts without quotes, lists as `[a, b]`, mappings as `{key: value}`, nothing as
/// `none`.
pub(crate) fn compact(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::Bool(value) => value.to_string(),
        // A whole number that is one of a fractional property: 80, not 80.0.
        Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            Some(fractional) => fractional.to_string(),
            None => number.to_string(),
        },
        Value::String(text) if is_plain(text) => text.clone(),
        Value::String(text) => format!("{text:?}"),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(compact).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(entries) => {
            let entries: Vec<String> = entries
                .iter()
                .map(|(key, value)| format!("{key}: {}", compact(value)))
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

/// Whether a text cannot be taken for anything else.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && text != "none" && text.trim() == text && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_read_well() {
        let table = [
            (json!(null), "none"),
            (json!("none"), "\"none\""),
            (json!(""), "\"\""),
            (json!("two\nlines"), "\"two\\nlines\""),
            (json!("db.t3.micro"), "db.t3.micro"),
            (json!(20), "20"),
            (json!(80.5), "80.5"),
            (json!(80.0), "80"),
            (json!(18_446_744_073_709_551_615_u64), "18446744073709551615"),
            (json!(true), "true"),
            (json!([]), "[]"),
            (
                json!(["a", "(known after us-east-1/vpc/vpc)"]),
                "[a, (known after us-east-1/vpc/vpc)]",
            ),
            (
                json!([{"port": 5432, "source": "10.0.0.0/16"}]),
                "[{port: 5432, source: 10.0.0.0/16}]",
            ),
        ];
        for (value, text) in table {
            assert_eq!(compact(&value), text);
        }
    }
}
