//! Publishes messages to NATS.
//!
//! Its protocol is short and is spoken here. Clients of it resolve names themselves and connect to servers that others
//! name, so the rules for outbound connections would not hold, and they do not tell whether a server has taken a message.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use nkeys::KeyPair;
use reconciler_core::notify::{Login, Publication, Server};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls_platform_verifier::Verifier;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::{self, ClientConfig};

use super::connection::{Connection, SendError, TIMEOUT};
use crate::outbound;

/// The longest line that is read. A server names all others of its cluster in one.
const LONGEST_LINE: u64 = 1 << 20;
/// How many lines may precede the one that is waited for.
const MOST_LINES: usize = 100;

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// What a server says of itself.
#[derive(Deserialize)]
#[serde(default)]
struct Info {
    headers: bool,
    max_payload: usize,
    nonce: Option<String>,
    tls_available: bool,
    tls_required: bool,
}

impl Default for Info {
    fn default() -> Self {
        Info {
            headers: false,
            max_payload: usize::MAX,
            nonce: None,
            tls_available: false,
            tls_required: false,
        }
    }
}

/// Publishes a message by the first of its servers that can be reached. It has arrived when this returns.
pub(super) async fn publish(connection: &Connection, publication: &Publication) -> Result<(), SendError> {
    if connection.proxy.is_some() {
        let message = "NATS cannot be reached through a proxy: remove spec.proxy, spec.proxySecretRef or the key \
                       'proxy' of the secret";
        return Err(SendError::Refused(message.to_owned()));
    }
    let limit = connection.timeout.unwrap_or(TIMEOUT);
    match tokio::time::timeout(limit, first(connection, publication, limit)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(SendError::Later(format!("NATS took longer than {} s", limit.as_secs_f64()))),
    }
}

async fn first(connection: &Connection, publication: &Publication, limit: Duration) -> Result<(), SendError> {
    let mut outcome = Err(SendError::Refused("there is no server of NATS".to_owned()));
    // One that does not answer leaves time for the others.
    let share = limit / u32::try_from(publication.servers.len()).unwrap_or(u32::MAX).max(1);
    for server in &publication.servers {
        let opening = tokio::time::timeout(share, Session::open(connection, server)).await;
        let late = || Err(SendError::Later("the server of NATS took too long to answer".to_owned()));
        match opening.unwrap_or_else(|_| late()) {
            Ok(mut session) => return session.publish(publication).await,
            Err(error) => outcome = Err(error),
        }
    }
    outcome
}

/// A connection that is logged in.
struct Session {
    stream: BufReader<Box<dyn Stream>>,
    info: Info,
}

impl Session {
    async fn open(connection: &Connection, server: &Server) -> Result<Self, SendError> {
        let addresses = outbound::resolve(&server.host, connection.reach)
            .await
            .map_err(|refused| SendError::Refused(refused.to_string()))?;
        let stream = outbound::connect(&addresses, server.port).await.map_err(|error| unreachable(&error))?;
        let mut session = Session { stream: BufReader::new(Box::new(stream)), info: Info::default() };
        let line = session.line().await?;
        let text = line.strip_prefix("INFO ").and_then(|text| serde_json::from_str(text).ok());
        session.info = text.ok_or_else(|| SendError::Refused("the server does not speak NATS".to_owned()))?;
        let is_tls = server.is_tls || session.info.tls_required;
        if is_tls {
            session = session.encrypt(connection, server).await?;
        }
        session.log_in(&server.login, is_tls).await?;
        Ok(session)
    }

    /// Goes on in private.
    async fn encrypt(self, connection: &Connection, server: &Server) -> Result<Self, SendError> {
        if !self.info.tls_required && !self.info.tls_available {
            let message = "the address demands TLS, which the server of NATS does not offer";
            return Err(SendError::Refused(message.to_owned()));
        }
        if !self.stream.buffer().is_empty() {
            // Whoever can add to what is not encrypted would speak for the server.
            return Err(SendError::Refused("the server of NATS spoke before TLS".to_owned()));
        }
        let plain = server.host.trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(plain.to_owned())
            .map_err(|error| SendError::Refused(format!("the name of the server: {error}")))?;
        let config = tls(connection).map_err(SendError::Refused)?;
        let connector = TlsConnector::from(Arc::new(config));
        let stream =
            connector.connect(name, self.stream.into_inner()).await.map_err(|error| unreachable(&error))?;
        Ok(Session { stream: BufReader::new(Box::new(stream)), info: self.info })
    }

