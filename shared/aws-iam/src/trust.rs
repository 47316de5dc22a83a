//! Trust policies: who may take on a role. Pure.

use serde_json::{Value, json};

/// The policy that lets one service take on a role, as
/// [enhanced monitoring](https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Monitoring.OS.Enabling.html) wants it.
pub(crate) fn policy(service: &str) -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}],
    })
}

/// The service that a policy trusts, and nobody else; of any other policy, its text.
///
/// `document` is as GetRole answers: "URL-encoded compliant with RFC 3986".
pub(crate) fn service(document: &str) -> String {
    let text = decoded(document);
    let Ok(found) = serde_json::from_str::<Value>(&text) else {
        return text;
    };
    match found["Statement"][0]["Principal"]["Service"].as_str() {
        Some(service) if found == policy(service) => service.to_owned(),
        _ => found.to_string(),
    }
}

/// Undoes percent encoding; what is none stays as it is.
pub(crate) fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        let encoded = match (first, tail) {
            (b'%', [high, low, after @ ..]) => hexadecimal(*high, *low).map(|byte| (byte, after)),
            _ => None,
        };
        match encoded {
            Some((byte, after)) => {
                bytes.push(byte);
                rest = after;
            }
            None => bytes.push(*first),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hexadecimal(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVICE: &str = "monitoring.rds.amazonaws.com";

    fn encoded(text: &str) -> String {
        text.bytes().map(|byte| format!("%{byte:02X}")).collect()
    }

    #[test]
    fn the_one_trusted_service_is_told() {
        let text = policy(SERVICE).to_string();
        assert_eq!(service(&text), SERVICE);
        assert_eq!(service(&encoded(&text)), SERVICE);
        assert_eq!(service(&format!(" {text}\n")), SERVICE);
    }

    #[test]
    fn any_other_policy_is_told_as_it_is() {
        let mut two = policy(SERVICE);
        two["Statement"][0]["Principal"]["AWS"] = json!("arn:aws:iam::123456789012:root");
        assert_eq!(service(&encoded(&two.to_string())), two.to_string());
        for text in ["", "no JSON", "{}", "100%", "%zz"] {
            assert_eq!(service(text), text);
        }
        assert_eq!(decoded("%7B%22a%22%3A%20%22%C3%A9%22%7d"), r#"{"a": "é"}"#);
    }
}
