//! Sends requests to providers over HTTP.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use reconciler_core::notify::{Exchange, Method, Reply, Request, one_line};
use url::Url;

use super::connection::{Connection, SendError, TIMEOUT};
use crate::outbound::{self, BodyError, Reach};

/// The most of an answer that is read: that of a forge can list many pull requests.
const LONGEST_REPLY: u64 = 16 << 20;
/// How much of an answer is looked at for what an error says of it, in characters.
const LOOKED_AT: usize = 16 << 10;
/// The longest time that a provider is not asked because it says so.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// Sends all requests of an exchange. Returns whether there were any.
pub(super) async fn send(connection: &Connection, mut exchange: Exchange) -> Result<bool, SendError> {
    let client = client(connection)?;
    let mut is_sent = false;
    while let Some(request) = exchange.next_request()? {
        let (mut reply, pause) = answer(&client, connection.reach, request).await?;
        if reply.status >= 300 {
            // Before it is cut off, since nothing finds a part of a secret.
            let start: String = reply.body.chars().take(LOOKED_AT).collect();
            reply.body = connection.secrets.mask(&one_line(&start));
        }
        exchange.answer(reply).map_err(|error| SendError::from(error).not_before(pause))?;
        is_sent = true;
    }
    Ok(is_sent)
}

/// Sends a request, and returns the answer, whatever its status is.
pub async fn ask(connection: &Connection, request: Request) -> Result<Reply, SendError> {
    Ok(answer(&client(connection)?, connection.reach, request).await?.0)
}

/// The answer, and for how long the server is not to be asked again, if it says so.
async fn answer(
    client: &reqwest::Client,
    reach: Reach,
    request: Request,
) -> Result<(Reply, Option<Duration>), SendError> {
    let method = match request.method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
        Method::Patch => reqwest::Method::PATCH,
    };
    if let Ok(url) = Url::parse(&request.url) {
        outbound::check_address(&url, reach).map_err(|refused| SendError::Refused(refused.to_string()))?;
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
    let header = response.headers().get(reqwest::header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    let pause = header.and_then(|value| retry_after(value, Timestamp::now()));
    let body = outbound::body(response, LONGEST_REPLY).await.map_err(|error| match error {
        BodyError::Failed(error) => unreachable(&error),
        BodyError::TooLarge(_) => SendError::Refused("the answer of the provider is too long".to_owned()),
    })?;
    Ok((Reply { status, body: String::from_utf8_lossy(&body).into_owned() }, pause))
}

/// What the header `Retry-After` asks for: a number of seconds, or a date.
fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    let pause = match value.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let date = DateTimeParser::new().parse_timestamp(value).ok()?;
            Duration::try_from(date.duration_since(now)).ok()?
        }
    };
    (!pause.is_zero()).then(|| pause.min(LONGEST_PAUSE))
}

fn client(connection: &Connection) -> Result<reqwest::Client, SendError> {
    let wrong = |error: reqwest::Error| SendError::Refused(words(&error));
    let mut builder = outbound::guarded(reqwest::Client::builder(), connection.reach)
        .user_agent(concat!("reconciler/", env!("CARGO_PKG_VERSION")))
        .timeout(connection.timeout.unwrap_or(TIMEOUT));
    if connection.reach == Reach::OtherMachines {
        builder = builder.redirect(reqwest::redirect::Policy::none());
    }
    if let Some(certificate) = &connection.certificate {
        let certificates = reqwest::Certificate::from_pem_bundle(certificate).map_err(wrong)?;
        builder = builder.tls_certs_merge(certificates);
    }
    if let Some(identity) = &connection.identity {
        builder = builder.identity(reqwest::Identity::from_pem(identity).map_err(wrong)?);
    }
    if let Some(proxy) = &connection.proxy {
        if let Ok(url) = Url::parse(proxy) {
            outbound::check_address(&url, connection.reach)
                .map_err(|refused| SendError::Refused(refused.to_string()))?;
        }
        builder = builder.proxy(reqwest::Proxy::all(proxy).map_err(wrong)?);
    }
    builder.build().map_err(wrong)
}

/// What is wrong with the request itself is never mended by waiting. Addresses can be secrets.
fn unreachable(error: &reqwest::Error) -> SendError {
    if error.is_builder() { SendError::Refused(words(error)) } else { SendError::Later(words(error)) }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_in_seconds_or_up_to_a_date() -> Result<(), jiff::Error> {
        let now: Timestamp = "2015-10-21T07:27:30Z".parse()?;
        let pause = |value: &str| retry_after(value, now).map(|pause| pause.as_secs());
        assert_eq!(pause("120"), Some(120));
        assert_eq!(pause(" 1 "), Some(1));
        assert_eq!(pause("Wed, 21 Oct 2015 07:28:00 GMT"), Some(30));
        // No longer than an hour, and not for what is over.
        assert_eq!(pause("86400"), Some(3600));
        assert_eq!(pause("Wed, 21 Oct 2020 07:28:00 GMT"), Some(3600));
        assert_eq!(pause("Wed, 21 Oct 2015 07:27:00 GMT"), None);
        for nothing in ["0", "-1", "", "soon", "99999999999999999999999"] {
            assert_eq!(pause(nothing), None, "{nothing}");
        }
        Ok(())
    }
}
