//! What went wrong, for people in words and for scripts as an exit code.

use std::fmt;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::document::Report;

/// What kind of failure a command ended with; each has its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The operation failed, or what was asked for could not be done: 1.
    Operation,
    /// The command line or the document is wrong: 2, as for a mistake that clap finds.
    Usage,
    /// Another operation holds the stack: 3.
    Locked,
    /// What the command needs is not there (a running local AWS, a tool, credentials, a control plane): 4.
    Environment,
    /// Something is not as it is recorded: 5. No mistake of the command, but what it was to find out.
    Drifted,
    /// Stopped by Ctrl-C: 130. An operation that was under way goes on.
    Interrupted,
}

impl Class {
    /// Every kind.
    pub const ALL: [Class; 6] = [
        Class::Operation,
        Class::Usage,
        Class::Locked,
        Class::Environment,
        Class::Drifted,
        Class::Interrupted,
    ];

    /// The exit code.
    pub fn code(self) -> u8 {
        match self {
            Class::Operation => 1,
            Class::Usage => 2,
            Class::Locked => 3,
            Class::Environment => 4,
            Class::Drifted => 5,
            Class::Interrupted => 130,
        }
    }

    /// Its name, for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Class::Operation => "operation",
            Class::Usage => "usage",
            Class::Locked => "locked",
            Class::Environment => "environment",
            Class::Drifted => "drifted",
            Class::Interrupted => "interrupted",
        }
    }

    /// The exit code, as `main` answers it.
    pub fn exit_code(self) -> ExitCode {
        ExitCode::from(self.code())
    }
}

/// Why a command failed.
#[derive(Debug)]
pub struct Failure {
    /// What kind of failure.
    pub class: Class,
    error: anyhow::Error,
    /// What is wrong with documents, one by one.
    report: Option<Box<Report>>,
}

impl Failure {
    /// A failure of a kind, in words.
    pub(crate) fn new(class: Class, message: impl Into<String>) -> Self {
        Self {
            class,
            error: anyhow::Error::msg(message.into()),
            report: None,
        }
    }

    /// A failure over problems of documents; the message says which documents, and how many problems.
    pub(crate) fn with_report(class: Class, message: impl Into<String>, report: Report) -> Self {
        Self {
            report: Some(Box::new(report)),
            ..Self::new(class, message)
        }
    }

    /// The problems, as people read them on standard error; none where there are no problems of documents.
    pub(crate) fn report(&self) -> Option<&Report> {
        self.report.as_deref()
    }

    /// As [`Failure::report`], to keep.
    pub(crate) fn into_report(self) -> Option<Report> {
        self.report.map(|report| *report)
    }

    /// What programs are told where there is no other result.
    pub(crate) fn json(&self) -> Value {
        let mut value = json!({"error": {
            "kind": self.class.as_str(),
            "exit_code": self.class.code(),
            "message": self.to_string(),
        }});
        if let Some(report) = &self.report {
            value["problems"] = report.json().into();
        }
        value
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:#}", self.error)
    }
}

/// What says nothing else of itself is a failure to do what was asked for.
impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self {
            class: Class::Operation,
            error: error.into(),
            report: None,
        }
    }
}

/// Says of an error what kind of failure it is.
pub(crate) trait Classify<T> {
    /// Makes it a failure of this kind.
    fn class(self, class: Class) -> Result<T, Failure>;
}

impl<T, E: Into<anyhow::Error>> Classify<T> for Result<T, E> {
    fn class(self, class: Class) -> Result<T, Failure> {
        self.map_err(|error| Failure {
            class,
            error: error.into(),
            report: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn codes_are_those_that_scripts_rely_on() {
        let table = [
            (Class::Operation, 1),
            (Class::Usage, 2),
            (Class::Locked, 3),
            (Class::Environment, 4),
            (Class::Drifted, 5),
            (Class::Interrupted, 130),
        ];
        for (class, code) in table {
            assert_eq!(class.code(), code, "{class:?}");
        }
    }

    #[test]
    fn an_error_keeps_its_chain_and_gets_its_class() {
        let error: Result<(), std::io::Error> = Err(std::io::Error::other("no such file"));
        let failure = error
            .context("read the document a.yaml")
            .class(Class::Usage)
            .unwrap_err();
        assert_eq!(failure.to_string(), "read the document a.yaml: no such file");
        assert_eq!(
            failure.json(),
            json!({"error": {"kind": "usage", "exit_code": 2, "message": "read the document a.yaml: no such file"}})
        );
        assert_eq!(failure.class, Class::Usage);
        assert_eq!(Failure::from(anyhow::anyhow!("it broke")).class, Class::Operation);
    }
}
