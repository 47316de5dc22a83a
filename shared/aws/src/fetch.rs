//! What AWS hands out by a presigned URL, such as a function's code.

use std::time::Duration;

use aws_smithy_http_client::ConnectorBuilder;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider as TlsProvider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::byte_stream::ByteStream;
use outrigger_engine::ports::provider::{CallError, CallErrorKind};

use crate::error::chain;

/// How long it may take in all.
const SECONDS_MAX: u64 = 8;

/// Fetches what is at a URL, at most `bytes_max` of it, with the SDK's own HTTP client: no other has to be kept up to date.
///
/// Certificates are verified against the system's roots. What is not fetched over TLS is refused, but from the machine
/// itself, where the local AWS is.
///
/// # Errors
/// `Unknown` where it did not work, which may work later; `Invalid` of what is refused or too long. None quotes the URL, which
/// whoever has it may fetch from.
pub async fn fetch(call: &str, url: &str, bytes_max: usize) -> Result<Vec<u8>, CallError> {
    if !is_safe(url).await {
        return Err(CallError::invalid(
            call,
            "what it answered with is not to be fetched over TLS",
        ));
    }
    let work = get(call, url, bytes_max);
    match tokio::time::timeout(Duration::from_secs(SECONDS_MAX), work).await {
        Ok(result) => result,
        Err(_) => Err(failed(call, format!("no answer within {SECONDS_MAX} s"))),
    }
}

/// Whether what is asked for goes over TLS, or does not leave the machine.
async fn is_safe(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://") else {
        return url.starts_with("https://");
    };
    let host = rest.split(['/', '?']).next().unwrap_or_default();
    match tokio::net::lookup_host(host).await {
        Ok(addresses) => {
            let here: Vec<bool> = addresses.map(|address| address.ip().is_loopback()).collect();
            !here.is_empty() && here.into_iter().all(|here| here)
        }
        Err(_) => false,
    }
}

async fn get(call: &str, url: &str, bytes_max: usize) -> Result<Vec<u8>, CallError> {
    let connector = {
        let mut connector = ConnectorBuilder::default().tls_provider(TlsProvider::Rustls(CryptoMode::AwsLc));
        connector.set_proxy_config(Some(ProxyConfig::from_env()));
        connector.build()
    };
    let request = HttpRequest::get(url).map_err(|_| CallError::invalid(call, "what it answered with is no URL"))?;
    let answer = connector
        .call(request)
        .await
        .map_err(|error| failed(call, chain(&error)))?;
    let status = answer.status().as_u16();
    if status != 200 {
        return Err(failed(
            call,
            format!("what it answered with is fetched with status {status}"),
        ));
    }
    let mut body = ByteStream::new(answer.into_body());
    let mut bytes = Vec::new();
    while let Some(part) = body.next().await {
        bytes.extend_from_slice(&part.map_err(|error| failed(call, chain(&error)))?);
        if bytes.len() > bytes_max {
            let message = format!("what it answered with is longer than {bytes_max} bytes");
            return Err(CallError::invalid(call, message));
        }
    }
    Ok(bytes)
}

fn failed(call: &str, message: String) -> CallError {
    CallError {
        kind: CallErrorKind::Unknown,
        ..CallError::invalid(call, message)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn only_tls_leaves_the_machine() {
        let table = [
            (
                "https://awslambda-us-east-1-tasks.s3.us-east-1.amazonaws.com/snapshots/a?X-Amz-Signature=b",
                true,
            ),
            ("http://localhost:4566/_ministack/lambda-code/1", true),
            ("http://127.0.0.1:4566/code", true),
            ("http://localhost.example.com/code", false),
            ("http://example.com/code", false),
            ("ftp://example.com", false),
            ("", false),
        ];
        for (url, safe) in table {
            assert_eq!(is_safe(url).await, safe, "{url}");
        }
    }

    /// Answers one request.
    async fn answering(answer: &'static [u8]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await.unwrap();
            stream.write_all(answer).await.unwrap();
        });
        format!("http://127.0.0.1:{port}/code")
    }

    #[tokio::test]
    async fn what_is_there_is_fetched_up_to_a_length() {
        let found = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ncode";
        assert_eq!(fetch("call", &answering(found).await, 4).await.unwrap(), b"code");
        let long = fetch("call", &answering(found).await, 3).await.unwrap_err();
        assert_eq!(long.kind, CallErrorKind::Invalid, "{long}");
        let absent = answering(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n").await;
        let absent = fetch("call", &absent, 4).await.unwrap_err();
        assert_eq!(absent.kind, CallErrorKind::Unknown, "{absent}");
        assert!(
            absent.message.contains("404") && !absent.message.contains("127.0.0.1"),
            "{absent}"
        );
        let plain = fetch("call", "http://example.com/", 4).await.unwrap_err();
        assert_eq!(plain.kind, CallErrorKind::Invalid, "{plain}");
    }
}
