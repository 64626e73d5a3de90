//! Reaching the forge that pull requests are opened at.

use kube::api::Api;
use reconciler_api::{GitRepository, Provider, annotation, reason};
use reconciler_core::notify::{NotifyError, Request, Target};
use reconciler_core::pull_request::{Forge, PullRequest, Settings, derived_provider};

use super::super::outcome::Failure;
use super::super::queue::Key;
use super::super::{Context, notifications, secrets};
use crate::apply::RequestError;
use crate::notify::{Connection, ask};

/// How many pages of open pull requests are read.
const MOST_OPEN: usize = 100;
/// How many pages of closed pull requests are read.
const MOST_CLOSED: usize = 10;

/// A forge, and how it is reached.
pub(super) struct Connected {
    pub(super) forge: Forge,
    connection: Connection,
}

/// A failure of the forge.
fn failure(error: impl std::fmt::Display) -> Failure {
    Failure::new(reason::PULL_REQUEST_FAILED, error.to_string())
}

impl Connected {
    /// The forge of the Provider that the settings name, or the one that a GitRepository is at.
    pub(super) async fn new(
        context: &Context,
        key: &Key,
        settings: &Settings,
        (source, repository): (&Key, &GitRepository),
    ) -> Result<Self, Failure> {
        let (target, connection) = match &settings.provider {
            Some(provider) => of_provider(context, key, provider, repository).await?,
            None => of_repository(context, source, repository).await?,
        };
        let forge = Forge::new(&target).map_err(|error| {
            let login = "the secret of the GitRepository has neither 'password' nor 'bearerToken'";
            match (error, &settings.provider) {
                (NotifyError::Login(_) | NotifyError::NoToken(_), None) => no_provider(login),
                (error, None) => no_provider(&error.to_string()),
                (error, Some(provider)) => {
                    failure(format!("provider '{}/{provider}': {error}", key.namespace))
                }
            }
        })?;
        Ok(Connected { forge, connection })
    }

    /// Sends a request, and reads the pull requests of the answer.
    pub(super) async fn ask(&self, request: Request) -> Result<Vec<PullRequest>, Failure> {
        let reply = ask(&self.connection, request).await.map_err(|error| self.failure(error))?;
        self.forge.read(&reply).map_err(|error| self.failure(error))
    }

    /// Sends a request whose answer says nothing but that it is done.
    pub(super) async fn tell(&self, request: Request) -> Result<(), Failure> {
        let reply = ask(&self.connection, request).await.map_err(|error| self.failure(error))?;
        self.forge.check(&reply).map_err(|error| self.failure(error))
    }

    /// Adds labels to a pull request, and makes those that the forge does not know. Returns those that it could not add, and
    /// why if it says so.
    pub(super) async fn label(&self, number: u64, labels: &[String]) -> Result<Vec<String>, Failure> {
        let add = async || {
            let reply = ask(&self.connection, self.forge.label(number, labels)).await;
            let reply = reply.map_err(|error| self.failure(error))?;
            self.forge.missing_labels(labels, &reply).map_err(|error| self.failure(error))
        };
        let missing = add().await?;
        let requests: Vec<Request> =
            missing.iter().filter_map(|name| self.forge.create_label(name)).collect();
        if requests.is_empty() {
            return Ok(missing);
        }
        for request in requests {
            self.tell(request).await?;
        }
        add().await
    }

    /// All pull requests that are open.
    pub(super) async fn open(&self) -> Result<Vec<PullRequest>, Failure> {
        let (open, are_all) = self.pages(MOST_OPEN, |page| self.forge.open(page)).await?;
        if are_all { Ok(open) } else { Err(self.failure("there are too many")) }
    }

    /// The pull requests of a branch that were closed last.
    pub(super) async fn closed(&self, branch: &str) -> Result<Vec<PullRequest>, Failure> {
        Ok(self.pages(MOST_CLOSED, |page| self.forge.closed(branch, page)).await?.0)
    }

    /// Reads pages until the last one, and says whether that was reached.
    async fn pages(
        &self,
        most: usize,
        request: impl Fn(usize) -> Request,
    ) -> Result<(Vec<PullRequest>, bool), Failure> {
        let mut all = Vec::new();
        for page in 1..=most {
            let found = self.ask(request(page)).await?;
            let is_last = self.forge.is_last(found.len());
            all.extend(found);
            if is_last {
                return Ok((all, true));
            }
        }
        Ok((all, false))
    }

    fn failure(&self, error: impl std::fmt::Display) -> Failure {
        failure(format!("pull requests of {}: {error}", self.forge.address()))
    }
}

/// Why there is no forge without a Provider.
fn no_provider(why: &str) -> Failure {
    let key = annotation::PULL_REQUEST_PROVIDER;
    let message = format!("{why}; annotation '{key}' can name a Provider of type github, gitlab or gitea");
    failure(message)
}

async fn of_provider(
    context: &Context,
    key: &Key,
    name: &str,
    repository: &GitRepository,
) -> Result<(Target, Connection), Failure> {
    let fail = |error: String| failure(format!("provider '{}/{name}': {error}", key.namespace));
    let api: Api<Provider> = Api::namespaced(context.client.clone(), &key.namespace);
    let provider = api.get(name).await.map_err(|error| fail(RequestError::from(error).to_string()))?;
    let setup = notifications::Setup::read(context, &provider).await;
    let none = secrets::SecretData::default();
    let secret = setup.own().map_err(|error| fail(error.to_string()))?.unwrap_or(&none);
    let mut target = Target::new(&provider.spec, "", secret).map_err(|error| fail(error.to_string()))?;
    if target.address.is_empty() {
        target.address = repository.spec.url.clone();
    }
    let connection = setup.connection().map_err(|error| fail(error.to_string()))?;
    Ok((target, connection))
}

async fn of_repository(
    context: &Context,
    source: &Key,
    repository: &GitRepository,
) -> Result<(Target, Connection), Failure> {
    let Some((provider, address)) = derived_provider(&repository.spec.url) else {
        return Err(no_provider("the address of the GitRepository does not say which forge it is at"));
    };
    let mut data = match &repository.spec.secret_ref {
        Some(reference) => {
            let secret = Key { namespace: source.namespace.clone(), name: reference.name.clone() };
            let read = secrets::read(context, &secret).await;
            read.map_err(|error| failure(format!("failed to get secret '{secret}': {error}")))?
        }
        None => secrets::SecretData::default(),
    };
    let mut text = |key: &str| {
        let value = data.remove(key).map(|value| String::from_utf8_lossy(&value).trim().to_owned());
        value.unwrap_or_default()
    };
    let target = Target {
        provider: provider.to_owned(),
        address,
        token: text("bearerToken"),
        password: text("password"),
        ..Target::default()
    };
    // GitLab takes a token only.
    let target = match &*target.token {
        "" => Target { token: target.password.clone(), ..target },
        _ => target,
    };
    let certificate = data.remove("ca.crt").or_else(|| data.remove("caFile"));
    let reach = context.reach(&source.namespace).await;
    Ok((target, Connection { certificate, reach, ..Connection::default() }))
}
