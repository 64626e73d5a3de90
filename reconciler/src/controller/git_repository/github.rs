//! GitHub Apps as the provider of credentials.

use std::collections::BTreeMap;

use reconciler_api::git_repository::GitRepositorySpec;
use reconciler_api::reason;

use super::super::Context;
use super::{Failure, Part};
use crate::source::git::{Credentials, GithubApp};

/// Whether a spec uses the credentials of an app.
pub(super) fn is_wanted(
    spec: &GitRepositorySpec,
    secret: Option<&BTreeMap<String, Vec<u8>>>,
) -> Result<bool, Failure> {
    let is_wanted = spec.provider.as_deref() == Some("github");
    let message = match (is_wanted, secret.is_some_and(GithubApp::is_in)) {
        (true, false) => "secretRef with github app data must be specified when provider is set to github",
        (false, true) => "secretRef has github app data but provider is not set to github",
        (true, true) if !spec.url.starts_with("http://") && !spec.url.starts_with("https://") => {
            "the provider 'github' needs a repository with http or https"
        }
        _ => return Ok(is_wanted),
    };
    Err(Failure {
        part: Part::Fetch,
        reason: reason::INVALID_PROVIDER_CONFIGURATION,
        message: message.to_owned(),
        // The Secret may change.
        is_permanent: false,
    })
}

/// Gets a token for an app, through the connection of the credentials.
pub(super) async fn login(
    context: &Context,
    spec: &GitRepositorySpec,
    secret: &BTreeMap<String, Vec<u8>>,
    connection: Credentials,
) -> Result<Credentials, Failure> {
    let app = GithubApp::from_secret(secret, &connection, spec.timeout().to_std())
        .map_err(|error| Failure::authentication(error.to_string()))?;
    let token = context.github_tokens.get(&app, context.environment.now()).await;
    let token = token.map_err(|error| Failure::authentication(error.to_string()))?;
    Ok(token.credentials(connection))
}
