//! What the database agent does, on a real PostgreSQL with TLS.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use outrigger_engine::ports::database::{DatabaseError, Endpoint, Heartbeat, Probe};
use outrigger_engine::ports::provider::CallError;
use outrigger_engine::ports::secrets::{Credentials, SecretReader};
use outrigger_engine::tasks::TaskError;
use outrigger_engine::tasks::database_agent::{Action, Request, Response, database_agent};
use outrigger_postgres::{CONNECT_SECONDS_MAX, Postgres, STATEMENT_SECONDS_MAX};
use outrigger_tests::Project;
use outrigger_tests::postgres::{Authority, DATABASE, HOST, PASSWORD, Programs, Server, USER};

/// A secret that is there.
struct Secret(&'static str);

#[async_trait]
impl SecretReader for Secret {
    async fn credentials(&self, _: &str) -> Result<Credentials, CallError> {
        Ok(Credentials {
            username: USER.to_owned(),
            password: self.0.into(),
        })
    }
}

struct Agent {
    postgres: Postgres,
    host: &'static str,
    password: &'static str,
    port: u16,
}

impl Agent {
    fn new(authority: &Authority, port: u16) -> Self {
        Self {
            postgres: Postgres::new(authority.certificate().as_bytes()).unwrap(),
            host: HOST,
            password: PASSWORD,
            port,
        }
    }

    async fn ask(&self, action: Action) -> Result<Response, DatabaseError> {
        let request = Request {
            secret_arn: "arn".to_owned(),
            endpoint: Endpoint {
                host: self.host.to_owned(),
                port: self.port,
                database: DATABASE.to_owned(),
            },
            action,
        };
        let answer = database_agent(&Secret(self.password), &self.postgres, &request).await;
        // The password is in no answer and no error.
        assert!(!format!("{answer:?}").contains(self.password), "{answer:?}");
        answer.map_err(|error| match error {
            TaskError::Database(error) => error,
            other => panic!("{other}"),
        })
    }

    async fn probe(&self) -> Result<Probe, DatabaseError> {
        match self.ask(Action::Probe).await? {
            Response::Probed(probe) => Ok(probe),
            other => panic!("{other:?}"),
        }
    }

    async fn write(&self, observer: &str, number: i64) -> Result<Heartbeat, DatabaseError> {
        let observer = observer.to_owned();
        match self.ask(Action::TestWrite { observer, number }).await? {
            Response::Written(heartbeat) => Ok(heartbeat),
            other => panic!("{other:?}"),
        }
    }
}

fn programs() -> Programs {
    Programs::find(&Project::of_test().unwrap()).unwrap()
}

#[tokio::test]
async fn heartbeats_are_written_and_read_back_in_a_schema_of_their_own() {
    let authority = Authority::new("the test's own").unwrap();
    let server = Server::start(&programs(), Some(&authority)).unwrap();
    let agent = Agent::new(&authority, server.port);

    // Before it is prepared.
    let probe = agent.probe().await.unwrap();
    assert!(
        !probe.prepared && !probe.in_recovery && probe.heartbeats.is_empty(),
        "{probe:?}"
    );
    let missing = agent.write("us-east-1", 1).await.unwrap_err();
    assert_eq!(missing.error_type(), "DatabaseNotPrepared", "{missing}");

    // Twice, and two at once, is the same as once.
    agent.ask(Action::Prepare).await.unwrap();
    let catalog = "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'outrigger%' AND NOT rolcanlogin";
    assert_eq!(server.sql(DATABASE, catalog).unwrap(), "2");
    let written = agent.write("us-east-1", 7).await.unwrap();
    assert_eq!((written.observer.as_str(), written.number), ("us-east-1", 7));
    let (one, other) = tokio::join!(agent.ask(Action::Prepare), agent.ask(Action::Prepare));
    assert_eq!((one, other), (Ok(Response::Prepared {}), Ok(Response::Prepared {})));

    // One row per observer, whose number only grows; what is not text stays text.
    agent.write("us-east-1", 8).await.unwrap();
    agent.write("us-east-1", 8).await.unwrap();
    let outdated = agent.write("us-east-1", 3).await.unwrap_err();
    assert!(
        matches!(outdated, DatabaseError::Outdated { found: 8, .. }),
        "{outdated}"
    );
    agent.write("'; DROP TABLE outrigger.heartbeats; --", 1).await.unwrap();
    let probe = agent.probe().await.unwrap();
    let found: Vec<_> = probe
        .heartbeats
        .iter()
        .map(|of| (of.observer.as_str(), of.number))
        .collect();
    assert_eq!(found, [("'; DROP TABLE outrigger.heartbeats; --", 1), ("us-east-1", 8)]);
    assert!(
        probe.heartbeats.iter().all(|of| (0..60_000).contains(&of.age_ms)),
        "{probe:?}"
    );
    assert!(probe.prepared && probe.server_version.starts_with(|first: char| first.is_ascii_digit()));

    // Least rights: the role of the heartbeats has nothing but their table, and everybody else nothing of it.
    server.sql(DATABASE, "CREATE TABLE public.orders (id int)").unwrap();
    let may = |role: &str, table: &str, what: &str| {
        let asked = format!("SELECT has_table_privilege('{role}', '{table}', '{what}')");
        server.sql(DATABASE, &asked).unwrap() == "t"
    };
    assert!(may("outrigger_heartbeat", "outrigger.heartbeats", "UPDATE"));
    assert!(!may("outrigger_heartbeat", "outrigger.heartbeats", "DELETE"));
    assert!(!may("outrigger_heartbeat", "public.orders", "SELECT"));
    assert!(!may("outrigger_owner", "public.orders", "SELECT"));
    server.sql(DATABASE, "CREATE ROLE stranger LOGIN").unwrap();
    assert!(!may("stranger", "outrigger.heartbeats", "SELECT"));
    let owner = "SELECT nspowner::regrole FROM pg_namespace WHERE nspname = 'outrigger'";
    assert_eq!(server.sql(DATABASE, owner).unwrap(), "outrigger_owner");
    // Nothing is left open, and every connection was encrypted.
    let open = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'outrigger'";
    let deadline = Instant::now() + Duration::from_secs(10);
    while server.sql(DATABASE, open).unwrap() != "0" {
        assert!(Instant::now() < deadline, "connections stay open");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_standby_is_told_and_takes_no_write() {
    let authority = Authority::new("the test's own").unwrap();
    let primary = Server::start(&programs(), Some(&authority)).unwrap();
    let agent = Agent::new(&authority, primary.port);
    agent.ask(Action::Prepare).await.unwrap();
    agent.write("us-east-1", 5).await.unwrap();
    let standby = primary.standby().unwrap();
    let reader = Agent::new(&authority, standby.port);
    let probe = reader.probe().await.unwrap();
    assert!(probe.in_recovery && probe.prepared, "{probe:?}");
    assert_eq!(probe.heartbeats.first().map(|of| of.number), Some(5));
    for refused in [
        reader.write("us-east-1", 6).await.map(drop),
        reader.ask(Action::Prepare).await.map(drop),
    ] {
        let refused = refused.unwrap_err();
        assert_eq!(refused.error_type(), "DatabaseReadOnly", "{refused}");
        assert!(!refused.is_retryable());
    }
    // What the primary writes arrives there.
    agent.write("us-east-1", 6).await.unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while reader.probe().await.unwrap().heartbeats.first().map(|of| of.number) != Some(6) {
        assert!(Instant::now() < deadline, "the heartbeat did not arrive");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // A primary whose transactions are read-only takes none either.
    let only = "ALTER DATABASE app SET default_transaction_read_only = on";
    primary.sql("postgres", only).unwrap();
    let refused = agent.write("us-east-1", 7).await.unwrap_err();
    assert_eq!(refused.error_type(), "DatabaseReadOnly", "{refused}");
}

#[tokio::test]
async fn who_is_not_to_be_trusted_is_told_nothing() {
    let authority = Authority::new("the test's own").unwrap();
    let server = Server::start(&programs(), Some(&authority)).unwrap();
    let agent = Agent::new(&authority, server.port);

    let wrong = Agent {
        password: "not-the-password",
        ..Agent::new(&authority, server.port)
    };
    let refused = wrong.probe().await.unwrap_err();
    assert_eq!(refused.error_type(), "DatabaseLoginRefused", "{refused}");

    // Signed by another; for another host; and no TLS at all.
    let stranger = Authority::new("another").unwrap();
    let by_other = Agent::new(&stranger, server.port);
    let for_other = Agent {
        host: "127.0.0.1",
        ..Agent::new(&authority, server.port)
    };
    let plain = Server::start(&programs(), None).unwrap();
    let unencrypted = Agent::new(&authority, plain.port);
    for (agent, words) in [
        (&by_other, "UnknownIssuer"),
        (&for_other, "not valid for name"),
        (&unencrypted, "server does not support TLS"),
    ] {
        let refused = agent.probe().await.unwrap_err();
        assert_eq!(refused.error_type(), "DatabaseUntrusted", "{refused}");
        assert!(refused.to_string().contains(words), "{refused}");
        assert!(!refused.is_retryable());
    }
    assert!(agent.probe().await.is_ok());
}

#[tokio::test]
async fn nothing_takes_longer_than_it_may() {
    let authority = Authority::new("the test's own").unwrap();
    let server = Server::start(&programs(), Some(&authority)).unwrap();
    let agent = Agent::new(&authority, server.port);
    agent.ask(Action::Prepare).await.unwrap();

    // Somebody holds a lock.
    let hold = "BEGIN; LOCK TABLE outrigger.heartbeats; SELECT pg_sleep(30); COMMIT";
    let mut holder = server.sql_meanwhile(DATABASE, hold).unwrap();
    let held = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted";
    while server.sql(DATABASE, held).unwrap() == "0" {
        assert_eq!(holder.try_wait().unwrap(), None, "psql has ended");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let begun = Instant::now();
    let late = agent.write("us-east-1", 1).await.unwrap_err();
    assert_eq!(late.error_type(), "DatabaseStatementTimeout", "{late}");
    assert!(late.is_retryable());
    assert!(begun.elapsed() >= Duration::from_secs(STATEMENT_SECONDS_MAX));
    holder.kill().unwrap();
    holder.wait().unwrap();

    // Nobody listens; and somebody who never answers.
    let port = server.port;
    drop(server);
    let gone = Agent::new(&authority, port).probe().await.unwrap_err();
    assert_eq!(gone.error_type(), "DatabaseUnreachable", "{gone}");
    assert!(gone.is_retryable());
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let begun = Instant::now();
    let agent = Agent::new(&authority, silent.local_addr().unwrap().port());
    let unanswered = agent.probe().await.unwrap_err();
    assert_eq!(unanswered.error_type(), "DatabaseUnreachable", "{unanswered}");
    assert!(
        unanswered.to_string().contains("no connection within 5 s"),
        "{unanswered}"
    );
    assert!(begun.elapsed() >= Duration::from_secs(CONNECT_SECONDS_MAX));
}
