//! A cluster inside this process.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use embedded_cluster::{Cluster, Server};
use kube::Client;

use super::RunError;

/// A cluster inside this process, which `kubectl` can use too.
pub struct Embedded {
    cluster: Cluster,
    server: Server,
    kubeconfig: PathBuf,
}

impl Embedded {
    /// Starts a cluster that keeps its state in a directory, or in memory where `is_kept` is false.
    /// It listens on `address`, and writes a kubeconfig into the directory.
    ///
    /// # Errors
    /// The directory or the address cannot be used.
    pub async fn start(directory: &Path, is_kept: bool, address: SocketAddr) -> Result<Self, RunError> {
        let data = |source| RunError::Data { path: directory.to_owned(), source };
        create_private(directory).map_err(data)?;
        let cluster = if is_kept {
            Cluster::open(directory.join("cluster.redb"))
                .map_err(|error| RunError::Embedded(error.to_string()))?
        } else {
            Cluster::in_memory()
        };
        let server = cluster.listen(address).await.map_err(|source| RunError::Listen { address, source })?;
        let kubeconfig = directory.join("kubeconfig");
        write_secret(&kubeconfig, server.kubeconfig().as_bytes()).map_err(data)?;
        Ok(Embedded { cluster, server, kubeconfig })
    }

    /// A client of the cluster.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::new(self.cluster.service(), "default")
    }

    /// Where the cluster listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// The kubeconfig for other programs.
    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Ends the cluster.
    pub fn shutdown(&self) {
        self.cluster.shutdown();
    }
}

/// Makes a directory that only its owner may enter, unless it is there.
fn create_private(directory: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

/// Writes a file that only its owner may read.
fn write_secret(path: &Path, content: &[u8]) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(content)?;
    file.persist(path)?;
    Ok(())
}
