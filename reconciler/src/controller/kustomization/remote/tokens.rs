//! Tokens of a service account, for requests to a cluster that trusts them.

use std::io;
use std::sync::Arc;

use http::Request;
use http::header::{AUTHORIZATION, HeaderValue};
use jiff::Timestamp;
use kube::Client;
use kube::client::Body;
use tokio::sync::Mutex;
use tower::{BoxError, service_fn};

use crate::apply::Objects;
use crate::controller::queue::Key;
use crate::environment::Environment;

/// Tokens of a service account.
pub(super) struct Tokens {
    /// The cluster that makes them.
    cluster: Objects,
    account: Key,
    audiences: Vec<String>,
    environment: Environment,
    current: Mutex<Option<Token>>,
}

struct Token {
    header: HeaderValue,
    /// When another one is asked for.
    renewed: Timestamp,
}

impl Tokens {
    /// Tokens of an account, which this cluster makes.
    pub(super) fn new(
        cluster: Objects,
        account: Key,
        audiences: Vec<String>,
        environment: Environment,
    ) -> Self {
        Tokens { cluster, account, audiences, environment, current: Mutex::default() }
    }

    /// The same client, whose requests have a token.
    pub(super) fn sent_by(self, client: Client) -> Client {
        let namespace = client.default_namespace().to_owned();
        let tokens = Arc::new(self);
        let service = service_fn(move |mut request: Request<Body>| {
            let (client, tokens) = (client.clone(), Arc::clone(&tokens));
            async move {
                let header = tokens.header().await.map_err(io::Error::other)?;
                request.headers_mut().insert(AUTHORIZATION, header);
                client.send(request).await.map_err(BoxError::from)
            }
        });
        Client::new(service, namespace)
    }

    /// The header with a token that is valid for a while.
    async fn header(&self) -> Result<HeaderValue, String> {
        let now = self.environment.now();
        let mut current = self.current.lock().await;
        if let Some(token) = current.as_ref().filter(|token| now < token.renewed) {
            return Ok(token.header.clone());
        }
        let Key { namespace, name } = &self.account;
        let made = self.cluster.token(namespace, name, &self.audiences).await;
        let (token, expires) = made
            .map_err(|error| format!("a token of the account '{}' cannot be made: {error}", self.account))?;
        let mut header =
            HeaderValue::try_from(format!("Bearer {token}")).map_err(|error| error.to_string())?;
        header.set_sensitive(true);
        // Long before it expires: a request can take minutes.
        let renewed = now + expires.duration_since(now) * 4 / 5;
        *current = Some(Token { header: header.clone(), renewed });
        Ok(header)
    }
}
