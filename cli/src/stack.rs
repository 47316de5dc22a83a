//! How a user names a stack, and which one is meant when the environment is left out.

use std::fmt;
use std::str::FromStr;

use clap::Args;
use outrigger_model::StackId;

use crate::control_plane::ControlPlane;
use crate::failure::{Class, Failure};

/// Which stack.
#[derive(Clone, Debug, Args)]
pub struct Stack {
    /// `name` or `name/environment`; the environment may be left out if there is only one
    #[arg(value_name = "STACK")]
    pub stack: StackName,
}

/// A stack as a user names it: `name` or `name/environment`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StackName {
    stack: String,
    environment: Option<String>,
}

impl FromStr for StackName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split('/').collect();
        match parts.as_slice() {
            [stack] if !stack.is_empty() => Ok(Self {
                stack: (*stack).to_owned(),
                environment: None,
            }),
            [stack, environment] if !stack.is_empty() && !environment.is_empty() => Ok(Self {
                stack: (*stack).to_owned(),
                environment: Some((*environment).to_owned()),
            }),
            _ => Err("expected name or name/environment, for instance shop/production".to_owned()),
        }
    }
}

impl fmt::Display for StackName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.environment {
            Some(environment) => write!(formatter, "{}/{environment}", self.stack),
            None => formatter.write_str(&self.stack),
        }
    }
}

impl StackName {
    /// Which stack is meant, of those that the control plane knows.
    ///
    /// # Errors
    /// When there is none of that name, or several and the environment was left out.
    pub(crate) async fn resolve(&self, control_plane: &ControlPlane) -> Result<StackId, Failure> {
        let known = control_plane.state.stacks().await?;
        self.choose(&known)
            .map_err(|reason| Failure::new(Class::Usage, format!("{reason} (control plane {})", control_plane.name)))
    }

    fn choose(&self, known: &[StackId]) -> Result<StackId, String> {
        let meant: Vec<&StackId> = known
            .iter()
            .filter(|id| id.stack == self.stack)
            .filter(|id| {
                self.environment
                    .as_ref()
                    .is_none_or(|environment| id.environment == *environment)
            })
            .collect();
        match meant.as_slice() {
            [one] => Ok((*one).clone()),
            [] if known.is_empty() => Err(format!("there is no stack {self}: no stack was ever stood up here")),
            [] => Err(format!("there is no stack {self}; there are {}", list(known))),
            several => Err(format!("which of them? There are {}", list(several.iter().copied()))),
        }
    }
}

fn list<'a>(stacks: impl IntoIterator<Item = &'a StackId>) -> String {
    let names: Vec<String> = stacks.into_iter().map(StackId::to_string).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_may_be_left_out_where_there_is_one() {
        let known: Vec<StackId> = [("shop", "production"), ("shop", "staging"), ("lake", "production")]
            .map(|(stack, environment)| StackId {
                stack: stack.to_owned(),
                environment: environment.to_owned(),
            })
            .into();
        let table = [
            ("shop/staging", Ok("shop/staging")),
            ("lake", Ok("lake/production")),
            ("shop", Err("which of them? There are shop/production, shop/staging")),
            (
                "shop/test",
                Err("there is no stack shop/test; there are shop/production, shop/staging, lake/production"),
            ),
        ];
        for (name, expected) in table {
            let chosen = name
                .parse::<StackName>()
                .unwrap()
                .choose(&known)
                .map(|id| id.to_string());
            assert_eq!(chosen, expected.map(str::to_owned).map_err(str::to_owned), "{name}");
        }
        let nothing = "shop".parse::<StackName>().unwrap().choose(&[]).unwrap_err();
        assert_eq!(nothing, "there is no stack shop: no stack was ever stood up here");
    }
}
