//! Reading the value of a secret, for the one call that sets it.

use async_trait::async_trait;
use secrecy::SecretString;

use super::provider::CallError;

/// A user name and its password, as a database's secret holds them.
#[derive(Debug)]
pub struct Credentials {
    /// The user's name.
    pub username: String,
    /// The password; its `Debug` form shows nothing.
    pub password: SecretString,
}

/// Reads a database's current credentials, so that the database can be created with them.
#[async_trait]
pub trait SecretReader: Send + Sync {
    /// The credentials in the AWSCURRENT version of the secret with this ARN.
    ///
    /// # Errors
    /// When the secret cannot be read, or holds no JSON with `username` and `password`; the error never quotes the value.
    async fn credentials(&self, secret_arn: &str) -> Result<Credentials, CallError>;
}
