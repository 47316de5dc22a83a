//! The certificates of the authorities that sign those of databases on RDS and Aurora. AWS hands them out, and nobody else.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use outrigger_aws::fetch;
use outrigger_model::Region;

use crate::context::say;
use crate::local::Project;

/// Those of all regions together are some 200 KiB.
const BYTES_MAX: usize = 4 * 1024 * 1024;

/// Where AWS has them, for all regions of a partition:
/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html>.
fn url(partition: &str) -> &'static str {
    match partition {
        "aws-cn" => "https://rds-truststore.s3.cn-north-1.amazonaws.com.cn/global/global-bundle.pem",
        "aws-us-gov" => "https://truststore.pki.us-gov-west-1.rds.amazonaws.com/global/global-bundle.pem",
        _ => "https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem",
    }
}

/// Where a checkout keeps them.
fn path(project: &Project, partition: &str) -> PathBuf {
    project
        .work_directory()
        .join(format!("rds-certificates-{partition}.pem"))
}

/// The certificates of the region's partition, in PEM: those that the checkout has, or else AWS's, which are kept.
///
/// # Errors
/// When they cannot be fetched, or what is there are none: with what to do.
pub(super) async fn of(project: &Project, region: &Region) -> Result<Vec<u8>> {
    let partition = region.partition();
    kept_or_fetched(&path(project, partition), url(partition)).await
}

async fn kept_or_fetched(path: &Path, url: &str) -> Result<Vec<u8>> {
    let certificates = match std::fs::read(path) {
        Ok(kept) => kept,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            say(&format!(
                "fetching the certificates of Amazon RDS's authorities from {url}"
            ));
            let fetched = fetch("GET", url, BYTES_MAX).await.with_context(|| {
                format!(
                    "cannot fetch the certificates of Amazon RDS's authorities, which the database agent needs; put what is at \
                     {url} into {}, then try again",
                    path.display()
                )
            })?;
            check(&fetched).with_context(|| format!("what is at {url} cannot be used"))?;
            keep(path, &fetched).with_context(|| format!("write {}", path.display()))?;
            fetched
        }
        Err(error) => return Err(error).with_context(|| format!("read {}", path.display())),
    };
    check(&certificates).with_context(|| {
        format!(
            "{} cannot be used; delete it, and AWS's is fetched again",
            path.display()
        )
    })?;
    Ok(certificates)
}

fn check(certificates: &[u8]) -> Result<()> {
    let text = String::from_utf8_lossy(certificates);
    ensure!(
        text.contains("-----BEGIN CERTIFICATE-----"),
        "there is no certificate in PEM in it"
    );
    Ok(())
}

/// Whole, or not at all.
fn keep(path: &Path, certificates: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let fresh = path.with_extension("fresh");
    std::fs::write(&fresh, certificates)?;
    std::fs::rename(&fresh, path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    const CERTIFICATES: &str = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";

    /// Answers one request, on this machine.
    async fn answering(status: &'static str, body: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await.unwrap();
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            stream.write_all(answer.as_bytes()).await.unwrap();
        });
        format!("http://127.0.0.1:{port}/global-bundle.pem")
    }

    #[tokio::test]
    async fn certificates_are_fetched_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("work/rds.pem");
        let url = answering("200 OK", CERTIFICATES).await;
        assert_eq!(kept_or_fetched(&path, &url).await.unwrap(), CERTIFICATES.as_bytes());
        // Nobody answers any more.
        assert_eq!(kept_or_fetched(&path, &url).await.unwrap(), CERTIFICATES.as_bytes());
    }

    #[tokio::test]
    async fn who_cannot_fetch_them_is_told_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rds.pem");
        let url = answering("403 Forbidden", "").await;
        let error = format!("{:#}", kept_or_fetched(&path, &url).await.unwrap_err());
        for words in ["403", &format!("put what is at {url} into {}", path.display())] {
            assert!(error.contains(words), "{error}");
        }
        let url = answering("200 OK", "<html>").await;
        let error = format!("{:#}", kept_or_fetched(&path, &url).await.unwrap_err());
        assert!(error.contains("no certificate in PEM"), "{error}");
        assert!(!path.exists(), "what is of no use was kept");
        // What somebody has put there is looked at too.
        std::fs::write(&path, "<html>").unwrap();
        let error = format!("{:#}", kept_or_fetched(&path, &url).await.unwrap_err());
        assert!(error.contains("delete it"), "{error}");
        std::fs::write(&path, CERTIFICATES).unwrap();
        assert_eq!(kept_or_fetched(&path, &url).await.unwrap(), CERTIFICATES.as_bytes());
    }

    /// What leaves the machine is verified.
    #[test]
    fn certificates_come_over_tls() {
        for region in ["us-east-1", "cn-north-1", "us-gov-west-1"] {
            let url = url(Region::new(region).partition());
            assert!(url.starts_with("https://") && url.ends_with(".pem"), "{url}");
        }
    }
}
