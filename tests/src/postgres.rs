//! A real PostgreSQL with TLS, of a test's own: the machine's, or Debian's, unpacked into the ignored folder.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use anyhow::{Context, Result, bail, ensure};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;

use crate::debian::{Unpacked, library_folders};
use crate::{Project, local};

/// PostgreSQL of this version or later.
const MAJOR_VERSION_MIN: u32 = 15;
/// How root runs PostgreSQL's programs, which refuse to run as root: still reading and writing wherever root may, or else the
/// project and its temporary files would have to be in folders that are open to everyone. The first that works is taken:
/// containers have the rights for the one or for the other.
const AS_NOBODY: [&[&str]; 2] = [
    // As `nobody`, who keeps that one capability (access(2) knows of it by that bit).
    &[
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "--securebits=+no_setuid_fixup",
        "--inh-caps=-all,+dac_override",
        "--ambient-caps=+dac_override",
    ],
    // As root, who has another number there.
    &["unshare", "--user", "--map-user=65534", "--map-group=65534"],
];
/// Where a connection that is verified goes to.
pub const HOST: &str = "localhost";
/// Who may log in with [`PASSWORD`]; no superuser, as on RDS.
pub const USER: &str = "master";
/// The password of [`USER`].
pub const PASSWORD: &str = "a-password-to-look-for";
/// The database of [`USER`].
pub const DATABASE: &str = "app";

/// PostgreSQL's programs.
#[derive(Clone, Debug)]
pub struct Programs {
    folder: PathBuf,
    environment: BTreeMap<String, String>,
    /// What runs a program, and its arguments; nothing, but for root.
    runner: &'static [&'static str],
}

impl Programs {
    /// The machine's own, or else Debian's, which are downloaded when they are first needed.
    ///
    /// # Errors
    /// Where there are none and the machine is no Debian: what to install is in the error. Where root cannot run them.
    pub fn find(project: &Project) -> Result<Self> {
        let runner = runner()?;
        Ok(Self {
            runner,
            ..Self::found(project)?
        })
    }

    fn found(project: &Project) -> Result<Self> {
        if let Some(own) = own_folders()
            .into_iter()
            .map(Self::of_machine)
            .find(Self::are_new_enough)
        {
            return Ok(own);
        }
        let works = |root: &Path, _: &Path| Self::of_debian(root).is_ok_and(|found| found.are_new_enough());
        let unpacked = Unpacked::ready(project, "postgresql", &["postgresql"], works).with_context(|| {
            format!(
                "there is no PostgreSQL to test with, and none could be installed; install {MAJOR_VERSION_MIN} or later so \
                 that `postgres` is on the PATH (Debian: apt-get install postgresql; macOS: brew install postgresql)"
            )
        })?;
        Self::of_debian(&unpacked.root)
    }

    fn of_machine(folder: PathBuf) -> Self {
        Self {
            folder,
            environment: BTreeMap::new(),
            runner: &[],
        }
    }

    fn of_debian(root: &Path) -> Result<Self> {
        let Some(folder) = versions_in(&root.join("usr/lib/postgresql")).pop() else {
            bail!("no PostgreSQL in {}", root.display());
        };
        let libraries = std::env::join_paths(library_folders(&root.join("usr/lib"))?)?;
        let libraries = libraries.to_string_lossy().into_owned();
        Ok(Self {
            folder,
            environment: BTreeMap::from([("LD_LIBRARY_PATH".to_owned(), libraries)]),
            runner: &[],
        })
    }

    fn are_new_enough(&self) -> bool {
        let output = Command::new(self.folder.join("postgres"))
            .arg("--version")
            .envs(&self.environment)
            .output();
        let Ok(Output { stdout, .. }) = output else {
            return false;
        };
        // postgres (PostgreSQL) 15.4 (Debian 15.4-1)
        let text = String::from_utf8_lossy(&stdout).into_owned();
        let version = text
            .split_whitespace()
            .nth(2)
            .and_then(|version| version.split('.').next());
        version.is_some_and(|major| major.parse::<u32>().is_ok_and(|major| major >= MAJOR_VERSION_MIN))
    }