    async fn log_in(&mut self, login: &Login, is_tls: bool) -> Result<(), SendError> {
        let mut options = json!({
            "verbose": false,
            "pedantic": false,
            "tls_required": is_tls,
            "name": "reconciler",
            "lang": "rust",
            "version": env!("CARGO_PKG_VERSION"),
            "protocol": 1,
            "headers": true,
            "no_responders": false,
        });
        let mut set = |key: &str, value: &str| options[key] = Value::from(value);
        let nonce = self.info.nonce.as_deref().unwrap_or_default();
        match login {
            Login::None => {}
            Login::Password(user, password) => {
                set("user", user);
                set("pass", password);
            }
            Login::Token(token) => set("auth_token", token),
            Login::Key(seed) => {
                let (key, signature) = sign(seed, nonce)?;
                set("nkey", &key);
                set("sig", &signature);
            }
            Login::Jwt(jwt, seed) => {
                let (_, signature) = sign(seed, nonce)?;
                set("jwt", jwt);
                set("sig", &signature);
            }
        }
        let text = format!("CONNECT {options}\r\nPING\r\n");
        self.send(text.as_bytes()).await
    }

    async fn publish(&mut self, publication: &Publication) -> Result<(), SendError> {
        let payload = &publication.payload;
        let head = format!("NATS/1.0\r\nNats-Msg-Id: {}\r\n\r\n", publication.id);
        let head = if self.info.headers { &*head } else { "" };
        let length = head.len() + payload.len();
        if length > self.info.max_payload {
            let most = self.info.max_payload;
            return Err(SendError::Never(format!(
                "the message of {length} bytes is longer than the {most} of NATS"
            )));
        }
        let subject = &publication.subject;
        let command = if head.is_empty() {
            format!("PUB {subject} {length}\r\n")
        } else {
            format!("HPUB {subject} {} {length}\r\n", head.len())
        };
        let text = [command.as_bytes(), head.as_bytes(), payload, b"\r\nPING\r\n"].concat();
        self.send(&text).await
    }

    /// Sends commands that end with a ping, and waits until all of them have been carried out.
    async fn send(&mut self, commands: &[u8]) -> Result<(), SendError> {
        self.write(commands).await?;
        for _ in 0..MOST_LINES {
            let line = self.line().await?;
            match line.split_once(' ').unwrap_or((&*line, "")) {
                ("PONG", _) => return Ok(()),
                ("PING", _) => self.write(b"PONG\r\n").await?,
                ("-ERR", reason) => return Err(refused(reason.trim_matches(['\'', ' ']))),
                _ => {}
            }
        }
        Err(SendError::Refused("the server does not speak NATS".to_owned()))
    }

    async fn write(&mut self, text: &[u8]) -> Result<(), SendError> {
        let stream = self.stream.get_mut();
        stream.write_all(text).await.map_err(|error| unreachable(&error))?;
        stream.flush().await.map_err(|error| unreachable(&error))
    }

    async fn line(&mut self) -> Result<String, SendError> {
        let mut line = Vec::new();
        let mut limited = (&mut self.stream).take(LONGEST_LINE);
        limited.read_until(b'\n', &mut line).await.map_err(|error| unreachable(&error))?;
        if line.pop() != Some(b'\n') {
            return Err(SendError::Later("the server of NATS closed the connection".to_owned()));
        }
        Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
    }
}

/// The public key of a seed, and the signature that proves that one has the seed.
fn sign(seed: &str, nonce: &str) -> Result<(String, String), SendError> {
    let wrong =
        |error: nkeys::error::Error| SendError::Refused(format!("the seed of the key for NATS: {error}"));
    let pair = KeyPair::from_seed(seed).map_err(wrong)?;
    let signature = pair.sign(nonce.as_bytes()).map_err(wrong)?;
    Ok((pair.public_key(), URL_SAFE_NO_PAD.encode(signature)))
}

/// What TLS is set up with: the system's certificates and those of the provider.
fn tls(connection: &Connection) -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let certificates = |pem: &[u8]| {
        CertificateDer::pem_slice_iter(pem)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| format!("the certificate cannot be read: {error}"))
    };
    let roots = certificates(connection.certificate.as_deref().unwrap_or_default())?;
    let failed = |error: rustls::Error| format!("TLS cannot be set up: {error}");
    let verifier = Verifier::new_with_extra_roots(roots, Arc::clone(&provider)).map_err(failed)?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(failed)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    match &connection.identity {
        None => Ok(builder.with_no_client_auth()),
        Some(pem) => {
            let key = PrivateKeyDer::from_pem_slice(pem)
                .map_err(|error| format!("the client's key cannot be read: {error}"))?;
            builder.with_client_auth_cert(certificates(pem)?, key).map_err(failed)
        }
    }
}

fn unreachable(error: &io::Error) -> SendError {
    SendError::Later(format!("NATS cannot be reached: {error}"))
}

