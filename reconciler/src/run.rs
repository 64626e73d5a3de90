//! Running the controllers.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;

use kube::Client;

use crate::controller::{self, Context, Log};

/// How the controllers run.
pub struct RunOptions {
    /// Where repositories are kept.
    pub data: PathBuf,
    /// Where the log goes.
    pub log: Log,
}

/// Reconciles until `shutdown` is ready.
pub async fn run(client: Client, options: RunOptions, shutdown: impl Future<Output = ()>) {
    let context = Arc::new(Context::new(client, options.data, options.log));
    controller::run(context, shutdown).await;
}
