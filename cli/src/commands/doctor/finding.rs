//! What was found, and how it is shown. Pure.

use console::Style;
use serde::Serialize;

use crate::plan_view::Paint;

/// How well it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Health {
    /// As it has to be.
    Ok,
    /// Something may not work.
    Warn,
    /// Something does not work.
    Fail,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Finding {
    pub(super) health: Health,
    /// What was looked at.
    pub(super) check: &'static str,
    pub(super) found: String,
    /// What to do about it.
    pub(super) advice: Option<String>,
}

impl Finding {
    /// That it is as it has to be.
    pub(super) fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self {
            health: Health::Ok,
            check,
            found: found.into(),
            advice: None,
        }
    }

    /// That something may not work.
    pub(super) fn warn(check: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            health: Health::Warn,
            advice: Some(advice.into()),
            ..Self::ok(check, found)
        }
    }

    /// That something does not work.
    pub(super) fn fail(check: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            health: Health::Fail,
            advice: Some(advice.into()),
            ..Self::ok(check, found)
        }
    }

    /// That it was done, or with which error it was not.
    pub(super) fn of<E: std::fmt::Display>(
        check: &'static str,
        done: Result<impl Into<String>, E>,
        advice: impl Into<String>,
    ) -> Self {
        match done {
            Ok(found) => Self::ok(check, found),
            Err(error) => Self::fail(check, format!("{error:#}"), advice),
        }
    }
}

/// A line for each finding, and below it what to do.
pub(super) fn render(findings: &[Finding], paint: Paint) -> String {
    let width = findings.iter().map(|finding| finding.check.len()).max().unwrap_or(0);
    let mut text = String::new();
    for finding in findings {
        let health = match finding.health {
            Health::Ok => paint.apply(Style::new().green(), "ok  "),
            Health::Warn => paint.apply(Style::new().yellow(), "warn"),
            Health::Fail => paint.apply(Style::new().red(), "fail"),
        };
        text.push_str(&format!("{health}  {:width$}  {}\n", finding.check, finding.found));
        if let Some(advice) = &finding.advice {
            text.push_str(&format!("{:indent$}{advice}\n", "", indent = width + 8));
        }
    }
    text
}

/// How many checks failed, in words; none if none did.
pub(super) fn failed(findings: &[Finding]) -> Option<String> {
    let failed: Vec<&str> = findings
        .iter()
        .filter(|finding| finding.health == Health::Fail)
        .map(|finding| finding.check)
        .collect();
    match failed.as_slice() {
        [] => None,
        [one] => Some(format!("1 check failed: {one}")),
        several => Some(format!("{} checks failed: {}", several.len(), several.join(", "))),
    }
}

/// By how much the clocks may differ: AWS refuses signatures that are 5 minutes off.
const SKEW_SECONDS_WARN: u64 = 60;
const SKEW_SECONDS_MAX: u64 = 300;

/// What this machine's clock is beside AWS's.
pub(super) fn clock(here_ms: u64, aws_ms: Option<u64>) -> Finding {
    let Some(aws_ms) = aws_ms else {
        return Finding::warn(
            "clock",
            "AWS did not tell its time",
            "see whether it can be reached at all",
        );
    };
    let seconds = here_ms.abs_diff(aws_ms) / 1000;
    let way = if here_ms > aws_ms { "ahead of" } else { "behind" };
    let advice = "set this machine's clock; AWS refuses what is signed 5 minutes off";
    match seconds {
        0..2 => Finding::ok("clock", "as AWS's"),
        2..SKEW_SECONDS_WARN => Finding::ok("clock", format!("{seconds} s {way} AWS's")),
        SKEW_SECONDS_WARN..SKEW_SECONDS_MAX => Finding::warn("clock", format!("{seconds} s {way} AWS's"), advice),
        _ => Finding::fail("clock", format!("{seconds} s {way} AWS's"), advice),
    }
}

