//! Repositories over http and https.

use reconciler::source::git::GitError;

use crate::certificates::Certificates;
use crate::server::{Access, serve, serve_cut_off, serve_demanding, serve_tls};
use crate::world::{Outcome, World, refused};

#[tokio::test]
async fn a_name_and_a_password() -> Outcome {
    let world = World::new()?;
    let url = serve(&world, Access::Basic("robot", "hunter2")).await?;
    let right = [("username", "robot"), ("password", "hunter2\n")];
    assert!(world.fetch(&url, &right).await??.revision.starts_with("main@sha1:"));
    refused(world.fetch(&url, &[("username", "robot"), ("password", "hunter3")]).await?, "hunter3")?;
    refused(world.fetch(&url, &[]).await?, "hunter2")?;
    Ok(())
}

#[tokio::test]
async fn a_bearer_token() -> Outcome {
    let world = World::new()?;
    let url = serve(&world, Access::Bearer("ey.token")).await?;
    world.fetch(&url, &[("bearerToken", "ey.token")]).await??;
    refused(world.fetch(&url, &[("bearerToken", "ey.other")]).await?, "ey.other")?;
    Ok(())
}

#[tokio::test]
async fn an_authority_of_ones_own() -> Outcome {
    let world = World::new()?;
    let (url, certificate) = serve_tls(&world, Access::Basic("robot", "hunter2")).await?;
    let login = [("username", "robot"), ("password", "hunter2")];
    for key in ["ca.crt", "caFile"] {
        let secret = [&login[..], &[(key, certificate.as_str())]].concat();
        world.fetch(&url, &secret).await??;
    }
    match world.fetch(&url, &login).await? {
        Err(GitError::Failed(message)) if message.contains("certificate") => Ok(()),
        other => Err(format!("a certificate nobody vouches for: {other:?}").into()),
    }
}

#[tokio::test]
async fn a_server_that_demands_a_client_certificate() -> Outcome {
    let (world, certificates) = (World::new()?, Certificates::make()?);
    let url = serve_demanding(&world, certificates.demanding_server()?).await?;
    let [authority, certificate, key] =
        ["ca.crt", "client.crt", "client.key"].map(|name| certificates.text(name));
    let (authority, certificate, key) = (authority?, certificate?, key?);
    for names in [["ca.crt", "tls.crt", "tls.key"], ["caFile", "certFile", "keyFile"]] {
        let secret = [(names[0], &*authority), (names[1], &*certificate), (names[2], &*key)];
        world.fetch(&url, &secret).await??;
    }
    // How the server ends the connection is told differently by each library for TLS.
    match world.fetch(&url, &[("ca.crt", &authority)]).await? {
        Err(GitError::Failed(_)) => Ok(()),
        other => Err(format!("without a certificate: {other:?}").into()),
    }
}

#[tokio::test]
async fn an_answer_that_ends_too_early() -> Outcome {
    let world = World::new()?;
    let url = serve_cut_off(&world).await?;
    match world.fetch(&url, &[]).await? {
        Err(GitError::Failed(_)) => {}
        other => return Err(format!("half an answer: {other:?}").into()),
    }
    // The same repository from a server that works.
    let url = serve(&world, Access::Anyone).await?;
    world.fetch(&url, &[]).await??;
    Ok(())
}
