//! Other clusters, which a Secret with kubeconfigs names.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::response::Response;
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use embedded_cluster::Cluster;
use http::header::AUTHORIZATION;
use http::{Request, StatusCode};
use kube::Client;
use kube::config::Kubeconfig;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tower::ServiceExt as _;

use crate::certificates::Certificates;
use crate::tls::Tls;

use crate::features::{map, path_of};
use crate::stage::{Outcome, Stage};

/// Whether a cluster has the ConfigMap.
async fn has(client: &Client) -> Outcome<bool> {
    let request = Request::get(path_of("configmaps", "away")).body(Vec::new())?;
    match client.request::<Value>(request).await {
        Ok(_) => Ok(true),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kubeconfigs_lead_to_other_clusters() -> Outcome {
    let mut stage = Stage::new("clusters").await?;
    stage.commit("first commit", &[("main/.keep", ""), ("away/map.yaml", &map("away", "b"))])?;
    stage.start("main").await?;
    let (first, second) = (Cluster::in_memory(), Cluster::in_memory());
    let address = ([127, 0, 0, 1], 0).into();
    let (config, other) =
        (first.listen(address).await?.kubeconfig(), second.listen(address).await?.kubeconfig());
    let mut data = json!({"value": config, "other": other});
    let mut names = vec![("first", None), ("second", Some("other"))];
    let this = match std::env::var_os("KUBECONFIG") {
        // With TLS and a client certificate.
        Some(path) => Some(std::fs::read_to_string(path)?),
        None => None,
    };
    if let Some(this) = &this {
        data["this"] = json!(this);
        names.push(("third", Some("this")));
    }
    let secret =
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "clusters"}, "stringData": data});
    stage.add("secrets", &secret).await?;
    let clients = [&first, &second].map(|cluster| Client::new(cluster.service(), "default"));
    for (number, (name, key)) in names.iter().enumerate() {
        let secret = json!({"name": "clusters", "key": key});
        stage.create(name, &json!({"path": "./away", "kubeConfig": {"secretRef": secret}})).await?;
        stage.ready(name, &stage.revision()?).await?;
        for (place, client) in clients.iter().enumerate() {
            assert_eq!(has(client).await?, place <= number, "cluster {place} after {name}");
        }
        assert_eq!(stage.exists(&path_of("configmaps", "away")).await?, *name == "third", "after {name}");
    }
    for (name, _) in &names {
        stage.delete(name).await?;
        stage.disappears(&stage.path_of(name)).await?;
    }
    for client in &clients {
        assert!(!has(client).await?);
    }
    assert!(!stage.exists(&path_of("configmaps", "away")).await?);
    stage.stop().await
}

/// A cluster that trusts the service accounts of another one, which it is told of by their tokens.
#[derive(Clone)]
struct Trusting {
    cluster: Cluster,
    /// The claims of the tokens that it was sent.
    claims: Arc<Mutex<Vec<Value>>>,
}

impl Trusting {
    /// Serves it with TLS, and returns its address.
    async fn serve(&self, certificates: &Certificates) -> Outcome<String> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let router = Router::new().fallback(answer).with_state(self.clone());
        let chain =
            CertificateDer::pem_file_iter(certificates.path("server.crt"))?.collect::<Result<_, _>>()?;
        let key = PrivateKeyDer::from_pem_file(certificates.path("server.key"))?;
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        let tls = Tls::new(listener, config);
        tokio::spawn(async move { axum::serve(tls, router).await });
        Ok(format!("https://{address}"))
    }
}

/// Answers whoever has a token, whose signature nobody checks here: the real API server does.
async fn answer(State(trusting): State<Trusting>, mut request: Request<Body>) -> Response {
    let header = request.headers_mut().remove(AUTHORIZATION);
    let token = header.as_ref().and_then(|header| header.to_str().ok()?.strip_prefix("Bearer "));
    let claims = token
        .and_then(|token| BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok())
        .and_then(|claims| serde_json::from_slice(&claims).ok());
    let Some(claims) = claims else {
        let mut refused = Response::new(Body::empty());
        *refused.status_mut() = StatusCode::UNAUTHORIZED;
        return refused;
    };
    trusting.claims.lock().unwrap_or_else(PoisonError::into_inner).push(claims);
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap_or_default().to_vec();
    let request = Request::from_parts(parts, kube::client::Body::from(body));
    match trusting.cluster.service().oneshot(request).await {
        Ok(answer) => answer.map(Body::new),
        Err(never) => match never {},
    }
}