    fn command(&self, program: &str, folder: &Path) -> Command {
        let program = self.folder.join(program);
        let mut command = match self.runner {
            [] => Command::new(program),
            [runner, arguments @ ..] => {
                let mut command = Command::new(runner);
                command.args(arguments).arg(program);
                command
            }
        };
        command.envs(&self.environment).current_dir(folder).stdin(Stdio::null());
        command
    }
}

fn runner() -> Result<&'static [&'static str]> {
    if !rustix::process::geteuid().is_root() {
        return Ok(&[]);
    }
    let works = |words: &&&'static [&'static str]| {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).arg("true").stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let runner = AS_NOBODY.iter().find(works).copied();
    runner.context(
        "root may run PostgreSQL neither by setpriv nor by unshare (util-linux): run the tests as somebody else",
    )
}

/// Where machines have it: where the PATH leads, and Debian's folders, which are not on the PATH.
fn own_folders() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let linked = std::env::split_paths(&path).filter_map(|folder| folder.join("postgres").canonicalize().ok());
    let mut folders: Vec<PathBuf> = linked
        .filter_map(|program| Some(program.parent()?.to_owned()))
        .collect();
    folders.extend(versions_in(Path::new("/usr/lib/postgresql")).into_iter().rev());
    folders
}

fn versions_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path().join("bin")).collect();
    found.sort();
    found
}

/// Who signs servers' certificates.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    /// One of its own.
    ///
    /// # Errors
    /// When keys cannot be made.
    pub fn new(name: &str) -> Result<Self> {
        Self::with_key(name, KeyPair::generate()?)
    }

    fn with_key(name: &str, key: KeyPair) -> Result<Self> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        Ok(Self(CertifiedIssuer::self_signed(params, key)?))
    }

    /// That of the local AWS, whose functions trust what it signs.
    ///
    /// # Errors
    /// When it cannot be read or made.
    pub fn of_local_aws(project: &Project) -> Result<Self> {
        let key = std::fs::read_to_string(local::Authority::of(project)?.key)?;
        // Whoever has the name and the key is the authority.
        Self::with_key(local::AUTHORITY, KeyPair::from_pem(&key)?)
    }

    /// Its own certificate, in PEM.
    pub fn certificate(&self) -> String {
        self.0.pem()
    }

    fn sign(&self, host: &str) -> Result<(String, String)> {
        let key = KeyPair::generate()?;
        let certificate = CertificateParams::new(vec![host.to_owned()])?.signed_by(&key, &self.0)?;
        Ok((certificate.pem(), key.serialize_pem()))
    }
}

/// A PostgreSQL that runs; it ends when this is dropped.
pub struct Server {
    programs: Programs,
    folder: TempDir,
    /// Its port.
    pub port: u16,
}

impl Server {
    /// Starts one with a certificate for [`HOST`], or without TLS where nobody signs; with [`USER`] and [`DATABASE`].
    ///
    /// # Errors
    /// When it does not start; the end of its log is in the error.
    pub fn start(programs: &Programs, authority: Option<&Authority>) -> Result<Self> {
        let server = Self::new(programs)?;
        let data = server.data();
        let path = data.display().to_string();
        server.run(
            "initdb",
            &[
                "-D",
                &path,
                "-U",
                "postgres",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--no-locale",
                "--no-sync",
            ],
        )?;
        let mut settings = format!(
            "listen_addresses = '127.0.0.1'\nunix_socket_directories = '{}'\nfsync = off\n",
            server.folder.path().display()
        );
        let mut entry = "host";
        if let Some(authority) = authority {
            let (certificate, key) = authority.sign(HOST)?;
            server.write("server.crt", &certificate)?;
            server.write("server.key", &key)?;
            settings.push_str("ssl = on\n");
            entry = "hostssl";
        }
        std::fs::write(data.join("postgresql.auto.conf"), settings)?;
        let access =
            format!("local all all trust\nlocal replication all trust\n{entry} all all 127.0.0.1/32 scram-sha-256\n");
        std::fs::write(data.join("pg_hba.conf"), access)?;
        server.up()?;
        server.sql(
            "postgres",
            &format!("CREATE ROLE {USER} LOGIN CREATEROLE CREATEDB PASSWORD '{PASSWORD}'"),
        )?;
        server.sql("postgres", &format!("CREATE DATABASE {DATABASE} OWNER {USER}"))?;
        Ok(server)
    }

