//! Which provider looks after which kind.

use std::sync::Arc;

use outrigger_model::Kind;

use crate::ports::provider::{CallError, Provider};

/// The providers of one function.
#[derive(Clone, Default)]
pub struct Providers(Vec<Arc<dyn Provider>>);

impl Providers {
    /// Gathers providers; where two look after one kind, the first does.
    pub fn new(providers: impl IntoIterator<Item = Arc<dyn Provider>>) -> Self {
        Self(providers.into_iter().collect())
    }

    /// The provider of a kind.
    ///
    /// # Errors
    /// When this function has none: the plan gave it a step of another lane.
    pub fn of(&self, kind: Kind) -> Result<&dyn Provider, CallError> {
        self.0
            .iter()
            .find(|provider| provider.kinds().contains(&kind))
            .map(AsRef::as_ref)
            .ok_or_else(|| CallError::invalid("outrigger", format!("this function looks after no {kind}")))
    }
}