/// What a server has against a login or a message is not mended by waiting.
fn refused(reason: &str) -> SendError {
    let message = format!("NATS refused the message: {reason}");
    let lower = reason.to_lowercase();
    if ["authorization", "authentication", "permissions", "payload", "subject", "protocol"]
        .iter()
        .any(|word| lower.contains(word))
    {
        SendError::Refused(message)
    } else {
        SendError::Later(message)
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// A server that says the lines, one after each of the client's.
    async fn told(lines: &'static [&'static str]) -> io::Result<(Server, tokio::task::JoinHandle<String>)> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let heard = tokio::spawn(async move {
            let mut heard = String::new();
            let Ok((mut client, _)) = listener.accept().await else { return heard };
            for line in lines {
                if client.write_all(line.as_bytes()).await.is_err() {
                    break;
                }
                let mut buffer = [0; 4096];
                let Ok(count) = client.read(&mut buffer).await else { break };
                heard += &String::from_utf8_lossy(&buffer[..count]);
            }
            heard
        });
        Ok((Server { host: "127.0.0.1".to_owned(), port, is_tls: false, login: Login::None }, heard))
    }

    fn publication(servers: Vec<Server>) -> Publication {
        Publication { servers, subject: "a".to_owned(), id: "1".to_owned(), payload: b"hello".to_vec() }
    }

    async fn outcome(server: Server) -> Result<(), SendError> {
        publish(&Connection::default(), &publication(vec![server])).await
    }

    #[tokio::test]
    async fn a_message_has_arrived_when_the_server_says_so() -> io::Result<()> {
        let (server, heard) = told(&["INFO {}\r\n", "PONG\r\n", "PING\r\n+OK\r\nPONG\r\n"]).await?;
        assert_eq!(outcome(server).await, Ok(()));
        let heard = heard.await?;
        assert!(heard.contains("PUB a 5\r\nhello\r\nPING\r\n"), "{heard}");
        let (server, _) = told(&["INFO {\"headers\":true}\r\n", "PONG\r\n"]).await?;
        assert!(matches!(outcome(server).await, Err(SendError::Later(_))));
        Ok(())
    }

    #[tokio::test]
    async fn what_is_refused_is_not_sent_again() -> io::Result<()> {
        let rights = "-ERR 'Permissions Violation for Publish to \"a\"'\r\nPONG\r\n";
        for (lines, is_later) in [
            (["INFO {}\r\n", "-ERR 'Authorization Violation'\r\n", ""], false),
            (["INFO {}\r\n", "-ERR 'maximum connections exceeded'\r\n", ""], true),
            (["INFO {}\r\n", "PONG\r\n", rights], false),
            (["INFO {\"max_payload\":4}\r\n", "PONG\r\n", ""], false),
            (["HTTP/1.1 400 Bad Request\r\n", "", ""], false),
        ] {
            let (server, _) = told(Box::leak(Box::new(lines))).await?;
            let outcome = outcome(server).await;
            assert_eq!(matches!(outcome, Err(SendError::Later(_))), is_later, "{lines:?}: {outcome:?}");
            assert!(outcome.is_err(), "{lines:?}");
        }
        Ok(())
    }

    #[tokio::test]
    async fn nothing_is_said_in_public_where_tls_is_demanded() -> io::Result<()> {
        for lines in [
            ["INFO {}\r\n", ""],
            ["INFO {\"tls_available\":true}\r\n-ERR 'x'\r\n", ""],
            ["INFO {\"tls_required\":true}\r\nPONG\r\n", ""],
        ] {
            let (server, heard) = told(Box::leak(Box::new(lines))).await?;
            let login = Login::Password("user".to_owned(), "secret".to_owned());
            let server = Server { is_tls: true, login, ..server };
            assert!(matches!(outcome(server).await, Err(SendError::Refused(_))), "{lines:?}");
            assert!(!heard.await?.contains("secret"), "{lines:?}");
        }
        Ok(())
    }

    #[tokio::test]
    async fn the_next_server_takes_the_message() -> io::Result<()> {
        let closed = TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port();
        let (server, _) = told(&["INFO {}\r\n", "PONG\r\n", "PONG\r\n"]).await?;
        let servers = vec![Server { port: closed, ..server.clone() }, server];
        assert_eq!(publish(&Connection::default(), &publication(servers)).await, Ok(()));
        Ok(())
    }

    #[tokio::test]
    async fn link_local_addresses_are_refused() {
        for host in ["169.254.169.254", "[fe80::1]", "2852039166"] {
            let server = Server { host: host.to_owned(), port: 80, is_tls: false, login: Login::None };
            let error = outcome(server).await.err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.contains("link-local address"), "{host}: {error}");
        }
    }
}
