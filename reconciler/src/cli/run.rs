//! `run`: the controllers, on a cluster or on one inside this process.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration as StdDuration;

use clap::Args;
use kube::Client;
use reconciler::controller::Log;
use reconciler::run::{
    self, Election, Embedded, RunError, RunOptions, Selection, Shard, SyncOptions, Tenancy, Times,
};
use reconciler::source::git::{Credentials, GitError, GitProgram};
use reconciler_api::Duration;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use url::Url;

use super::{Failure, Global, Result, cluster, term};

/// The Lease of the process that reconciles.
const LEASE: &str = "reconciler-leader-election";
/// How long a repository may take to name its branch.
const ASK: StdDuration = StdDuration::from_secs(30);

/// Options of `run`.
#[derive(Args)]
pub(crate) struct Run {
    /// Start a cluster inside this process
    #[arg(long, conflicts_with = "kubeconfig")]
    embedded: bool,
    /// Address that the embedded cluster listens on
    #[arg(long, default_value = "127.0.0.1:0", requires = "embedded")]
    listen: SocketAddr,
    /// Directory for repositories and the embedded cluster's state; a temporary one if absent
    #[arg(long)]
    data: Option<PathBuf>,
    /// Repository to follow, a directory or a URL
    #[arg(long, requires = "path")]
    git: Option<String>,
    /// Branch of the repository; the one it has checked out if absent
    #[arg(long, requires = "git")]
    branch: Option<String>,
    /// Directory in the repository to apply
    #[arg(long, requires = "git")]
    path: Option<String>,
    /// How often the repository is fetched
    #[arg(long, default_value = "1m0s")]
    interval: Duration,
    /// Controllers to run, separated by commas; all if absent
    #[arg(long)]
    controllers: Option<Selection>,
    /// Address that metrics are served on
    #[arg(long, value_parser = address)]
    metrics_addr: Option<SocketAddr>,
    /// Address that the webhooks of receivers are served on
    #[arg(long, value_parser = address)]
    receiver_addr: Option<SocketAddr>,
    /// Labels of the objects to reconcile, such as sharding.fluxcd.io/key=shard1; all if absent
    #[arg(long, default_value = "", value_name = "SELECTOR")]
    watch_label_selector: String,
    /// Labels of ConfigMaps and Secrets: when they change, Kustomizations that read them are reconciled
    #[arg(long, default_value = "reconcile.fluxcd.io/watch=Enabled", value_name = "SELECTOR")]
    watch_configs_label_selector: String,
    /// Look at all namespaces; only at that of --namespace if false
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = true, action = clap::ArgAction::Set)]
    watch_all_namespaces: bool,
    /// Wait until no other process reconciles
    #[arg(long)]
    enable_leader_election: bool,
    /// How long others wait for a leader that does not renew its Lease
    #[arg(long, default_value = "35s")]
    leader_election_lease_duration: Duration,
    /// How long a leader goes on without having renewed its Lease; less than it is valid
    #[arg(long, default_value = "30s")]
    leader_election_renew_deadline: Duration,
    /// The pause between two tries to get or renew the Lease
    #[arg(long, default_value = "5s")]
    leader_election_retry_period: Duration,
    /// Address that artifacts are served on, for controllers that use sources
    #[arg(long, value_parser = address)]
    storage_addr: Option<SocketAddr>,
    /// Host name or URL under which other controllers reach the artifacts; the address if absent
    #[arg(long, requires = "storage_addr")]
    storage_adv_addr: Option<String>,
    /// Which namespaces cannot refer to others: those labelled toolkit.fluxcd.io/tenant, or all (strict)
    #[arg(long, default_value = "labelled")]
    tenancy: Tenancy,
    /// Let sources and providers of tenants connect to this machine, whose services may trust local clients
    #[arg(long)]
    allow_tenant_loopback: bool,
    /// How long a build may take; spec.timeout of a Kustomization can only be less
    #[arg(long, default_value = "5m0s")]
    build_timeout: Duration,
    /// What is logged: debug, info, error
    #[arg(long, default_value = "info", value_parser = super::manifests::log_level)]
    log_level: String,
    /// Address that health is served on
    #[arg(long, value_parser = address)]
    health_addr: Option<SocketAddr>,
}

/// Reads an address; `:8080` is a port of all addresses, as Flux has it.
fn address(text: &str) -> std::result::Result<SocketAddr, String> {
    match text.strip_prefix(':') {
        Some(port) => {
            let port: u16 = port.parse().map_err(|_| format!("{port:?} is no port"))?;
            Ok((Ipv4Addr::UNSPECIFIED, port).into())
        }
        None => text.parse().map_err(|_| format!("{text:?} is no address like 127.0.0.1:8080")),
    }
}

impl Run {
    /// Reconciles until it is told to end.
    pub(crate) fn run(&self, global: &Global) -> Result {
        Runtime::new()?.block_on(self.start(global))
    }

