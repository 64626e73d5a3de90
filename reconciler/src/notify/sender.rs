//! Sends requests to providers over HTTP.

use reconciler_core::notify::{Exchange, Method, Reply, Request};
use url::Url;

use super::connection::{Connection, SendError, TIMEOUT};
use crate::outbound::{self, BodyError};

/// The most of an answer that is read: that of a forge can list many pull requests.
const LONGEST_REPLY: u64 = 16 << 20;

/// Sends all requests of an exchange. Returns whether there were any.
pub(super) async fn send(connection: &Connection, mut exchange: Exchange) -> Result<bool, SendError> {
    let client = client(connection)?;
    let mut is_sent = false;
    while let Some(request) = exchange.next_request()? {
        exchange.answer(answer(&client, request).await?)?;
        is_sent = true;
    }
    Ok(is_sent)
}

/// Sends a request, and returns the answer, whatever its status is.
pub async fn ask(connection: &Connection, request: Request) -> Result<Reply, SendError> {
    answer(&client(connection)?, request).await
}

async fn answer(client: &reqwest::Client, request: Request) -> Result<Reply, SendError> {
    let method = match request.method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
        Method::Patch => reqwest::Method::PATCH,
    };
    if let Ok(url) = Url::parse(&request.url) {
        outbound::check_address(&url).map_err(|refused| SendError::Never(refused.to_string()))?;
    }
    let mut builder = client.request(method, &request.url);
    for (name, value) in &request.headers {
        builder = builder.header(name, value);
    }
    if !request.body.is_empty() {
        builder = builder.body(request.body);
    }
    let response = builder.send().await.map_err(|error| unreachable(&error))?;
    let status = response.status().as_u16();
    let body = outbound::body(response, LONGEST_REPLY).await.map_err(|error| match error {
        BodyError::Failed(error) => unreachable(&error),
        BodyError::TooLarge(_) => SendError::Never("the answer of the provider is too long".to_owned()),
    })?;
    Ok(Reply { status, body: String::from_utf8_lossy(&body).into_owned() })
}

fn client(connection: &Connection) -> Result<reqwest::Client, SendError> {
    let never = |error: reqwest::Error| SendError::Never(words(&error));
    let mut builder = outbound::guarded(reqwest::Client::builder())
        .user_agent(concat!("reconciler/", env!("CARGO_PKG_VERSION")))
        .timeout(connection.timeout.unwrap_or(TIMEOUT));
    if let Some(certificate) = &connection.certificate {
        let certificates = reqwest::Certificate::from_pem_bundle(certificate).map_err(never)?;
        builder = builder.tls_certs_merge(certificates);
    }
    if let Some(identity) = &connection.identity {
        builder = builder.identity(reqwest::Identity::from_pem(identity).map_err(never)?);
    }
    if let Some(proxy) = &connection.proxy {
        if let Ok(url) = Url::parse(proxy) {
            outbound::check_address(&url).map_err(|refused| SendError::Never(refused.to_string()))?;
        }
        builder = builder.proxy(reqwest::Proxy::all(proxy).map_err(never)?);
    }
    builder.build().map_err(never)
}

/// What is wrong with the request itself is never mended by waiting. Addresses can be secrets.
fn unreachable(error: &reqwest::Error) -> SendError {
    if error.is_builder() { SendError::Never(words(error)) } else { SendError::Later(words(error)) }
}

/// An error with its causes and without the address.
fn words(error: &reqwest::Error) -> String {
    let text = if error.is_timeout() {
        "the request took too long".to_owned()
    } else if error.is_connect() {
        "the provider cannot be reached".to_owned()
    } else {
        "the request failed".to_owned()
    };
    outbound::caused(text, error)
}
