//! One connection, for one request.

use std::sync::Arc;
use std::time::Duration;

use outrigger_engine::ports::database::{DatabaseError, Endpoint};
use outrigger_engine::ports::secrets::Credentials;
use rustls::ClientConfig;
use secrecy::ExposeSecret;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Config, Error};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{CONNECT_SECONDS_MAX, STATEMENT_SECONDS_MAX, failure};

/// How long a request of a few statements may take in all: each of them is bounded by the server, this bounds a server that
/// does not answer.
const ALL_SECONDS_MAX: u64 = STATEMENT_SECONDS_MAX + 2;

/// A connection that is closed when it is dropped.
pub(crate) struct Connection {
    client: Client,
    host: String,
    task: JoinHandle<()>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        // The client's end would end it too, once the server has answered; a server that does not is not waited for.
        self.task.abort();
    }
}

/// Connects, encrypted and verified, and logs in.
///
/// Names in statements are looked up in `pg_catalog` alone, so that nothing of the users' own is taken for the server's:
/// <https://www.postgresql.org/docs/current/runtime-config-client.html>.
pub(crate) async fn open(
    tls: &Arc<ClientConfig>,
    at: &Endpoint,
    credentials: &Credentials,
) -> Result<Connection, DatabaseError> {
    let limit_ms = STATEMENT_SECONDS_MAX * 1000;
    let mut config = Config::new();
    config
        .host(&at.host)
        .port(at.port)
        .dbname(&at.database)
        .user(&credentials.username)
        .password(credentials.password.expose_secret())
        .application_name("outrigger")
        .options(format!("-c search_path=pg_catalog -c statement_timeout={limit_ms}"))
        .ssl_mode(SslMode::Require);
    let bound = Duration::from_secs(CONNECT_SECONDS_MAX);
    let opened = timeout(bound, config.connect(MakeRustlsConnect::new((**tls).clone()))).await;
    let (client, connection) = opened
        .map_err(|_| DatabaseError::Unreachable {
            host: at.host.clone(),
            reason: format!("no connection within {CONNECT_SECONDS_MAX} s"),
        })?
        .map_err(|error| failure::of(&at.host, &error))?;
    let task = tokio::spawn(async move {
        // What breaks the connection, the statement under way is told.
        let _ = connection.await;
    });
    Ok(Connection {
        client,
        host: at.host.clone(),
        task,
    })
}

impl Connection {
    /// Runs statements that take no longer than they may.
    pub(crate) async fn in_time<T>(
        &mut self,
        statements: impl AsyncFnOnce(&mut Client) -> Result<T, Error>,
    ) -> Result<T, DatabaseError> {
        let answer = timeout(Duration::from_secs(ALL_SECONDS_MAX), statements(&mut self.client)).await;
        answer
            .map_err(|_| DatabaseError::StatementTimeout {
                host: self.host.clone(),
                reason: format!("no answer within {ALL_SECONDS_MAX} s"),
            })?
            .map_err(|error| failure::of(&self.host, &error))
    }
}
