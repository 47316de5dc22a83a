//! Parameters: one in each region, with the same value.

use outrigger_model::document::Parameter;
use outrigger_model::properties::{self, Input, ParameterType};
use outrigger_model::{Kind, Properties, ResourceKey};

use super::{Expansion, output_reference};

impl<'a> Expansion<'a> {
    /// The one in the first region says what a generated value is; those in further regions follow it.
    pub(super) fn parameter(&mut self, name: &str, parameter: &'a Parameter) {
        let said = parameter.value.clone().map(Input::Text);
        let value_of = parameter.value_of.as_ref();
        let value = said.or_else(|| value_of.map(|path| Input::Reference(output_reference(self.document, path))));
        let mut first: Option<ResourceKey> = None;
        for region in &self.document.regions {
            let properties = properties::Parameter {
                kind: match value {
                    Some(_) => ParameterType::String,
                    None => ParameterType::SecureString,
                },
                copy_of: match value {
                    Some(_) => None,
                    None => first.as_ref().map(|first| Input::of(first, "arn")),
                },
                value: value.clone(),
            };
            let key = self.at(region, |expansion| {
                expansion.add_tagged(
                    Kind::Parameter,
                    name,
                    Properties::Parameter(properties),
                    &parameter.tags,
                )
            });
            first.get_or_insert(key);
        }
    }
}
