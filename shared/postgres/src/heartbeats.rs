//! The statements: a schema of Outrigger's own, one row in it per observer.
//!
//! The schema and its table belong to `outrigger_owner`; rows are written and read as `outrigger_heartbeat`, which may do
//! just that. Neither can log in: the secret's user is a member of both, and becomes one for a transaction. So nothing that
//! Outrigger runs can touch users' data.

use outrigger_engine::ports::database::{Heartbeat, Probe};
use tokio_postgres::{Client, Error, Row, Transaction};

/// How many heartbeats a probe tells of at most: there is one per region, and three observe.
const HEARTBEATS_MAX: i64 = 20;

/// Names the lock under which one prepares at a time; the text `outrigger` as a number.
const PREPARE_LOCK: i64 = 0x6f75_7472_6967;

/// The roles, and the secret's user in them. `CREATE ROLE` has no `IF NOT EXISTS`. From PostgreSQL 16 on, who creates a role
/// may grant it and is no member that could become it: `USAGE` tells, `MEMBER` would not
/// (<https://www.postgresql.org/docs/16/role-attributes.html>).
const ROLES: &str = "
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'outrigger_owner') THEN
        CREATE ROLE outrigger_owner NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'outrigger_heartbeat') THEN
        CREATE ROLE outrigger_heartbeat NOLOGIN;
    END IF;
    IF NOT pg_catalog.pg_has_role(current_user, 'outrigger_owner', 'USAGE') THEN
        GRANT outrigger_owner TO current_user;
    END IF;
    IF NOT pg_catalog.pg_has_role(current_user, 'outrigger_heartbeat', 'USAGE') THEN
        GRANT outrigger_heartbeat TO current_user;
    END IF;
END
$$";

/// What the roles own and may.
const SCHEMA: &str = "
CREATE SCHEMA IF NOT EXISTS outrigger AUTHORIZATION outrigger_owner;
SET LOCAL ROLE outrigger_owner;
CREATE TABLE IF NOT EXISTS outrigger.heartbeats (
    observer text PRIMARY KEY CHECK (length(observer) BETWEEN 1 AND 64),
    number bigint NOT NULL CHECK (number > 0),
    written_at timestamptz NOT NULL
);
GRANT USAGE ON SCHEMA outrigger TO outrigger_heartbeat;
GRANT SELECT, INSERT, UPDATE ON outrigger.heartbeats TO outrigger_heartbeat";

const AS_HEARTBEAT: &str = "SET LOCAL ROLE outrigger_heartbeat";

const WRITE: &str = "
INSERT INTO outrigger.heartbeats AS there (observer, number, written_at)
VALUES ($1, $2, clock_timestamp())
ON CONFLICT (observer) DO UPDATE SET number = excluded.number, written_at = excluded.written_at
WHERE there.number < excluded.number";

/// The age is reckoned by the server, whose clock wrote the row.
const READ: &str = "
SELECT observer, number, (extract(epoch FROM clock_timestamp() - written_at) * 1000)::bigint AS age_ms
FROM outrigger.heartbeats
WHERE observer = $1";

const READ_ALL: &str = "
SELECT observer, number, (extract(epoch FROM clock_timestamp() - written_at) * 1000)::bigint AS age_ms
FROM outrigger.heartbeats
ORDER BY observer
LIMIT $1";

/// What the server is, and whether this user can read the heartbeats.
const ABOUT: &str = "
SELECT pg_is_in_recovery() AS in_recovery, current_setting('server_version') AS server_version,
    to_regclass('outrigger.heartbeats') IS NOT NULL
    AND EXISTS (SELECT FROM pg_roles WHERE rolname = 'outrigger_heartbeat') AS prepared";

/// Makes what is not there, all in one transaction, one at a time.
pub(crate) async fn prepare(client: &mut Client) -> Result<(), Error> {
    let transaction = client.transaction().await?;
    transaction
        .execute("SELECT pg_advisory_xact_lock($1)", &[&PREPARE_LOCK])
        .await?;
    transaction.batch_execute(ROLES).await?;
    transaction.batch_execute(SCHEMA).await?;
    transaction.commit().await
}

/// Looks at the server and the heartbeats.
pub(crate) async fn probe(client: &mut Client) -> Result<Probe, Error> {
    let transaction = client.build_transaction().read_only(true).start().await?;
    let about = transaction.query_one(ABOUT, &[]).await?;
    let prepared: bool = about.try_get("prepared")?;
    let mut heartbeats = Vec::new();
    if prepared {
        transaction.batch_execute(AS_HEARTBEAT).await?;
        for row in transaction.query(READ_ALL, &[&HEARTBEATS_MAX]).await? {
            heartbeats.push(heartbeat(&row)?);
        }
    }
    transaction.commit().await?;
    Ok(Probe {
        in_recovery: about.try_get("in_recovery")?,
        server_version: about.try_get("server_version")?,
        prepared,
        heartbeats,
    })
}

/// Writes an observer's heartbeat, unless one with the same number or a higher one is there.
pub(crate) async fn write(client: &mut Client, observer: &str, number: i64) -> Result<(), Error> {
    let transaction = as_heartbeat(client).await?;
    transaction.execute(WRITE, &[&observer, &number]).await?;
    transaction.commit().await
}

/// Reads an observer's heartbeat, in a transaction of its own: what is read was committed.
pub(crate) async fn read(client: &mut Client, observer: &str) -> Result<Option<Heartbeat>, Error> {
    let transaction = as_heartbeat(client).await?;
    let row = transaction.query_opt(READ, &[&observer]).await?;
    transaction.commit().await?;
    row.map(|row| heartbeat(&row)).transpose()
}

async fn as_heartbeat(client: &mut Client) -> Result<Transaction<'_>, Error> {
    let transaction = client.transaction().await?;
    transaction.batch_execute(AS_HEARTBEAT).await?;
    Ok(transaction)
}

fn heartbeat(row: &Row) -> Result<Heartbeat, Error> {
    Ok(Heartbeat {
        observer: row.try_get("observer")?,
        number: row.try_get("number")?,
        age_ms: row.try_get("age_ms")?,
    })
}