/// What version the control plane is of, beside this command line.
pub(super) fn version(installed: Option<&str>, ours: &str, install: &str) -> Finding {
    let advice = format!("install this version: {install}");
    match installed {
        Some(installed) if installed == ours => Finding::ok("version", format!("{ours}, as this command line")),
        Some(installed) => Finding::warn(
            "version",
            format!("the control plane is {installed}, this command line {ours}"),
            advice,
        ),
        None => Finding::warn(
            "version",
            format!("the control plane does not tell its version; this command line is {ours}"),
            advice,
        ),
    }
}

/// The oldest Python that the local AWS and the tools run on.
const PYTHON_MIN: (u32, u32) = (3, 11);

/// What `python3 --version` says.
pub(super) fn python(said: Option<&str>) -> Finding {
    let advice = "install Python 3.11 or later: apt-get install python3 python3-venv, or brew install python";
    let Some(said) = said else {
        return Finding::fail("python3", "it is not on the PATH", advice);
    };
    let version = said.trim().trim_start_matches("Python ");
    let mut parts = version.split('.').map_while(|part| part.parse::<u32>().ok());
    match (parts.next(), parts.next()) {
        (Some(major), Some(minor)) if (major, minor) >= PYTHON_MIN => Finding::ok("python3", version),
        (Some(_), Some(_)) => Finding::fail("python3", format!("{version} is too old"), advice),
        _ => Finding::fail("python3", format!("it says {version:?}, which is no version"), advice),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_lines_with_what_to_do() {
        let findings = [
            Finding::ok("credentials", "arn:aws:iam::123456789012:user/ada"),
            clock(1_000, Some(1_000)),
            clock(8_000, Some(1_000)),
            clock(1_000, Some(91_000)),
            clock(1_000, Some(900_000)),
            clock(1_000, None),
            version(Some("0.1.0"), "0.1.0", "outrigger bootstrap"),
            version(Some("0.0.9"), "0.1.0", "outrigger bootstrap"),
            version(None, "0.1.0", "outrigger bootstrap"),
            python(Some("Python 3.11.9\n")),
            python(Some("Python 3.9.2\n")),
            python(Some("command not found")),
            python(None),
            Finding::of(
                "state table",
                Err::<String, _>("dynamodb:Query was refused"),
                "ask for dynamodb:Query",
            ),
        ];
        insta::assert_snapshot!(render(&findings, Paint::Plain), @r#"
        ok    credentials  arn:aws:iam::123456789012:user/ada
        ok    clock        as AWS's
        ok    clock        7 s ahead of AWS's
        warn  clock        90 s behind AWS's
                           set this machine's clock; AWS refuses what is signed 5 minutes off
        fail  clock        899 s behind AWS's
                           set this machine's clock; AWS refuses what is signed 5 minutes off
        warn  clock        AWS did not tell its time
                           see whether it can be reached at all
        ok    version      0.1.0, as this command line
        warn  version      the control plane is 0.0.9, this command line 0.1.0
                           install this version: outrigger bootstrap
        warn  version      the control plane does not tell its version; this command line is 0.1.0
                           install this version: outrigger bootstrap
        ok    python3      3.11.9
        fail  python3      3.9.2 is too old
                           install Python 3.11 or later: apt-get install python3 python3-venv, or brew install python
        fail  python3      it says "command not found", which is no version
                           install Python 3.11 or later: apt-get install python3 python3-venv, or brew install python
        fail  python3      it is not on the PATH
                           install Python 3.11 or later: apt-get install python3 python3-venv, or brew install python
        fail  state table  dynamodb:Query was refused
                           ask for dynamodb:Query
        "#);
        assert_eq!(
            failed(&findings).as_deref(),
            Some("5 checks failed: clock, python3, python3, python3, state table")
        );
        assert_eq!(failed(&findings[..3]), None);
        assert!(render(&findings[..1], Paint::Coloured).starts_with("\u{1b}[32mok  \u{1b}[0m"));
    }
}
