//! Requests to a stage of the local AWS, and how many it takes.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use futures::StreamExt;
use futures::stream;
use outrigger_tests::LocalAws;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Where a URL of a stage is served here: on AWS its host names the API, here its path does.
pub(crate) fn local_path(url: &str) -> Result<String> {
    let (host, path) = url
        .strip_prefix("https://")
        .and_then(|rest| rest.split_once('/'))
        .context("no URL of a stage")?;
    let (api, rest) = host.split_once('.').context("no API's host")?;
    ensure!(rest.starts_with("execute-api."), "{url} is no stage's");
    Ok(format!("/_aws/execute-api/{api}/{path}"))
}

/// A POST of JSON to a URL of a stage: the status and the body of the answer.
pub(crate) async fn post(aws: &LocalAws, url: &str, key: Option<&str>, body: &str) -> Result<(u16, String)> {
    let mut connection = Connection::open(aws).await?;
    connection.post(&local_path(url)?, key, body).await
}

/// A GET of a URL of a stage, likewise.
pub(crate) async fn get(aws: &LocalAws, url: &str) -> Result<(u16, String)> {
    let mut connection = Connection::open(aws).await?;
    connection.send("GET", &local_path(url)?, None, "").await
}

/// A connection that is kept, as a device keeps its own.
struct Connection {
    stream: TcpStream,
    host: String,
    read: Vec<u8>,
}

impl Connection {
    async fn open(aws: &LocalAws) -> Result<Self> {
        let host = aws
            .endpoint()
            .strip_prefix("http://")
            .context("no endpoint")?
            .to_owned();
        Ok(Self {
            stream: TcpStream::connect(&host).await?,
            host,
            read: Vec::new(),
        })
    }

    async fn post(&mut self, path: &str, key: Option<&str>, body: &str) -> Result<(u16, String)> {
        self.send("POST", path, key, body).await
    }

    async fn send(&mut self, method: &str, path: &str, key: Option<&str>, body: &str) -> Result<(u16, String)> {
        let key = key.map(|key| format!("x-api-key: {key}\r\n")).unwrap_or_default();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\n{key}content-length: {}\r\n\r\n{body}",
            self.host,
            body.len()
        );
        self.stream.write_all(request.as_bytes()).await?;
        loop {
            if let Some((answer, length)) = answered(&self.read)? {
                self.read.drain(..length);
                return Ok(answer);
            }
            let read = self.stream.read_buf(&mut self.read).await?;
            ensure!(read > 0, "the connection ended within an answer");
        }
    }
}

/// The first answer in what was read, and how long it is; `None` while it is not whole.
fn answered(read: &[u8]) -> Result<Option<((u16, String), usize)>> {
    let text = String::from_utf8_lossy(read);
    let Some((head, _)) = text.split_once("\r\n\r\n") else {
        return Ok(None);
    };
    let status = head.split(' ').nth(1).context("no status")?.parse()?;
    let length: usize = head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .context("no length")?
        .1
        .parse()?;
    let begin = head.len() + 4;
    let Some(body) = read.get(begin..begin + length) else {
        return Ok(None);
    };
    Ok(Some(((status, String::from_utf8(body.to_vec())?), begin + length)))
}

/// How many connections send at a time.
const CONNECTIONS: usize = 32;

/// So many requests, each with a number of its own, over some connections. A request that is above the key's rate is sent
/// again, as its client should. Answers with how many were answered with 200, and how many a minute that were.
pub(crate) async fn post_many(aws: &LocalAws, url: &str, key: &str, count: usize) -> Result<(usize, f64)> {
    let path = local_path(url)?;
    let begun = Instant::now();
    let sent = stream::iter(0..CONNECTIONS).map(|first| {
        let path = path.clone();
        async move {
            let mut connection = Connection::open(aws).await?;
            let mut taken = 0;
            for number in (first..count).step_by(CONNECTIONS) {
                loop {
                    let body = format!(r#"{{"sensor": {number}}}"#);
                    match connection.post(&path, Some(key), &body).await?.0 {
                        200 => break taken += 1,
                        429 => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
                        status => anyhow::bail!("request {number} was answered with {status}"),
                    }
                }
            }
            Ok(taken)
        }
    });
    let taken: Vec<Result<usize>> = sent.buffer_unordered(CONNECTIONS).collect().await;
    let taken: usize = taken.into_iter().sum::<Result<usize>>()?;
    let minutes = begun.elapsed().as_secs_f64() / 60.0;
    Ok((taken, taken as f64 / minutes))
}
