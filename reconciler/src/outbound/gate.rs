//! A SOCKS 5 proxy inside the process, for clients that cannot be given a resolver or a rule for redirects.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fast_socks5::server::{Socks5ServerProtocol, SocksServerError};
use fast_socks5::{ReplyError, Socks5Command};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use super::{Reach, resolve};

/// The address that a client is told it is connected from. No client needs it.
const UNSPECIFIED: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
/// How long an address may take to answer if there are others.
const NEXT: Duration = Duration::from_secs(3);
/// The pause after a connection that could not be accepted.
const PAUSE: Duration = Duration::from_millis(100);

/// A proxy that connects to anything but the addresses that are refused. It ends when this is dropped.
pub struct Gate {
    address: SocketAddr,
    failure: Failure,
    task: JoinHandle<()>,
}

/// Why the last connection could not be made, if it could not.
type Failure = Arc<Mutex<Option<String>>>;

impl Gate {
    /// Opens one on this machine. There has to be a runtime.
    pub fn open(reach: Reach) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let (listener, failure) = (TcpListener::from_std(listener)?, Failure::default());
        let address = listener.local_addr()?;
        let task = tokio::spawn(serve(listener, Arc::clone(&failure), reach));
        Ok(Gate { address, failure, task })
    }

    /// Its address. Names are resolved by it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("socks5h://{}", self.address)
    }

    /// Why the last connection could not be made, if that was not asked for before.
    #[must_use]
    pub fn take_failure(&self) -> Option<String> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, failure: Failure, reach: Reach) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((client, _)) => {
                    connections.spawn(pass(client, Arc::clone(&failure), reach));
                }
                Err(_) => tokio::time::sleep(PAUSE).await,
            },
            // The client knows how a connection went.
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Serves one connection.
async fn pass(client: TcpStream, failure: Failure, reach: Reach) -> Result<(), SocksServerError> {
    // A small request does not wait for more of it. The connection works without, too.
    let _ = client.set_nodelay(true);
    let request = Socks5ServerProtocol::accept_no_auth(client).await?;
    let (request, command, target) = request.read_command().await?;
    if command != Socks5Command::TCPConnect {
        return request.reply_error(&ReplyError::CommandNotSupported).await;
    }
    let (host, port) = target.into_string_and_port();
    let failed = |message: String| {
        *failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(message);
    };
    let addresses = match resolve(&host, reach).await {
        Ok(addresses) => addresses,
        Err(refused) => {
            failed(refused.to_string());
            return request.reply_error(&ReplyError::ConnectionNotAllowed).await;
        }
    };
    match connect(&addresses, port).await {
        Ok(mut server) => {
            let mut client = request.reply_success(UNSPECIFIED).await?;
            // Client and server know how their connection ends.
            let _ = copy_bidirectional(&mut client, &mut server).await;
            Ok(())
        }
        Err(error) => {
            failed(format!("cannot connect to '{host}:{port}': {error}"));
            request.reply_error(&ReplyError::HostUnreachable).await
        }
    }
}

/// Connects to the first of these addresses that answers.
pub(crate) async fn connect(addresses: &[IpAddr], port: u16) -> io::Result<TcpStream> {
    let mut outcome = Err(io::Error::other("the name cannot be resolved"));
    for (number, address) in addresses.iter().enumerate() {
        let connecting = TcpStream::connect((*address, port));
        outcome = if number + 1 < addresses.len() {
            tokio::time::timeout(NEXT, connecting).await.unwrap_or_else(|late| Err(late.into()))
        } else {
            connecting.await
        };
        if outcome.is_ok() {
            break;
        }
    }
    let stream = outcome?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// A server that says hello to everyone.
    async fn server() -> io::Result<SocketAddr> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let text = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello";
                // A small request comes in one piece.
                let _ = client.read(&mut [0; 4096]).await;
                let _ = client.write_all(text.as_bytes()).await;
            }
        });
        Ok(address)
    }

    #[tokio::test]
    async fn everything_passes_but_what_is_refused() -> Result<(), Box<dyn std::error::Error>> {
        let (gate, address) = (Gate::open(Reach::Everywhere)?, server().await?);
        let client = reqwest::Client::builder().proxy(reqwest::Proxy::all(gate.url())?).build()?;
        for host in ["127.0.0.1", "localhost"] {
            let answer = client.get(format!("http://{host}:{}/", address.port())).send().await?;
            assert_eq!(answer.text().await?, "hello");
            assert_eq!(gate.take_failure(), None);
        }
        for url in ["http://169.254.169.254/", "http://[fe80::1]/", "https://[::ffff:169.254.169.254]/"] {
            assert!(client.get(url).send().await.is_err(), "{url}");
            let why = gate.take_failure().unwrap_or_default();
            assert!(why.contains("link-local address"), "{url}: {why}");
        }
        let closed = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        assert!(client.get(format!("http://{closed}/")).send().await.is_err());
        let why = gate.take_failure().unwrap_or_default();
        assert!(why.starts_with(&format!("cannot connect to '{closed}': ")), "{why}");
        Ok(())
    }
}
