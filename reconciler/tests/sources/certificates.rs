//! Certificates of an authority that nobody else knows: of a server on this machine, and of its clients.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use tempfile::TempDir;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// A directory with `ca.crt`, and with certificate and key of `server` and of `client`.
pub(crate) struct Certificates(TempDir);

impl Certificates {
    /// Makes them with the program `openssl`.
    pub(crate) fn make() -> Outcome<Self> {
        let certificates = Certificates(TempDir::with_prefix("certificates-")?);
        certificates.openssl(&[
            "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.crt",
        ])?;
        for (name, extension) in
            [("server", "subjectAltName=IP:127.0.0.1"), ("client", "extendedKeyUsage=clientAuth")]
        {
            std::fs::write(certificates.path("extensions"), format!("{extension}\n"))?;
            certificates.openssl(&[
                &format!("req -newkey rsa:2048 -nodes -subj /CN={name} -keyout {name}.key -out {name}.csr"),
                &format!("x509 -req -in {name}.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile extensions -out {name}.crt"),
            ])?;
        }
        Ok(certificates)
    }

    fn openssl(&self, lines: &[&str]) -> Outcome {
        for line in lines {
            let output = Command::new("openssl").current_dir(&self.0).args(line.split(' ')).output()?;
            if !output.status.success() {
                return Err(format!("openssl {line}: {}", String::from_utf8_lossy(&output.stderr)).into());
            }
        }
        Ok(())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The text of a file.
    pub(crate) fn text(&self, name: &str) -> Outcome<String> {
        Ok(std::fs::read_to_string(self.path(name))?)
    }

    /// A server that serves nobody who does not show a certificate of the authority.
    pub(crate) fn demanding_server(&self) -> Outcome<ServerConfig> {
        let chain = |path: &Path| CertificateDer::pem_file_iter(path)?.collect::<Result<Vec<_>, _>>();
        let mut authorities = RootCertStore::empty();
        authorities.add_parsable_certificates(chain(&self.path("ca.crt"))?);
        let provider = Arc::new(default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(authorities.into(), Arc::clone(&provider)).build()?;
        let key = PrivateKeyDer::from_pem_file(self.path("server.key"))?;
        Ok(ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain(&self.path("server.crt"))?, key)?)
    }
}
