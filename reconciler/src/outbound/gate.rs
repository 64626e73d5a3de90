//! A way out for clients that cannot be told which addresses to refuse: a proxy in this process, for SOCKS 5.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use super::resolve;

/// The version of the protocol.
const VERSION: u8 = 5;
/// What the protocol has for a client that does not log in.
const NO_LOGIN: u8 = 0;
/// What the protocol has for a connection that is wanted.
const CONNECT: u8 = 1;
/// The kinds of addresses.
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;
/// How a request went.
const DONE: u8 = 0;
const NOT_ALLOWED: u8 = 2;
const UNREACHABLE: u8 = 4;
const NOT_SUPPORTED: u8 = 7;
/// How long an address may take to answer if there are others.
const NEXT: Duration = Duration::from_secs(3);
/// The pause after a connection that could not be accepted.
const PAUSE: Duration = Duration::from_millis(100);

/// A proxy that connects to anything but the addresses that are never connected to. It ends when this is dropped.
pub struct Gate {
    address: SocketAddr,
    failure: Failure,
    task: JoinHandle<()>,
}

/// Why the last connection could not be made, if it could not.
type Failure = Arc<Mutex<Option<String>>>;

impl Gate {
    /// Opens one on this machine. There has to be a runtime.
    pub fn open() -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let (listener, failure) = (TcpListener::from_std(listener)?, Failure::default());
        let address = listener.local_addr()?;
        let task = tokio::spawn(serve(listener, Arc::clone(&failure)));
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

async fn serve(listener: TcpListener, failure: Failure) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((client, _)) => {
                    connections.spawn(pass(client, Arc::clone(&failure)));
                }
                Err(_) => tokio::time::sleep(PAUSE).await,
            },
            // The client knows how a connection went.
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Serves one connection.
async fn pass(mut client: TcpStream, failure: Failure) -> io::Result<()> {
    client.set_nodelay(true)?;
    let mut head = [0; 2];
    client.read_exact(&mut head).await?;
    let [version, count] = head;
    let mut methods = vec![0; usize::from(count)];
    client.read_exact(&mut methods).await?;
    if version != VERSION || !methods.contains(&NO_LOGIN) {
        return client.write_all(&[VERSION, 0xff]).await;
    }
    client.write_all(&[VERSION, NO_LOGIN]).await?;
    let mut request = [0; 4];
    client.read_exact(&mut request).await?;
    let [_, command, _, kind] = request;
    let host = host(&mut client, kind).await?;
    let port = client.read_u16().await?;
    if command != CONNECT {
        return answer(&mut client, NOT_SUPPORTED).await;
    }
    let failed = |message: String| {
        *failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(message);
    };
    let addresses = match resolve(&host).await {
        Ok(addresses) => addresses,
        Err(refused) => {
            failed(refused.to_string());
            return answer(&mut client, NOT_ALLOWED).await;
        }
    };
    match connect(&addresses, port).await {
        Ok(mut server) => {
            answer(&mut client, DONE).await?;
            copy_bidirectional(&mut client, &mut server).await.map(|_| ())
        }
        Err(error) => {
            failed(format!("cannot connect to '{host}:{port}': {error}"));
            answer(&mut client, UNREACHABLE).await
        }
    }
}

/// Reads the host that is wanted.
async fn host(client: &mut TcpStream, kind: u8) -> io::Result<String> {
    match kind {
        IPV4 => {
            let mut address = [0; 4];
            client.read_exact(&mut address).await?;
            Ok(Ipv4Addr::from(address).to_string())
        }
        IPV6 => {
            let mut address = [0; 16];
            client.read_exact(&mut address).await?;
            Ok(Ipv6Addr::from(address).to_string())
        }
        NAME => {
            let mut name = vec![0; usize::from(client.read_u8().await?)];
            client.read_exact(&mut name).await?;
            String::from_utf8(name).map_err(io::Error::other)
        }
        _ => Err(io::Error::other("no such kind of address")),
    }
}

/// Connects to the first of these addresses that answers.
async fn connect(addresses: &[IpAddr], port: u16) -> io::Result<TcpStream> {
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

/// Says how a request went. Nobody asks for the address that is said to be connected from.
async fn answer(client: &mut TcpStream, how: u8) -> io::Result<()> {
    client.write_all(&[VERSION, how, 0, IPV4, 0, 0, 0, 0, 0, 0]).await
}

#[cfg(test)]
mod tests {
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
        let (gate, address) = (Gate::open()?, server().await?);
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
