//! Conditions and changes in DynamoDB's expression language.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use outrigger_engine::ports::store::{Change, Condition};

use crate::attributes::{BODY, HOLDER, HOLDER_EXPIRES_AT_MS, PARTITION, TOKEN, VERSION, WRITE_ID, number};

/// Collects the names and values that expressions refer to.
///
/// Every name is written as `#name`, since `token` is one of DynamoDB's reserved words, and others may become so.
#[derive(Debug, Default)]
pub struct Expressions {
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
}

impl Expressions {
    fn name(&mut self, name: &str) -> String {
        let placeholder = format!("#{name}");
        self.names.insert(placeholder.clone(), name.to_owned());
        placeholder
    }

    fn value(&mut self, value: AttributeValue) -> String {
        let placeholder = format!(":v{}", self.values.len());
        self.values.insert(placeholder.clone(), value);
        placeholder
    }

    /// The names, or `None` where there are none: DynamoDB refuses an empty map.
    pub fn names(&self) -> Option<HashMap<String, String>> {
        (!self.names.is_empty()).then(|| self.names.clone())
    }

    /// The values, or `None` where there are none: DynamoDB refuses an empty map.
    pub fn values(&self) -> Option<HashMap<String, AttributeValue>> {
        (!self.values.is_empty()).then(|| self.values.clone())
    }

    /// The expression that holds when all conditions do; `None` where there are none.
    pub fn conditions(&mut self, conditions: &[Condition]) -> Option<String> {
        let all: Vec<String> = conditions.iter().map(|condition| self.condition(condition)).collect();
        (!all.is_empty()).then(|| all.join(" AND "))
    }

    /// The expression that holds when there is no such item.
    pub fn absent(&mut self) -> String {
        format!("attribute_not_exists({})", self.name(PARTITION))
    }

    fn condition(&mut self, condition: &Condition) -> String {
        match condition {
            Condition::Absent => self.absent(),
            Condition::Present => format!("attribute_exists({})", self.name(PARTITION)),
            Condition::TokenBelow(token) => format!(
                "(attribute_not_exists({}) OR {} < {})",
                self.name(PARTITION),
                self.name(TOKEN),
                self.value(number(token.0))
            ),
            Condition::TokenIs(token) => format!("{} = {}", self.name(TOKEN), self.value(number(token.0))),
            Condition::VersionIs(version) => format!("{} = {}", self.name(VERSION), self.value(number(*version))),
            Condition::HolderIs(holder) => {
                format!(
                    "{} = {}",
                    self.name(HOLDER),
                    self.value(AttributeValue::S(holder.clone()))
                )
            }
            Condition::NotHeldAt(at_ms) => format!(
                "(attribute_not_exists({}) OR {} <= {})",
                self.name(HOLDER),
                self.name(HOLDER_EXPIRES_AT_MS),
                self.value(number(*at_ms))
            ),
        }
    }

    /// The update that makes a change, and counts the version up.
    pub fn update(&mut self, change: &Change, write_id: &str) -> String {
        let (version, zero, one) = (self.name(VERSION), self.value(number(0)), self.value(number(1)));
        let mut set = vec![
            format!("{version} = if_not_exists({version}, {zero}) + {one}"),
            format!(
                "{} = {}",
                self.name(WRITE_ID),
                self.value(AttributeValue::S(write_id.to_owned()))
            ),
        ];
        let token = self.name(TOKEN);
        // Always there, so that conditions can compare it.
        set.push(match change.token {
            Some(new) => format!("{token} = {}", self.value(number(new.0))),
            None => format!("{token} = if_not_exists({token}, {zero})"),
        });
        if let Some(body) = &change.body {
            let body = AttributeValue::B(Blob::new(body.clone()));
            set.push(format!("{} = {}", self.name(BODY), self.value(body)));
        }
        let mut remove = String::new();
        match &change.holder {
            None => {}
            Some(Some(hold)) => {
                let holder = AttributeValue::S(hold.holder.clone());
                set.push(format!("{} = {}", self.name(HOLDER), self.value(holder)));
                let expires = number(hold.expires_at_ms);
                set.push(format!("{} = {}", self.name(HOLDER_EXPIRES_AT_MS), self.value(expires)));
            }
            Some(None) => {
                remove = format!(" REMOVE {}, {}", self.name(HOLDER), self.name(HOLDER_EXPIRES_AT_MS));
            }
        }
        format!("SET {}{remove}", set.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use outrigger_engine::ports::store::Hold;
    use outrigger_model::FencingToken;

    use super::*;

    #[test]
    fn conditions_and_changes_become_expressions() {
        let mut expressions = Expressions::default();
        let conditions = [
            Condition::TokenIs(FencingToken(4)),
            Condition::HolderIs("attempt".to_owned()),
            Condition::NotHeldAt(7),
        ];
        assert_eq!(
            expressions.conditions(&conditions).unwrap(),
            "#token = :v0 AND #holder = :v1 AND (attribute_not_exists(#holder) OR #holder_expires_at_ms <= :v2)"
        );
        let change = Change {
            token: Some(FencingToken(5)),
            holder: Some(None),
            body: Some(vec![1]),
        };
        assert_eq!(
            expressions.update(&change, "id"),
            "SET #version = if_not_exists(#version, :v3) + :v4, #write_id = :v5, #token = :v6, #body = :v7 \
             REMOVE #holder, #holder_expires_at_ms"
        );
        assert_eq!(expressions.values().unwrap().len(), 8);
        assert_eq!(expressions.names().unwrap().get("#token").unwrap(), "token");
    }

    #[test]
    fn what_is_empty_is_left_out() {
        let mut expressions = Expressions::default();
        assert_eq!(expressions.conditions(&[]), None);
        assert_eq!((expressions.names(), expressions.values()), (None, None));
        assert_eq!(
            expressions.conditions(&[Condition::Absent]).unwrap(),
            "attribute_not_exists(#pk)"
        );
        assert_eq!(expressions.values(), None);
        let hold = Hold {
            holder: "a".to_owned(),
            expires_at_ms: 1,
        };
        let change = Change {
            holder: Some(Some(hold)),
            ..Change::default()
        };
        assert_eq!(
            expressions.update(&change, "id"),
            "SET #version = if_not_exists(#version, :v0) + :v1, #write_id = :v2, #token = if_not_exists(#token, :v0), \
             #holder = :v3, #holder_expires_at_ms = :v4"
        );
    }
}
