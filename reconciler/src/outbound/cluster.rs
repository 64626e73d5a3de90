//! Connections to clusters that users choose.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::HttpBody;
use bytes::Bytes;
use futures::StreamExt as _;
use http::{Request, Response};
use http_body_util::{BodyStream, StreamBody};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::TokioExecutor;
use kube::client::{Body, ConfigExt};
use kube::{Client, Config};
use tokio::time::Instant;
use tower::{BoxError, ServiceBuilder, ServiceExt as _};

use super::{Reach, allowed, check};

/// How long an answer may be, and a line of a watch, which has one object, in bytes.
const LONGEST_ANSWER: usize = 16 << 20;
const LONGEST_LINE: usize = 4 << 20;
/// How much of unfinished answers is in memory for the clusters of a namespace, in bytes.
const MOST_IN_MEMORY: usize = 128 << 20;
/// How long a cluster is not asked after an answer that was too long: at first, and at most.
const PAUSES: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(600));
/// After this time without such an answer, the next pause is the shortest again.
const FORGOTTEN: Duration = Duration::from_secs(3600);

/// How much of unfinished answers is in memory, in bytes. The clusters of a namespace share it.
pub type InMemory = Arc<AtomicUsize>;

/// Whether a cluster has sent an answer that was too long, and is not asked for a while.
#[derive(Default)]
struct Trust(Mutex<Option<Trouble>>);

#[derive(Clone, Copy)]
struct Trouble {
    at: Instant,
    pause: Duration,
}

impl Trust {
    /// Why the cluster is not asked now, if it is not.
    fn why_not(&self, now: Instant) -> Option<String> {
        let trouble = (*self.0.lock().unwrap_or_else(PoisonError::into_inner))?;
        let left = (trouble.at + trouble.pause).checked_duration_since(now)?;
        Some(format!("an answer of the cluster was too long; it is asked again in {} s", left.as_secs() + 1))
    }

    /// Notes an answer that was too long.
    fn lose(&self, now: Instant) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let pause = match *known {
            // Other answers that were being read at the same time.
            Some(trouble) if now < trouble.at + trouble.pause => return,
            Some(trouble) if now < trouble.at + trouble.pause + FORGOTTEN => trouble.pause * 2,
            _ => PAUSES.0,
        };
        *known = Some(Trouble { at: now, pause: pause.min(PAUSES.1) });
    }
}

/// Counts what is read of an answer and not used yet.
struct Meter {
    trust: Arc<Trust>,
    in_memory: InMemory,
    is_watch: bool,
    held: usize,
}

impl Meter {
    fn read(&mut self, data: &[u8]) -> Result<(), String> {
        let (held, limit, what) = match data.iter().rposition(|byte| *byte == b'\n') {
            Some(end) if self.is_watch => (data.len() - end - 1, LONGEST_LINE, "a line of the watch"),
            None if self.is_watch => (self.held + data.len(), LONGEST_LINE, "a line of the watch"),
            _ => (self.held + data.len(), LONGEST_ANSWER, "the answer of the cluster"),
        };
        self.in_memory.fetch_add(held, Ordering::Relaxed);
        let all = self.in_memory.fetch_sub(self.held, Ordering::Relaxed) - self.held;
        self.held = held;
        if held > limit {
            self.trust.lose(Instant::now());
            return Err(format!("{what} is longer than {limit} bytes"));
        }
        if all > MOST_IN_MEMORY {
            return Err(format!(
                "the answers of the clusters of this namespace take more than {MOST_IN_MEMORY} bytes at the same time"
            ));
        }
        Ok(())
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.in_memory.fetch_sub(self.held, Ordering::Relaxed);
    }
}

/// A client of a cluster. Addresses are checked whenever a name is resolved, since the addresses of a name can change. No
/// answer fills the memory, and a cluster that tries is not asked for a while.
///
/// # Errors
/// The address is refused, or the configuration cannot be used.
pub async fn client(config: Config, reach: Reach, in_memory: InMemory) -> Result<Client, BoxError> {
    // An address in the URL is never resolved, and a name that is refused is refused before anything is sent.
    let url = config.cluster_url.to_string();
    check(&url, reach).await?;
    // This says what cannot be used, such as a proxy, and chooses the library for TLS.
    drop(Client::try_from(config.clone())?);
    let resolver = tower::service_fn(move |name: Name| async move {
        let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
        for address in &found {
            allowed(name.as_str(), address.ip(), reach).map_err(io::Error::other)?;
        }
        Ok::<_, io::Error>(found.into_iter())
    });
    let mut connector = HttpConnector::new_with_resolver(resolver);
    connector.enforce_http(false);
    connector.set_connect_timeout(config.connect_timeout);
    let connector = config.rustls_https_connector_with_connector(connector)?;
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .map_err(BoxError::from)
        .service(HttpClient::builder(TokioExecutor::new()).build(connector))
        .boxed_clone();
    let trust = Arc::<Trust>::default();
    let bounded = tower::service_fn(move |request: Request<Body>| {
        let is_watch =
            request.uri().query().is_some_and(|query| query.split('&').any(|one| one == "watch=true"));
        let meter = Meter { trust: Arc::clone(&trust), in_memory: Arc::clone(&in_memory), is_watch, held: 0 };
        let service = service.clone();
        async move {
            if let Some(why) = meter.trust.why_not(Instant::now()) {
                return Err(io::Error::other(why));
            }
            Ok(bound(service.oneshot(request).await.map_err(io::Error::other)?, meter))
        }
    });
    Ok(Client::new(bounded, config.default_namespace))
}

