//! What is wrong with a document: one [`Problem`] each, with a [`Code`] that stays.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::tree::Span;

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $variant:ident = $text:literal;)*) => {
        /// What kind of problem; its name stays, so that programs may rely on it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Code { $($(#[doc = $doc])* #[serde(rename = $text)] $variant,)* }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)*];

            /// Its name, such as `document::unknown_key`.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$variant => $text,)* }
            }

            /// What it means.
            pub fn meaning(self) -> &'static str {
                match self { $(Code::$variant => concat!($($doc,)*).trim_ascii_start(),)* }
            }
        }
    };
}

codes! {
    /// It is not YAML, or not one YAML document.
    Syntax = "document::syntax";
    /// It is not UTF-8.
    Encoding = "document::encoding";
    /// There is nothing in it.
    Empty = "document::empty";
    /// It is too long, too deep, or grows too large with its anchors.
    TooLarge = "document::too_large";
    /// A key is there twice in one mapping.
    DuplicateKey = "document::duplicate_key";
    /// There is no such key here.
    UnknownKey = "document::unknown_key";
    /// What must be there is not.
    Missing = "document::missing";
    /// A value is of another type than is expected: a text for a number, a number with a unit.
    WrongType = "document::wrong_type";
    /// A value is not one of those that are possible.
    UnknownValue = "document::unknown_value";
    /// A number is too small or too large.
    Range = "document::range";
    /// A text is not formed as such texts are: versions, windows, regions, classes.
    Form = "document::form";
    /// A name cannot be a name: characters, length, reserved words.
    Name = "document::name";
    /// A tag cannot be set, or is too much.
    Tag = "document::tag";
    /// An address range is too small, too large, overlaps with another or lies outside the VPC.
    AddressRange = "document::address_range";
    /// What is referred to is not in the document.
    Reference = "document::reference";
    /// The component publishes no such metric.
    Metric = "document::metric";
    /// Two settings that cannot both hold.
    Conflict = "document::conflict";
    /// A password, secret or token stands in the document.
    Secret = "document::secret";
    /// There is no such variable.
    UnknownVariable = "document::unknown_variable";
    /// No value uses the variable.
    UnusedVariable = "document::unused_variable";
    /// A variable cannot be declared, set or used so.
    Variable = "document::variable";
    /// There is no such environment.
    UnknownEnvironment = "document::unknown_environment";
    /// An environment's overlay says what it may not, or takes away what is not there.
    Overlay = "document::overlay";
    /// The region has fewer zones than the document wants.
    Zones = "plan::zones";
    /// The region has no VPC endpoint for the service, or not in these zones.
    Endpoint = "plan::endpoint";
    /// AWS does not offer the version.
    Version = "plan::version";
    /// The engine does not know the parameter, or not this value.
    Parameter = "plan::parameter";
    /// A quota of the account would be exceeded.
    Quota = "plan::quota";
    /// There is more than can be recorded.
    TooMany = "plan::too_many";
    /// AWS does not make this change, or only by replacing what holds data.
    Change = "plan::change";
    /// What would be deleted is protected.
    Protected = "plan::protected";
    /// The state has moved on since the plan was made.
    Outdated = "plan::outdated";
}

impl fmt::Display for Code {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl std::str::FromStr for Code {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text).ok_or(())
    }
}

/// One thing that is wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What kind of problem.
    pub code: Code,
    /// Where: the path of the value, such as `databases.main.storage_gib`.
    pub place: String,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// Whether it is the key at that place that is wrong, not its value.
    #[serde(skip)]
    pub is_of_key: bool,
    /// Where it is written, as far as that is known.
    #[serde(skip)]
    pub span: Option<Span>,
}

impl Problem {
    /// A problem at a place.
    pub fn at(code: Code, place: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code,
            place: place.into(),
            message: message.into(),
            help: None,
            is_of_key: false,
            span: None,
        }
    }

    /// With what would be right.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// As one of the key at its place.
    #[must_use]
    pub(super) fn of_key(mut self) -> Self {
        self.is_of_key = true;
        self
    }

    /// As one that is written there.
    #[must_use]
    pub(super) fn spanning(mut self, span: Option<Span>) -> Self {
        self.span = span;
        self
    }
}

/// On one line: the place, what is wrong, what would be right.
impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.place.as_str(), self.span) {
            ("", Some(span)) => write!(formatter, "line {}, column {}: ", span.line, span.column)?,
            ("", None) => {}
            (place, _) => write!(formatter, "{place}: ")?,
        }
        formatter.write_str(&self.message)?;
        match &self.help {
            Some(help) => write!(formatter, "; {help}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_as_they_are_written() {
        for code in Code::ALL {
            assert_eq!(code.as_str().parse(), Ok(*code));
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
            assert!(
                code.meaning().ends_with('.') && !code.meaning().starts_with(' '),
                "{code}"
            );
        }
        assert_eq!("document::nothing".parse::<Code>(), Err(()));
    }

    #[test]
    fn a_problem_is_one_line() {
        let problem = Problem::at(Code::Range, "network.zones", "9 is out of range").help("expected 1 to 6");
        assert_eq!(problem.to_string(), "network.zones: 9 is out of range; expected 1 to 6");
        assert_eq!(Problem::at(Code::Syntax, "", "it is empty").to_string(), "it is empty");
    }
}