    async fn start(&self, global: &Global) -> Result {
        // The end of this function removes it.
        let temporary = if self.data.is_some() { None } else { Some(TempDir::with_prefix("reconciler-")?) };
        let data: &Path = match (&self.data, &temporary) {
            (Some(data), _) => data,
            (None, Some(temporary)) => temporary.path(),
            (None, None) => Path::new("."),
        };
        let shard = self.shard(global)?;
        if self.leader_election_renew_deadline.to_std() >= self.leader_election_lease_duration.to_std() {
            let message =
                "--leader-election-renew-deadline has to be less than --leader-election-lease-duration";
            return Err(Failure::usage(message));
        }
        let sync = self.sync(global).await?;
        let embedded = match self.embedded {
            true => Some(Embedded::start(data, self.data.is_some(), self.listen).await?),
            false => None,
        };
        let client = match &embedded {
            Some(embedded) => embedded.client(),
            None => run::client(cluster::config(global).await?)?,
        };
        if embedded.is_some() {
            run::install_definitions(&client).await?;
        }
        if let Some(sync) = &sync {
            run::set_up_sync(&client, sync).await?;
        }
        if let Some(embedded) = &embedded {
            term::print(&format!(
                "cluster: http://{}\nexport KUBECONFIG={}\n",
                embedded.address(),
                embedded.kubeconfig().display()
            ))?;
        }
        let election = self.enable_leader_election.then(|| self.election(global, &shard));
        let repository = sync.map(|sync| sync.url);
        let outcome =
            self.reconcile(client, data, election, shard, global.namespace.clone(), repository).await;
        if let Some(embedded) = embedded {
            embedded.shutdown();
        }
        outcome
    }

    /// Which objects are reconciled.
    fn shard(&self, global: &Global) -> Result<Shard> {
        let shard = Shard::of_labels(&self.watch_label_selector)
            .map_err(|error| Failure::usage(format!("--watch-label-selector: {error}")))?;
        Ok(if self.watch_all_namespaces { shard } else { shard.in_namespace(&global.namespace) })
    }

    /// The election of the process that reconciles a shard.
    fn election(&self, global: &Global, shard: &Shard) -> Election {
        let mut election = Election::new(&global.namespace, shard.lease(LEASE));
        election.times = Times {
            valid: self.leader_election_lease_duration.to_std(),
            patience: self.leader_election_renew_deadline.to_std(),
            pause: self.leader_election_retry_period.to_std(),
        };
        election
    }

    async fn reconcile(
        &self,
        client: Client,
        data: &Path,
        election: Option<Election>,
        shard: Shard,
        namespace: String,
        repository: Option<String>,
    ) -> Result {
        let log = Log::new(std::io::stderr());
        // The level debug logs the same as info.
        let log = if self.log_level == "error" { log.errors_only() } else { log };
        let mut options = RunOptions::new(data.join("sources"), log);
        options.controllers = self.controllers.clone().unwrap_or_default();
        options.metrics = self.metrics_addr;
        options.health = self.health_addr;
        options.receivers = self.receiver_addr;
        options.tenancy = self.tenancy;
        options.allow_tenant_loopback = self.allow_tenant_loopback;
        // A process for one namespace is a tenant's if that namespace is one.
        options.own_namespace = self.watch_all_namespaces.then_some(namespace);
        options.build_timeout = self.build_timeout.to_std();
        options.watched_configs.clone_from(&self.watch_configs_label_selector);
        options.shard = shard;
        options.local_repository = repository;
        options.election = election;
        options.artifacts = self.storage_addr;
        options.artifacts_server.clone_from(&self.storage_adv_addr);
        Ok(run::run(client, options, told_to_end()?).await?)
    }

    /// What the cluster is to follow.
    async fn sync(&self, global: &Global) -> Result<Option<SyncOptions>> {
        let (Some(git), Some(path)) = (&self.git, &self.path) else { return Ok(None) };
        let url = url_of(git)?;
        let branch = match &self.branch {
            Some(branch) => branch.clone(),
            None => default_branch(&url).await?,
        };
        let (namespace, path) = (global.namespace.clone(), format!("./{}", path.trim_start_matches("./")));
        Ok(Some(SyncOptions { namespace, url, branch, path, interval: self.interval }))
    }
}

/// The URL of a repository that may be a directory.
fn url_of(repository: &str) -> Result<String> {
    if Url::parse(repository).is_ok_and(|url| matches!(url.scheme(), "http" | "https" | "ssh" | "file")) {
        return Ok(repository.to_owned());
    }
    let fail = |why: &str| Failure::failed(format!("cannot follow the repository {repository}: {why}"));
    let directory = std::fs::canonicalize(repository).map_err(|error| fail(&error.to_string()))?;
    Url::from_file_path(directory).map(String::from).map_err(|()| fail("its path cannot be a URL"))
}

async fn default_branch(url: &str) -> Result<String> {
    let git = GitProgram::new(url, Credentials::default(), ASK);
    let branch = git.default_branch().await;
    let branch = branch.map_err(|error| {
        let hint = match &error {
            GitError::Authentication(_) => {
                ": give a branch with --branch, and the login in a Secret that the GitRepository flux-system names"
            }
            _ => "",
        };
        Failure::failed(format!("cannot read {url}: {error}{hint}"))
    })?;
    branch.ok_or_else(|| {
        Failure::failed(format!("{url} does not say which branch it is on: give one with --branch"))
    })
}

/// Ends when the process is told to end.
fn told_to_end() -> Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        Ok(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        })
    }
    #[cfg(not(unix))]
    Ok(async {
        // Without signals it runs until it is ended.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        Failure::failed(error.to_string())
    }
}
