//! PostgreSQL, over TLS that is always verified: heartbeats in a schema of their own, with roles of their own.
//!
//! # Guarantees
//! - No connection without TLS, and none to a server whose certificate does not lead to one of the given certificates or
//!   does not name the host.
//! - A connection takes at most [`CONNECT_SECONDS_MAX`], a statement at most [`STATEMENT_SECONDS_MAX`]; the server ends
//!   it then, and if the server does not answer, we do.
//! - Values are parameters. What is in the texts of statements is fixed.
//!
//! # Caveats
//! - The password is sent as the server asks for it (SCRAM, as a rule). Who chooses the host chooses who may ask.

mod connection;
mod failure;
mod heartbeats;

use std::sync::Arc;

use async_trait::async_trait;
use outrigger_engine::ports::database::{Database, DatabaseError, Endpoint, Heartbeat, Probe};
use outrigger_engine::ports::secrets::Credentials;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// How long a connection may take until it can be used: address, TLS, log-in.
pub const CONNECT_SECONDS_MAX: u64 = 5;
/// How long a statement may take.
pub const STATEMENT_SECONDS_MAX: u64 = 5;

/// The certificates that were given cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificatesError {
    /// The text is not PEM.
    #[error("read the certificates to trust, which are to be PEM")]
    Pem(#[source] rustls::pki_types::pem::Error),
    /// There is none in it.
    #[error("read the certificates to trust: there is none")]
    None,
    /// TLS cannot be set up with them.
    #[error("trust the certificates")]
    Tls(#[source] rustls::Error),
}

/// The databases of a stack.
#[derive(Clone)]
pub struct Postgres {
    tls: Arc<ClientConfig>,
}

impl std::fmt::Debug for Postgres {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Postgres").finish_non_exhaustive()
    }
}

impl Postgres {
    /// Trusts servers whose certificates lead to one of these, in PEM, and no other. Connects to nothing yet.
    ///
    /// # Errors
    /// When there is no certificate, or one that cannot be read.
    pub fn new(certificates: &[u8]) -> Result<Self, CertificatesError> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(certificates) {
            let certificate = certificate.map_err(CertificatesError::Pem)?;
            roots.add(certificate).map_err(CertificatesError::Tls)?;
        }
        if roots.is_empty() {
            return Err(CertificatesError::None);
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(CertificatesError::Tls)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { tls: Arc::new(tls) })
    }
}

#[async_trait]
impl Database for Postgres {
    async fn prepare(&self, at: &Endpoint, credentials: &Credentials) -> Result<(), DatabaseError> {
        let mut connection = connection::open(&self.tls, at, credentials).await?;
        connection.in_time(heartbeats::prepare).await
    }

    async fn probe(&self, at: &Endpoint, credentials: &Credentials) -> Result<Probe, DatabaseError> {
        let mut connection = connection::open(&self.tls, at, credentials).await?;
        connection.in_time(heartbeats::probe).await
    }

    async fn test_write(
        &self,
        at: &Endpoint,
        credentials: &Credentials,
        observer: &str,
        number: i64,
    ) -> Result<Heartbeat, DatabaseError> {
        let mut connection = connection::open(&self.tls, at, credentials).await?;
        connection
            .in_time(async |client| heartbeats::write(client, observer, number).await)
            .await?;
        let found = connection
            .in_time(async |client| heartbeats::read(client, observer).await)
            .await?;
        match found {
            Some(found) if found.number == number => Ok(found),
            Some(found) => Err(DatabaseError::Outdated {
                host: at.host.clone(),
                observer: observer.to_owned(),
                number,
                found: found.number,
            }),
            None => Err(DatabaseError::Refused {
                host: at.host.clone(),
                reason: "the heartbeat was written, and is not there".to_owned(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_no_trust_without_certificates() {
        assert!(matches!(Postgres::new(b"").unwrap_err(), CertificatesError::None));
        assert!(matches!(
            Postgres::new(b"no PEM\n").unwrap_err(),
            CertificatesError::None
        ));
        let cut = b"-----BEGIN CERTIFICATE-----\nMIIB\n";
        assert!(matches!(Postgres::new(cut).unwrap_err(), CertificatesError::Pem(_)));
    }
}
