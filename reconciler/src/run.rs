//! Running the controllers, on a cluster or on one inside this process.

mod artifacts;
mod embedded;
mod error;
mod leader;
mod receive;
mod serve;
mod setup;

use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use kube::{Client, Config};

use crate::controller::{self, Context, Log, Metrics};
pub use crate::controller::{Selection, Shard, Tenancy};
use crate::environment::Environment;
pub use embedded::Embedded;
pub use error::RunError;
pub use leader::{Election, Times};
pub use setup::{SyncOptions, install_definitions, set_up_sync};

/// How this program calls itself.
const AGENT: &str = concat!("reconciler/", env!("CARGO_PKG_VERSION"));

/// How the controllers run.
pub struct RunOptions {
    /// Where repositories are kept.
    pub data: PathBuf,
    /// Where the log goes.
    pub log: Log,
    /// Which controllers run.
    pub controllers: Selection,
    /// Where metrics are served.
    pub metrics: Option<SocketAddr>,
    /// Where the state of health is served.
    pub health: Option<SocketAddr>,
    /// Where the webhooks of receivers are served.
    pub receivers: Option<SocketAddr>,
    /// Which objects are reconciled.
    pub shard: Shard,
    /// Which namespaces are strict.
    pub tenancy: Tenancy,
    /// Whether sources and providers of strict namespaces may be on this machine, such as stand-ins in tests.
    pub allow_tenant_loopback: bool,
    /// The namespace of the reconciler, which is not strict because of its label.
    pub own_namespace: Option<String>,
    /// The URL of a repository on this machine that strict namespaces may use as well.
    pub local_repository: Option<String>,
    /// Where artifacts are served.
    pub artifacts: Option<SocketAddr>,
    /// The server that artifacts are said to be at; the address where they are served if absent.
    pub artifacts_server: Option<String>,
    /// How long a build may take; `spec.timeout` of a Kustomization can only be less.
    pub build_timeout: Duration,
    /// The labels of ConfigMaps and Secrets that make Kustomizations due that read them, as a selector.
    pub watched_configs: String,
    /// The program that evaluates policies in Rego, in processes of its own: `reconciler`. It is the program of this
    /// process if absent.
    pub evaluator: Option<PathBuf>,
    /// How one of several processes is elected; this process leads if absent.
    pub election: Option<Election>,
    /// Time and randomness.
    pub environment: Environment,
}

impl RunOptions {
    /// All controllers, with nothing served.
    #[must_use]
    pub fn new(data: PathBuf, log: Log) -> Self {
        RunOptions {
            data,
            log,
            controllers: Selection::default(),
            metrics: None,
            health: None,
            receivers: None,
            shard: Shard::default(),
            tenancy: Tenancy::default(),
            allow_tenant_loopback: false,
            own_namespace: None,
            local_repository: None,
            artifacts: None,
            artifacts_server: None,
            build_timeout: controller::BUILD_TIMEOUT,
            watched_configs: controller::WATCHED_CONFIGS.to_owned(),
            evaluator: None,
            election: None,
            environment: Environment::default(),
        }
    }
}

/// Reconciles until `shutdown` is ready. What is under way then is given a moment to end.
///
/// Where there is an election, it waits until this process leads, and serves health and nothing else
/// meanwhile.
///
/// # Errors
/// The directory cannot be written, an address cannot be listened on, or this process leads no more.
pub async fn run(
    client: Client,
    options: RunOptions,
    shutdown: impl Future<Output = ()>,
) -> Result<(), RunError> {
    std::fs::create_dir_all(&options.data)
        .map_err(|error| RunError::Data { path: options.data.clone(), source: error })?;
    let artifacts = serve::listen(options.artifacts).await?;
    let server = match &artifacts {
        Some(listener) => {
            let address = listener.local_addr().ok().map(|address| address.to_string());
            options.artifacts_server.or(address)
        }
        None => None,
    };
    let mut shutdown = std::pin::pin!(shutdown);
    let metrics = Metrics::default();
    let client = metrics.counted(client);
    let mut leadership =
        options.election.map(|election| election.candidate(client.clone(), options.environment.clone()));
    let client = leadership.as_ref().map_or(client.clone(), |leadership| leadership.fence(client));
    let context = Context::new(client, options.data, options.log)
        .with_metrics(metrics)
        .with_environment(options.environment)
        .with_artifacts(server)
        .with_shard(options.shard)
        .with_local_repository(options.local_repository)
        .with_tenancy(options.tenancy, options.own_namespace)
        .with_tenant_loopback(options.allow_tenant_loopback)
        .with_build_timeout(options.build_timeout)
        .with_watched_configs(options.watched_configs)
        .with_evaluator(options.evaluator.or_else(|| std::env::current_exe().ok()).unwrap_or_default());
    let context = Arc::new(context);
    let metrics = serve::listen(options.metrics).await?;
    let health = serve::listen(options.health).await?;
    let receivers = serve::listen(options.receivers).await?;
    let servers = async {
        tokio::join!(
            serve::metrics(metrics, &context),
            serve::health(health, &context),
            receive::receivers(receivers, &context),
            artifacts::artifacts(artifacts, &context),
        );
        std::future::pending::<()>().await;
    };
    let work = async {
        let Some(leadership) = &mut leadership else {
            controller::run(Arc::clone(&context), options.controllers, shutdown).await;
            return Ok(());
        };
        context.set_waiting(true);
        tokio::select! {
            () = leadership.win(&context.log) => {}
            () = &mut shutdown => return Ok(()),
        }
        context.set_waiting(false);
        tokio::select! {
            () = controller::run(Arc::clone(&context), options.controllers, shutdown) => Ok(()),
            () = leadership.hold() => Err(RunError::LeadershipLost),
        }
    };
    let outcome = tokio::select! {
        outcome = work => outcome,
        () = servers => Ok(()),
    };
    if let Some(leadership) = leadership {
        leadership.release().await;
    }
    outcome
}

/// A client of the cluster that a configuration describes.
///
/// # Errors
/// The configuration cannot be used.
pub fn client(mut config: Config) -> Result<Client, RunError> {
    // Audit logs and metrics of the server tell by this who asks.
    config.headers.push((http::header::USER_AGENT, http::HeaderValue::from_static(AGENT)));
    Client::try_from(config).map_err(|error| RunError::Cluster(error.to_string()))
}
