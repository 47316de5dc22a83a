//! From a function's process start to its first request for work, against an empty function:
//! `cargo bench -p outrigger-lambda -- DIRECTORY`, where DIRECTORY holds the functions' binaries (`target/release`,
//! `target/debug`) and `examples/empty`. A loopback server stands in for Lambda's runtime API. Functions are started in
//! turn, so that what else the machine does hits all alike. Figures and what they mean: docs/performance.md.

#![allow(clippy::unwrap_used, missing_docs)]

use std::io::Read;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::read::DeflateEncoder;
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};

const AIM: f64 = 1.3;
const ROUNDS: usize = 41;
/// As many as there are in what RDS has for all regions:
/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html>.
const CERTIFICATES: usize = 108;
const FUNCTIONS: [&str; 10] = [
    "database-agent",
    "region-gate",
    "event-recorder",
    "close-operation",
    "create-ingress",
    "create-replication",
    "create-observability",
    "plan-stack",
    "create-datastore",
    "create-network",
];

struct Function {
    name: &'static str,
    binary: PathBuf,
    times: Vec<Duration>,
    resident_kib: Vec<u64>,
}

fn main() {
    let directory = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let directory = PathBuf::from(directory.unwrap_or_else(|| "../../target/release".to_owned()));
    let profile = directory.file_name().unwrap().to_string_lossy().into_owned();
    let mut functions: Vec<Function> = [("empty", directory.join("examples/empty"))]
        .into_iter()
        .chain(FUNCTIONS.map(|name| (name, directory.join(name))))
        .filter(|(_, binary)| binary.exists())
        .map(|(name, binary)| Function {
            name,
            binary,
            times: Vec::new(),
            resident_kib: Vec::new(),
        })
        .collect();
    println!("{profile} binaries, median of {ROUNDS} starts, taken in turn after one that is not counted");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let certificates = std::env::temp_dir().join(format!("outrigger-bench-{}.pem", std::process::id()));
    std::fs::write(
        &certificates,
        (0..CERTIFICATES).map(|_| certificate()).collect::<String>(),
    )
    .unwrap();
    for function in &functions {
        assert_starts(&listener, function, &certificates);
    }
    for _ in 0..ROUNDS {
        for function in &mut functions {
            let (time, resident_kib) = start(&listener, &function.binary, &certificates);
            function.times.push(time);
            function.resident_kib.push(resident_kib);
        }
    }
    std::fs::remove_file(certificates).unwrap();
    println!(
        "{:<22} {:>9} {:>6} {:>5} {:>13} {:>9}",
        "", "start ms", "ratio", "aim", "resident MiB", "zip MiB"
    );
    let mut empty_ms = None;
    for function in &mut functions {
        function.times.sort_unstable();
        function.resident_kib.sort_unstable();
        let ms = function.times[ROUNDS / 2].as_secs_f64() * 1e3;
        println!(
            "{:<22} {ms:>9.2} {:>6.2} {AIM:>5} {:>13.1} {:>9.2}",
            function.name,
            ms / *empty_ms.get_or_insert(ms),
            function.resident_kib[ROUNDS / 2] as f64 / 1024.0,
            zip_bytes(&function.binary) as f64 / (1024.0 * 1024.0),
        );
    }
}

/// In PEM, one that can sign others.
fn certificate() -> String {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.self_signed(&KeyPair::generate().unwrap()).unwrap().pem()
}

/// Starts a function for the first time, which does not count; one that ends instead would be waited for without end.
fn assert_starts(listener: &TcpListener, function: &Function, certificates: &Path) {
    let mut child = command(listener, &function.binary, certificates).spawn().unwrap();
    listener.set_nonblocking(true).unwrap();
    while listener.accept().is_err() {
        assert!(child.try_wait().unwrap().is_none(), "{} ended", function.name);
        std::thread::sleep(Duration::from_millis(1));
    }
    listener.set_nonblocking(false).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
}

fn command(listener: &TcpListener, binary: &Path, certificates: &Path) -> Command {
    let mut command = Command::new(binary);
    command
        .env_clear()
        .env("AWS_LAMBDA_RUNTIME_API", listener.local_addr().unwrap().to_string())
        .env("AWS_LAMBDA_FUNCTION_NAME", "bench")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
        .env("AWS_LAMBDA_LOG_GROUP_NAME", "bench")
        .env("AWS_LAMBDA_LOG_STREAM_NAME", "bench")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "bench")
        .env("AWS_SECRET_ACCESS_KEY", "bench")
        .env("EVENT_TABLE", "bench")
        .env("OUTRIGGER_ACCOUNT", "123456789012")
        .env("OUTRIGGER_CERTIFICATES", certificates)
        .env("OUTRIGGER_NAME", "bench")
        .env("OUTRIGGER_REGIONS", "us-east-1")
        .env("OUTRIGGER_STACK", "bench/bench")
        .env("OUTRIGGER_TABLE", "bench")
        .stdout(Stdio::null());
    command
}

/// Starts a function, and stops it as soon as it asks for work: how long that took, and its memory at that moment.
fn start(listener: &TcpListener, binary: &Path, certificates: &Path) -> (Duration, u64) {
    let mut command = command(listener, binary, certificates);
    let begun = Instant::now();
    let mut child = command.spawn().unwrap();
    let (mut stream, _) = listener.accept().unwrap();
    let mut request = [0; 64];
    let length = stream.read(&mut request).unwrap();
    let time = begun.elapsed();
    let request = String::from_utf8_lossy(&request[..length]).into_owned();
    assert!(
        request.starts_with("GET /2018-06-01/runtime/invocation/next"),
        "{request}"
    );
    let resident_kib = resident_kib(child.id());
    child.kill().unwrap();
    child.wait().unwrap();
    (time, resident_kib)
}

/// Linux alone tells it; elsewhere 0.
fn resident_kib(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

/// A zip of one file is its deflated bytes and some hundred more.
fn zip_bytes(binary: &Path) -> u64 {
    let file = std::fs::File::open(binary).unwrap();
    std::io::copy(
        &mut DeflateEncoder::new(file, Compression::default()),
        &mut std::io::sink(),
    )
    .unwrap()
}