/// A ConfigMap instead of a Secret: there is nothing to steal, since tokens are made when they are needed.
#[tokio::test(flavor = "multi_thread")]
async fn clusters_can_trust_service_accounts() -> Outcome {
    let mut stage = Stage::new("trusted").await?;
    stage.commit("first commit", &[("main/.keep", ""), ("away/map.yaml", &map("away", "b"))])?;
    stage.start("main").await?;
    stage
        .add(
            "serviceaccounts",
            &json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "deployer"}}),
        )
        .await?;
    let certificates = Certificates::make()?;
    let other = Trusting { cluster: Cluster::in_memory(), claims: Arc::default() };
    let address = other.serve(&certificates).await?;
    let config = |name: &str, data: Value| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data});
    let data = json!({
        "provider": "generic", "address": address, "ca.crt": certificates.text("ca.crt")?,
        "serviceAccountName": "deployer",
    });
    stage.add("configmaps", &config("other", data.clone())).await?;
    let refer = |name: &str| json!({"path": "./away", "retryInterval": "1s", "kubeConfig": {"configMapRef": {"name": name}}});
    stage.create("first", &refer("other")).await?;
    stage.ready("first", &stage.revision()?).await?;
    let client = Client::new(other.cluster.service(), "default");
    assert!(has(&client).await?);
    assert!(!stage.exists(&path_of("configmaps", "away")).await?);
    let claims = other.claims.lock().unwrap_or_else(PoisonError::into_inner).clone();
    for claims in &claims {
        assert_eq!(claims["sub"], "system:serviceaccount:trusted:deployer");
        assert_eq!(claims["aud"], json!([address]));
    }
    let ids: std::collections::BTreeSet<String> =
        claims.iter().map(|claims| claims["jti"].to_string()).collect();
    assert_eq!(ids.len(), 1, "{} requests had {} tokens", claims.len(), ids.len());
    stage.delete("first").await?;
    stage.disappears(&stage.path_of("first")).await?;
    assert!(!has(&client).await?);

    // Each with one mistake.
    let cases = [
        ("no-account", json!({"serviceAccountName": "absent"}), "\"absent\" not found"),
        ("no-address", json!({"address": ""}), "there is no key 'address'"),
        ("plain", json!({"address": "http://127.0.0.1:1"}), "it must use https"),
        ("cloud", json!({"provider": "aws"}), "the provider 'aws' is not supported"),
        ("unknown", json!({"provider": "other"}), "the provider 'other' does not exist"),
        ("no-authority", json!({"ca.crt": ""}), "certificate"),
    ];
    for (name, change, text) in cases {
        let mut data = data.clone();
        if let (Some(data), Some(change)) = (data.as_object_mut(), change.as_object()) {
            data.extend(change.clone());
        }
        stage.add("configmaps", &config(name, data)).await?;
        stage.create(name, &refer(name)).await?;
        stage.not_ready(name, "ReconciliationFailed", text).await?;
        stage.delete(name).await?;
    }

    // The real API server trusts its own accounts, and checks the signature.
    if let Some(path) = std::env::var_os("KUBECONFIG") {
        let this = Kubeconfig::read_from(path)?.clusters.into_iter().find_map(|named| named.cluster);
        let this = this.ok_or("the kubeconfig has no cluster")?;
        let authority =
            BASE64_STANDARD.decode(this.certificate_authority_data.ok_or("it has no authority")?)?;
        let issuer = "https://kubernetes.default.svc.cluster.local";
        let data = json!({
            "provider": "generic", "address": this.server, "ca.crt": String::from_utf8(authority)?,
            "serviceAccountName": "deployer", "audiences": format!("{issuer}\n"),
        });
        stage.add("configmaps", &config("this", data)).await?;
        stage.create("itself", &refer("this")).await?;
        stage.not_ready("itself", "ReconciliationFailed", "system:serviceaccount:trusted:deployer").await?;
        stage.allow("deployer").await?;
        stage.ready("itself", &stage.revision()?).await?;
        assert!(stage.exists(&path_of("configmaps", "away")).await?);
        stage.delete("itself").await?;
        stage.disappears(&path_of("configmaps", "away")).await?;
    }
    stage.stop().await
}
