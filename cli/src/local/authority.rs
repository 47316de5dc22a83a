//! The certificate authority of the local AWS: the functions built for it trust the databases that it has signed for.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use anyhow::{Context, Result};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

use super::Project;

/// The authority's name, which is in its certificate.
pub const AUTHORITY: &str = "Outrigger's local AWS";

/// An authority of this checkout alone, which nothing but what is built for the local AWS trusts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    /// Its own certificate, in PEM.
    pub certificate: PathBuf,
    /// What it signs with, in PEM; only its owner reads it.
    pub key: PathBuf,
}

impl Authority {
    /// That of a checkout, in the ignored folder; made when it is first needed.
    ///
    /// # Errors
    /// When it cannot be made or written.
    pub fn of(project: &Project) -> Result<Self> {
        let folder = project.work_directory().join("authority");
        std::fs::create_dir_all(&folder).with_context(|| format!("make the folder {}", folder.display()))?;
        let lock = File::create(folder.join("lock")).context("make the authority's lock")?;
        lock.lock().context("wait for the authority's lock")?;
        let authority = Self {
            certificate: folder.join("certificate.pem"),
            key: folder.join("key.pem"),
        };
        if !authority.certificate.is_file() {
            authority
                .make()
                .with_context(|| format!("make a certificate authority in {}", folder.display()))?;
        }
        Ok(authority)
    }

    /// The certificate is written last: without it, there is none.
    fn make(&self) -> Result<()> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, AUTHORITY);
        let key_pair = KeyPair::generate()?;
        let mut key = File::options()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&self.key)?;
        key.write_all(key_pair.serialize_pem().as_bytes())?;
        let issuer = CertifiedIssuer::self_signed(params, key_pair)?;
        let fresh = self.certificate.with_extension("fresh");
        std::fs::write(&fresh, issuer.pem())?;
        std::fs::rename(fresh, &self.certificate)?;
        Ok(())
    }
}
