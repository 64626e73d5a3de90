//! Why the reconciler cannot run.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why the reconciler cannot run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// There is no way to the cluster.
    #[error("cannot connect to a cluster: {0}")]
    Cluster(String),
    /// The embedded cluster cannot start.
    #[error("cannot start the embedded cluster: {0}")]
    Embedded(String),
    /// The cluster refuses what the reconciler needs.
    #[error("cannot set the cluster up: {0}")]
    Setup(String),
    /// The directory for data cannot be written.
    #[error("cannot use the directory {}: {source}", path.display())]
    Data {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another process leads now, or may do so.
    #[error("this process leads no more: its lease could not be renewed")]
    LeadershipLost,
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}
