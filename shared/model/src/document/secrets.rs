//! Passwords that stand in a document.

use super::collect::{Problems, shown};
use super::problem::{Code, Problem};
use super::tree::{Node, Trail, Tree};

/// What the last word of a key must not be.
const WORDS: [&str; 12] = [
    "password",
    "passwords",
    "passwd",
    "passphrase",
    "secret",
    "secrets",
    "token",
    "tokens",
    "credential",
    "credentials",
    "apikey",
    "privatekey",
];

/// Tells every secret below a place. Outputs only name what there is: `secret_arn` is no secret.
pub(super) fn find(node: &Node, trail: &mut Trail, problems: &mut Problems) {
    match &node.value {
        Tree::Scalar(_) => {}
        Tree::List(items) => {
            for (index, item) in items.iter().enumerate() {
                let back = trail.enter_item(index);
                find(item, trail, problems);
                trail.back(back);
            }
        }
        Tree::Mapping(entries) => {
            let is_root = trail.is_root();
            for (key, entry) in entries.iter().filter(|(key, _)| !is_root || *key != "outputs") {
                let back = trail.enter_key(key);
                // Whether there is to be one is no secret: `auth_token: true`, `api_key: true`.
                let holds_value = match &entry.node.value {
                    Tree::Scalar(value) => !value.is_null() && !value.is_boolean(),
                    Tree::List(_) | Tree::Mapping(_) => false,
                };
                if holds_value && is_secret(key) {
                    let message = format!("`{}`: a secret must not stand in a document", shown(key));
                    let problem = Problem::at(Code::Secret, trail.as_str(), message).of_key();
                    problems.add(
                        problem
                            .spanning(entry.key)
                            .help("leave it out: passwords are generated, and kept in Secrets Manager alone"),
                    );
                }
                find(&entry.node, trail, problems);
                trail.back(back);
            }
        }
    }
}

/// Whether a key's last word says that its value is a secret: `db_password`, `clientSecret`; but not
/// `password_encryption`.
pub(super) fn is_secret(key: &str) -> bool {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for char in key.chars().take(200) {
        if !char.is_alphanumeric() || (char.is_uppercase() && was_lower) {
            words.push(String::new());
        }
        if char.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(char.to_lowercase());
        }
        was_lower = char.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    let last = words.last().map(String::as_str).unwrap_or_default();
    let two: String = words.iter().rev().take(2).rev().map(String::as_str).collect();
    WORDS.contains(&last) || ["apikey", "privatekey", "accesskey", "secretkey"].contains(&two.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_tells() {
        let table = [
            ("password", true),
            ("Password", true),
            ("db_password", true),
            ("masterUserPassword", true),
            ("MASTER_PASSWORD", true),
            ("client-secret", true),
            ("api.token", true),
            ("api_key", true),
            ("aws_secret_key", true),
            ("password_encryption", false),
            ("secret_arn", false),
            ("SecretOwner", false),
            ("user", false),
            ("tokenizer", false),
            ("", false),
            ("---", false),
        ];
        for (key, expected) in table {
            assert_eq!(is_secret(key), expected, "{key}");
        }
    }
}
