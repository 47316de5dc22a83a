//! The options that say which document is meant, and what is chosen beside it.

use std::path::PathBuf;

use clap::Args;
use outrigger_model::document::{Choice, Problem};

/// A document in a file.
#[derive(Clone, Debug, Args)]
pub struct DocumentFile {
    /// The stack document, YAML or JSON; `-` reads standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// What is chosen beside it.
    #[command(flatten)]
    pub chosen: Chosen,
}

/// What is chosen beside a document.
#[derive(Clone, Debug, Default, Args)]
pub struct Chosen {
    /// Which of the document's environments
    #[arg(long, value_name = "NAME")]
    pub environment: Option<String>,

    /// The value of one of the document's variables; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting)]
    pub set: Vec<(String, String)>,
}

fn setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        Some(_) | None => Err("expected NAME=VALUE, for instance storage_gib=100".to_owned()),
    }
}

impl Chosen {
    /// As the model takes it.
    ///
    /// # Errors
    /// Every value that is no YAML.
    pub(super) fn choice(&self) -> Result<Choice, Vec<Problem>> {
        let mut choice = Choice::default();
        choice.environment.clone_from(&self.environment);
        let settings = self.set.iter().map(|(name, value)| choice.set(name, value));
        let wrong: Vec<Problem> = settings.filter_map(Result::err).map(|problem| *problem).collect();
        match wrong.is_empty() {
            true => Ok(choice),
            false => Err(wrong),
        }
    }
}

impl DocumentFile {
    /// A file, with nothing chosen.
    pub(crate) fn new(file: impl Into<PathBuf>) -> Self {
        Self {
            file: file.into(),
            chosen: Chosen::default(),
        }
    }

    /// As it is typed into another command.
    pub(crate) fn typed(&self) -> String {
        let mut words = vec![self.file.display().to_string()];
        if let Some(environment) = &self.chosen.environment {
            words.extend(["--environment".to_owned(), environment.clone()]);
        }
        for (name, value) in &self.chosen.set {
            words.extend(["--set".to_owned(), format!("{name}={value}")]);
        }
        let quoted: Vec<String> = words.iter().map(|word| quoted(word)).collect();
        quoted.join(" ")
    }
}

/// A word as shells read it.
fn quoted(word: &str) -> String {
    let is_plain = |char: char| char.is_alphanumeric() || "-_./=:,@%+~".contains(char);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_chosen_goes_into_the_next_command() {
        let mut file = DocumentFile::new("shop.yaml");
        assert_eq!(file.typed(), "shop.yaml");
        file.chosen.environment = Some("staging".to_owned());
        file.chosen.set = vec![
            ("size".to_owned(), "20".to_owned()),
            ("owner".to_owned(), "Ada's team".to_owned()),
        ];
        assert_eq!(
            file.typed(),
            r"shop.yaml --environment staging --set size=20 --set 'owner=Ada'\''s team'"
        );
        let words = shlex::split(&file.typed()).unwrap();
        assert_eq!(words.last().unwrap(), "owner=Ada's team");
    }

    #[test]
    fn a_setting_has_a_name_and_a_value() {
        assert_eq!(setting("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        assert_eq!(setting("a="), Ok(("a".to_owned(), String::new())));
        for wrong in ["a", "=a", ""] {
            assert!(setting(wrong).is_err(), "{wrong}");
        }
    }
}
