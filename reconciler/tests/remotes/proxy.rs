//! Repositories through a proxy.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reconciler::source::git::{Credentials, GitError};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use crate::server::{Access, serve, serve_tls};
use crate::world::{Outcome, World};

/// The longest head of a request.
const LONGEST: usize = 1 << 16;

/// A proxy that wants a login, and leads every request to the same server, whoever it is for.
struct Proxy {
    address: String,
    /// How many connections it has let through.
    led: Arc<AtomicUsize>,
}

impl Proxy {
    async fn start(server: &str) -> Outcome<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let proxy = Proxy { address: listener.local_addr()?.to_string(), led: Arc::default() };
        let (led, server) = (Arc::clone(&proxy.led), server.to_owned());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (led, server) = (Arc::clone(&led), server.clone());
                tokio::spawn(async move {
                    // A client that goes away is no concern of the proxy.
                    let _ = lead(stream, &server, &led).await;
                });
            }
        });
        Ok(proxy)
    }

    fn url(&self, login: &str) -> String {
        format!("http://{login}{}", self.address)
    }

    fn led(&self) -> usize {
        self.led.load(Ordering::SeqCst)
    }
}

async fn lead(mut client: TcpStream, server: &str, led: &AtomicUsize) -> Outcome {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < LONGEST {
        head.push(client.read_u8().await?);
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    let wanted = format!("proxy-authorization: basic {}", STANDARD.encode("robot:hunter2"));
    if !text.lines().any(|line| line.eq_ignore_ascii_case(&wanted)) {
        let refusal = "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\
                       Content-Length: 0\r\nConnection: close\r\n\r\n";
        client.write_all(refusal.as_bytes()).await?;
        return Ok(());
    }
    led.fetch_add(1, Ordering::SeqCst);
    let mut server = TcpStream::connect(server).await?;
    if text.starts_with("CONNECT ") {
        client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
    } else {
        server.write_all(&head).await?;
    }
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}

/// Host and port of a URL.
fn host(url: &str) -> &str {
    url.split('/').nth(2).unwrap_or_default()
}

#[tokio::test]
async fn a_server_that_only_the_proxy_finds() -> Outcome {
    let world = World::new()?;
    let served = serve(&world, Access::Basic("reader", "secret")).await?;
    let proxy = Proxy::start(host(&served)).await?;
    // No name server knows that name.
    let url = served.replace(host(&served), "repository.invalid");
    let secret = [("username", "reader"), ("password", "secret")];
    let data: BTreeMap<String, Vec<u8>> =
        secret.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec())).collect();
    let credentials = Credentials::from_secret(&data, &url)?;
    world.fetch_with(&url, credentials.clone().through(&proxy.url("robot:hunter2@"), &url)?).await??;
    assert!(proxy.led() > 0, "the proxy was not asked");

    assert!(world.fetch_with(&url, credentials.clone()).await?.is_err(), "found without the proxy");
    let led = proxy.led();
    let wrong = credentials.through(&proxy.url("robot:battery-staple@"), &url)?;
    match world.fetch_with(&url, wrong).await? {
        Err(GitError::Failed(message) | GitError::Authentication(message)) => {
            assert!(message.contains("407") && !message.contains("battery-staple"), "{message}");
        }
        other => return Err(format!("with a wrong password: {other:?}").into()),
    }
    assert_eq!(proxy.led(), led);
    Ok(())
}

#[tokio::test]
async fn a_server_with_tls() -> Outcome {
    let world = World::new()?;
    let (url, certificate) = serve_tls(&world, Access::Anyone).await?;
    let proxy = Proxy::start(host(&url)).await?;
    let data = BTreeMap::from([("ca.crt".to_owned(), certificate.into_bytes())]);
    let credentials = Credentials::from_secret(&data, &url)?;
    world.fetch_with(&url, credentials.through(&proxy.url("robot:hunter2@"), &url)?).await??;
    assert!(proxy.led() > 0, "the proxy was not asked");
    Ok(())
}

#[test]
fn what_cannot_be_a_proxy() -> Outcome {
    let through = |proxy: &str, url: &str| Credentials::default().through(proxy, url).map(|_| ());
    assert!(through("http://proxy:3128", "https://host/x").is_ok());
    assert!(through("socks5://proxy:1080", "https://host/x").is_ok());
    for (proxy, url) in [
        ("file:///tmp/proxy", "https://host/x"),
        ("no address", "https://host/x"),
        ("http://proxy:3128", "ssh://git@host/x"),
        ("http://proxy:3128", "file:///x"),
    ] {
        assert!(through(proxy, url).is_err(), "{proxy} for {url}");
    }
    Ok(())
}