    /// Starts a standby of it, which replays what it writes.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub fn standby(&self) -> Result<Self> {
        let standby = Self::new(&self.programs)?;
        let (socket, port) = (self.folder.path().display().to_string(), self.port.to_string());
        let data = standby.data().display().to_string();
        standby.run(
            "pg_basebackup",
            &[
                "-h", &socket, "-p", &port, "-U", "postgres", "-D", &data, "-R", "-X", "stream", "-c", "fast",
            ],
        )?;
        standby.up()?;
        Ok(standby)
    }

    /// Runs a statement as its superuser, over its socket; answers what it prints.
    ///
    /// # Errors
    /// What the server says.
    pub fn sql(&self, database: &str, statement: &str) -> Result<String> {
        self.run("psql", &self.psql(database, statement).each_ref().map(String::as_str))
    }

    /// Runs statements as its superuser meanwhile.
    ///
    /// # Errors
    /// When psql does not start.
    pub fn sql_meanwhile(&self, database: &str, statement: &str) -> Result<Child> {
        let mut command = self.programs.command("psql", self.folder.path());
        command.args(self.psql(database, statement)).stdout(Stdio::null());
        command.spawn().context("run psql")
    }

    fn psql(&self, database: &str, statement: &str) -> [String; 10] {
        let (socket, port) = (self.folder.path().display().to_string(), self.port.to_string());
        [
            "-h", &socket, "-p", &port, "-U", "postgres", "-d", database, "-Atqc", statement,
        ]
        .map(str::to_owned)
    }

    fn new(programs: &Programs) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("outrigger-postgres-").tempdir()?;
        // Free now; whoever takes it meanwhile makes the start fail, which says so.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        Ok(Self {
            programs: programs.clone(),
            folder,
            port,
        })
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.data().join(name);
        std::fs::write(&path, text)?;
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600))?;
        Ok(())
    }

    fn up(&self) -> Result<()> {
        let log = self.folder.path().join("log");
        let (data, log_path) = (self.data().display().to_string(), log.display().to_string());
        let options = format!("-p {} -k {}", self.port, self.folder.path().display());
        let started = self.run(
            "pg_ctl",
            &["-D", &data, "-l", &log_path, "-o", &options, "-w", "-t", "60", "start"],
        );
        started.map(drop).with_context(|| {
            let text = std::fs::read_to_string(&log).unwrap_or_default();
            let lines: Vec<&str> = text.lines().rev().take(20).collect();
            format!("its log, the last line first: {}", lines.join("\n"))
        })
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Result<String> {
        // To files and not to pipes: what pg_ctl starts would keep a pipe open.
        let told = self.folder.path().join(format!("{program}.out"));
        let errors = self.folder.path().join(format!("{program}.err"));
        let status = self
            .programs
            .command(program, self.folder.path())
            .args(arguments)
            .stdout(std::fs::File::create(&told)?)
            .stderr(std::fs::File::create(&errors)?)
            .status()
            .with_context(|| format!("run {program}"))?;
        let errors = std::fs::read_to_string(errors)?;
        ensure!(status.success(), "{program} failed with {status}: {}", errors.trim());
        Ok(std::fs::read_to_string(told)?.trim().to_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let data = self.data().display().to_string();
        if let Err(error) = self.run("pg_ctl", &["-D", &data, "-m", "immediate", "-w", "stop"]) {
            eprintln!("PostgreSQL was not stopped: {error:#}");
        }
    }
}
