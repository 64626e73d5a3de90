//! A provider that demands a client certificate.

use serde_json::json;

use crate::certificates::Certificates;
use crate::server::Server;
use crate::world::{NAMESPACE, Outcome, World, until};

#[tokio::test(flavor = "multi_thread")]
async fn events_go_to_a_server_that_demands_a_client_certificate() -> Outcome {
    let certificates = Certificates::make()?;
    let (server, address) = Server::start_tls(certificates.demanding_server()?).await?;
    server.received().is_up = true;
    let mut world = World::new().await?;
    let data = json!({
        "ca.crt": certificates.text("ca.crt")?, "tls.crt": certificates.text("client.crt")?,
        "tls.key": certificates.text("client.key")?,
    });
    let secret =
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "tls"}, "stringData": data});
    world.create(&format!("/api/v1/namespaces/{NAMESPACE}/secrets"), &secret).await?;
    let spec = json!({"type": "generic", "certSecretRef": {"name": "tls"}});
    world.provider("mutual", &spec, &json!({"address": format!("https://{address}/hook")})).await?;
    world.kustomization("app", "app").await?;
    let broken = "resources:\n- absent.yaml\n".to_owned();
    world.commit(&[("app/kustomization.yaml".to_owned(), broken)]).await?;
    world.start()?;
    until("the event comes", async || Ok(!server.received().taken.is_empty())).await?;
    assert_eq!(server.received().taken[0].path, "/hook");
    until("the status says so", async || Ok(world.status("mutual").await?["delivered"] == 1)).await?;
    world.kill().await
}
