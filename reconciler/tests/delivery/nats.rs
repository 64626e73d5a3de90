//! Messages for a real server of NATS, which `cargo xtask e2e` builds.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use nkeys::KeyPair;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::world::{Outcome, World, until};

const REASON: &str = "NATS_SERVER has to name a nats-server: cargo xtask e2e builds one and runs this test";

/// A server with three users: one with a password, one with a key, and one that may publish nothing.
struct Nats {
    _child: Child,
    port: u16,
    seed: String,
}

impl Nats {
    async fn start(directory: &Path, port: u16, more: &str) -> Outcome<Self> {
        let program = std::env::var("NATS_SERVER").map_err(|_| REASON)?;
        let pair = KeyPair::new_user();
        let (key, seed) = (pair.public_key(), pair.seed().map_err(|error| error.to_string())?);
        let config = directory.join("nats.conf");
        let text = format!(
            "listen: \"127.0.0.1:{port}\"\n{more}\nauthorization {{ users: [\n\
             {{user: flux, password: hush}}\n{{nkey: {key}}}\n\
             {{user: mute, password: hush, permissions: {{publish: {{deny: \">\"}}}}}}\n] }}\n"
        );
        std::fs::write(&config, text)?;
        let mut command = Command::new(program);
        command.arg("-c").arg(&config).stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
        let nats = Nats { _child: command.stderr(Stdio::null()).spawn()?, port, seed };
        until("the server of NATS listens", async || {
            Ok(TcpStream::connect(("127.0.0.1", port)).await.is_ok())
        })
        .await?;
        Ok(nats)
    }

    /// Hears what is published under a subject from now on.
    async fn listen(&self, subject: &str) -> Outcome<Listener> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
        let login = json!({"user": "flux", "pass": "hush", "headers": true, "verbose": false});
        stream.write_all(format!("CONNECT {login}\r\nSUB {subject} 1\r\nPING\r\n").as_bytes()).await?;
        let mut listener = Listener(BufReader::new(stream));
        while listener.line().await? != "PONG" {}
        Ok(listener)
    }
}

struct Listener(BufReader<TcpStream>);

impl Listener {
    async fn line(&mut self) -> Outcome<String> {
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).await? == 0 {
                return Err("the server of NATS has ended".into());
            }
            match line.trim_end() {
                "PING" => self.0.get_mut().write_all(b"PONG\r\n").await?,
                line => return Ok(line.to_owned()),
            }
        }
    }

    /// The headers and the payload of the next message, if there is one soon.
    async fn next(&mut self) -> Outcome<Option<(String, Value)>> {
        let line = match tokio::time::timeout(Duration::from_secs(60), self.line()).await {
            Ok(line) => line?,
            Err(_) => return Ok(None),
        };
        let words: Vec<&str> = line.split(' ').collect();
        let ["HMSG", _, _, head, all] = *words else { return Err(format!("not a message: {line}").into()) };
        let (head, all): (usize, usize) = (head.parse()?, all.parse()?);
        let mut text = vec![0; all + 2];
        self.0.read_exact(&mut text).await?;
        let payload = serde_json::from_slice(&text[head..all])?;
        Ok(Some((String::from_utf8_lossy(&text[..head]).into_owned(), payload)))
    }
}

fn free_port() -> Outcome<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

async fn broken(world: &World, text: &str) -> Outcome {
    world.commit(&[("app/kustomization.yaml".to_owned(), format!("resources:\n- {text}.yaml\n"))]).await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it needs a real nats-server: cargo xtask e2e builds one and runs this"]
async fn messages_wait_for_a_server() -> Outcome {
    let (directory, port) = (tempfile::tempdir()?, free_port()?);
    let mut world = World::new().await?;
    let address =
        json!({"address": format!("nats://127.0.0.1:{port}"), "username": "flux", "password": "hush"});
    let spec = json!({"type": "nats", "channel": "flux.alerts"});
    world.provider("nats", &spec, &address).await?;
    world.kustomization("app", "app").await?;
    broken(&world, "absent").await?;
    world.start()?;
    until("the server is missed", async || {
        Ok(world.status("nats").await?["lastFailure"]["error"]
            .as_str()
            .is_some_and(|error| error.starts_with("NATS cannot be reached: ")))
    })
    .await?;
    world.kill().await?;

    let nats = Nats::start(directory.path(), port, "").await?;
    let mut listener = nats.listen("flux.>").await?;
    world.start()?;
    let (head, event) = listener.next().await?.ok_or_else(|| world.log())?;
    assert!(head.contains("Nats-Msg-Id: "), "{head}");
    assert_eq!(event["involvedObject"]["name"], "app");
    assert_eq!(event["severity"], "error");
    assert!(event["message"].as_str().is_some_and(|message| message.contains("absent.yaml")), "{event}");
    assert_eq!(event["reportingController"], "kustomize-controller");
    let delivered =
        until("the status says so", async || Ok(world.status("nats").await?["delivered"] == 1)).await;
    if let Err(error) = delivered {
        return Err(format!("{error}: {:#}\n{}", world.status("nats").await?, world.log()).into());
    }

    // Not a second time, and the next one after it.
    world.kill().await?;
    world.start()?;
    broken(&world, "gone").await?;
    let (_, event) = listener.next().await?.ok_or_else(|| world.log())?;
    assert!(event["message"].as_str().is_some_and(|message| message.contains("gone.yaml")), "{event}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it needs a real nats-server: cargo xtask e2e builds one and runs this"]
async fn logins_with_a_key_and_refusals() -> Outcome {
    let (directory, port) = (tempfile::tempdir()?, free_port()?);
    let nats = Nats::start(directory.path(), port, "").await?;
    let mut listener = nats.listen("flux.>").await?;
    let mut world = World::new().await?;
    let spec = json!({"type": "nats", "channel": "flux.keys", "address": format!("nats://127.0.0.1:{port}")});
    world.provider("key", &spec, &json!({"nkey": nats.seed})).await?;
    let password = |user: &str, password: &str| json!({"username": user, "password": password});
    world.provider("mute", &spec, &password("mute", "hush")).await?;
    world.provider("wrong", &spec, &password("flux", "wrong")).await?;
    world.kustomization("app", "app").await?;
    broken(&world, "absent").await?;
    world.start()?;
    let (_, event) = listener.next().await?.ok_or_else(|| world.log())?;
    assert_eq!(event["involvedObject"]["name"], "app");
    for (provider, words) in [("mute", "Permissions Violation"), ("wrong", "Authorization Violation")] {
        until(words, async || {
            let status = world.status(provider).await?;
            Ok(status["lastFailure"]["error"].as_str().is_some_and(|error| error.contains(words)))
        })
        .await?;
    }
    assert_eq!(world.status("key").await?["delivered"], 1);
    Ok(())
}