/// An answer of which no more is read than the meter allows.
fn bound<B>(
    answer: Response<B>,
    mut meter: Meter,
) -> Response<impl HttpBody<Data = Bytes, Error = io::Error> + Send + 'static>
where
    B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    answer.map(|body| {
        StreamBody::new(BodyStream::new(body).map(move |frame| {
            let frame = frame.map_err(io::Error::other)?;
            if let Some(data) = frame.data_ref() {
                meter.read(data).map_err(io::Error::other)?;
            }
            Ok(frame)
        }))
    })
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// A server that answers without end. Lines of watches are short, if the path says so.
    async fn endless() -> io::Result<SocketAddr> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut request = [0; 4096];
                    let length = client.read(&mut request).await.unwrap_or_default();
                    let is_short = request[..length].starts_with(b"GET /short");
                    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n";
                    let mut piece = vec![b' '; 1 << 16];
                    piece[100] = if is_short { b'\n' } else { b' ' };
                    let _ = client.write_all(head.as_bytes()).await;
                    while client.write_all(&piece).await.is_ok() {}
                });
            }
        });
        Ok(address)
    }

    #[tokio::test]
    async fn no_answer_fills_the_memory() -> Result<(), BoxError> {
        let url = format!("http://{}", endless().await?);
        let in_memory = InMemory::default();
        let client = async || {
            let config = Config::new(url.parse()?);
            client(config, Reach::Everywhere, Arc::clone(&in_memory)).await
        };
        let read = async |client: &Client, path: &str| -> Result<usize, BoxError> {
            let answer = client.send(Request::get(path).body(Body::empty())?).await?;
            let mut body = answer.into_body();
            let mut length = 0;
            while length < 3 * LONGEST_ANSWER
                && let Some(frame) = body.frame().await
            {
                length += frame?.data_ref().map_or(0, Bytes::len);
            }
            Ok(length)
        };
        for (path, why) in [
            ("/api/v1", "the answer of the cluster is longer than 16777216 bytes"),
            ("/long?x=y&watch=true", "a line of the watch is longer than 4194304 bytes"),
        ] {
            let client = client().await?;
            let error = read(&client, path).await.err().ok_or("it was read")?;
            let text = crate::outbound::causes(&*error);
            assert!(text.contains(why), "{path}: {text}");
            // It is not asked again at once.
            let error = read(&client, path).await.err().ok_or("it was read")?;
            let text = crate::outbound::causes(&*error);
            assert!(text.contains("it is asked again in 10 s"), "{path}: {text}");
        }
        // A watch may go on for ever.
        assert!(read(&client().await?, "/short?watch=true").await? >= 3 * LONGEST_ANSWER);
        assert_eq!(in_memory.load(Ordering::Relaxed), 0);
        // Others of the same namespace have read much already.
        in_memory.store(MOST_IN_MEMORY, Ordering::Relaxed);
        let error = read(&client().await?, "/api/v1").await.err().ok_or("it was read")?;
        let text = crate::outbound::causes(&*error);
        assert!(text.contains("of this namespace take more than"), "{text}");
        assert_eq!(in_memory.load(Ordering::Relaxed), MOST_IN_MEMORY);
        Ok(())
    }

    #[test]
    fn the_pauses_become_longer() {
        let (trust, mut now) = (Trust::default(), Instant::now());
        for seconds in [10, 20, 40, 80, 160, 320, 600, 600] {
            trust.lose(now);
            trust.lose(now);
            let wanted = format!("it is asked again in {} s", seconds + 1);
            assert!(trust.why_not(now).is_some_and(|why| why.ends_with(&wanted)), "{:?}", trust.why_not(now));
            now += Duration::from_secs(seconds + 1);
            assert_eq!(trust.why_not(now), None);
        }
        now += FORGOTTEN;
        trust.lose(now);
        assert!(trust.why_not(now).is_some_and(|why| why.ends_with("in 11 s")));
    }
}
