//! Repositories over ssh.

use crate::ssh_server::{Server, make_key};
use crate::world::{Outcome, World, refused};

#[tokio::test]
async fn a_key_and_a_known_host() -> Outcome {
    let world = World::new()?;
    let (right, wrong) = (world.path("right"), world.path("wrong"));
    let identity = make_key(&right, "")?;
    let other = make_key(&wrong, "")?;
    let Some(server) = Server::start(&world, &[&right])? else { return Ok(()) };
    let known_hosts = server.known_hosts.as_str();
    world.fetch(&server.url, &[("identity", &identity), ("known_hosts", known_hosts)]).await??;
    // Secrets are often stored without the last newline.
    world.fetch(&server.url, &[("identity", identity.trim_end()), ("known_hosts", known_hosts)]).await??;

    let fetched = world.fetch(&server.url, &[("identity", &other), ("known_hosts", known_hosts)]).await?;
    let message = refused(fetched, &other)?;
    assert!(message.contains("Permission denied"), "{message}");

    // Another server at the same address.
    let public = std::fs::read_to_string(format!("{wrong}.pub"))?;
    let host = known_hosts.split(' ').next().unwrap_or_default();
    let fetched = world
        .fetch(&server.url, &[("identity", &identity), ("known_hosts", &format!("{host} {public}"))])
        .await?;
    let message = refused(fetched, &identity)?;
    assert!(message.contains("Host key verification failed"), "{message}");
    Ok(())
}

#[tokio::test]
async fn a_key_with_a_password() -> Outcome {
    let world = World::new()?;
    let key = world.path("key");
    let identity = make_key(&key, "correct horse")?;
    let Some(server) = Server::start(&world, &[&key])? else { return Ok(()) };
    let secret = |password| {
        [
            ("identity", identity.as_str()),
            ("known_hosts", server.known_hosts.as_str()),
            ("password", password),
        ]
    };
    world.fetch(&server.url, &secret("correct horse")).await??;
    refused(world.fetch(&server.url, &secret("battery staple")).await?, "battery staple")?;
    Ok(())
}
