//! The cluster: its state, how it starts and how it ends.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::extract::Request;
use axum::response::IntoResponse;
use http::StatusCode;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tower::ServiceExt;

use crate::access;
use crate::controllers;
use crate::journal::{Journal, Record};
use crate::server::ClusterService;
use crate::state::{Clock, State, SystemClock};
use crate::storage::{Notice, Store};

/// A cluster's file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot open the cluster's file {path}")]
pub struct OpenError {
    path: String,
    source: Box<redb::Error>,
}

/// A file that was opened: the journal, what is in it, and its last revision.
type Opened = (Journal, Vec<Record>, u64);

/// A cluster. Clones are the same cluster.
#[derive(Clone)]
pub struct Cluster {
    pub(crate) state: Arc<State>,
}

impl Cluster {
    /// A cluster whose state ends with it. Must be called within a tokio runtime.
    pub fn in_memory() -> Cluster {
        Cluster::start(None, Arc::new(SystemClock))
    }

    /// As [`Cluster::in_memory`], with a clock of one's own.
    pub fn in_memory_with_clock(clock: Arc<dyn Clock>) -> Cluster {
        Cluster::start(None, clock)
    }

    /// A cluster whose state is in one crash-safe file, made when it does not exist. Must be called
    /// within a tokio runtime.
    pub fn open(path: impl AsRef<Path>) -> Result<Cluster, OpenError> {
        let path = path.as_ref();
        let opened = Journal::open(path)
            .map_err(|source| OpenError { path: path.display().to_string(), source: Box::new(source) })?;
        Ok(Cluster::start(Some(opened), Arc::new(SystemClock)))
    }

    /// A cluster without controllers: nothing but the API server, as some tests want it. Namespaces that are
    /// deleted never end there. Must be called within a tokio runtime.
    pub fn in_memory_without_controllers() -> Cluster {
        let (cluster, _) = Cluster::prepare(None, Arc::new(SystemClock));
        cluster
    }

    fn start(opened: Option<Opened>, clock: Arc<dyn Clock>) -> Cluster {
        let (cluster, heard) = Cluster::prepare(opened, clock);
        tokio::spawn(controllers::run(cluster.state.clone(), heard));
        cluster
    }

    fn prepare(opened: Option<Opened>, clock: Arc<dyn Clock>) -> (Cluster, mpsc::UnboundedReceiver<Notice>) {
        let (notices, heard) = mpsc::unbounded_channel();
        let store = Store::new(opened, notices);
        let state = Arc::new(State::new(store, clock));
        crate::definitions::load(&state);
        controllers::create_basics(&state);
        (Cluster { state }, heard)
    }

    /// The API server as a service, as `kube::Client` takes it.
    pub fn service(&self) -> ClusterService {
        ClusterService::new(self.state.clone())
    }

    /// Serves plain HTTP on an address, which should be a loopback address. Port 0 takes a free port. Whoever knows the
    /// URL in the kubeconfig is an administrator: it has a secret in its path, since kubectl sends no credentials
    /// without TLS. Other programs of the machine, and whoever can make them send requests, do not know it. Requests
    /// without it need the token of a service account.
    pub async fn listen(&self, address: SocketAddr) -> std::io::Result<Server> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let secret = uuid::Uuid::new_v4().simple().to_string();
        let service = self.service();
        let router = axum::Router::new()
            .nest_service(&format!("/{secret}"), self.service())
            // Schemas are no secret, and kubectl asks for them without the path in the URL.
            .route("/openapi/{*path}", axum::routing::get_service(self.service()))
            .fallback(move |request: Request| async move {
                match access::bearer(request.headers()) {
                    Some(_) => service.oneshot(request).await.into_response(),
                    None => StatusCode::NOT_FOUND.into_response(),
                }
            });
        let mut stop = self.state.stop.subscribe();
        let stopped = async move {
            // An error means that the cluster is gone, which is an end as well.
            let _ = stop.wait_for(|stop| *stop).await;
        };
        tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(stopped).await {
                tracing::error!(%error, "the cluster's server ended");
            }
        });
        Ok(Server { address, secret })
    }

    /// Forgets the past: watches and continued lists from before are told to start anew, as the
    /// real API server does every few minutes.
    pub fn compact(&self) {
        self.state.store.compact();
    }

    /// Ends controllers, watches and servers.
    pub fn shutdown(&self) {
        self.state.stop.send_replace(true);
    }
}

/// A served cluster.
#[derive(Clone)]
pub struct Server {
    address: SocketAddr,
    /// The first part of all paths.
    secret: String,
}

impl Server {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A kubeconfig that leads here. Whoever reads it is an administrator.
    pub fn kubeconfig(&self) -> String {
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: embedded\nclusters:\n- name: embedded\n  cluster:\n    server: http://{}/{}\ncontexts:\n- name: embedded\n  context:\n    cluster: embedded\n    user: embedded\nusers:\n- name: embedded\n  user: {{}}\n",
            self.address, self.secret
        )
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn without_the_secret_there_are_only_schemas() -> Result<(), Box<dyn std::error::Error>> {
        let cluster = Cluster::in_memory_without_controllers();
        let server = cluster.listen("127.0.0.1:0".parse()?).await?;
        let (address, secret) = (server.address(), &server.secret);
        assert!(server.kubeconfig().contains(&format!("server: http://{address}/{secret}\n")));
        for (path, wanted) in [
            ("/api/v1/namespaces".to_owned(), 404),
            ("/".to_owned(), 404),
            (format!("/{}/api/v1/namespaces", "0".repeat(32)), 404),
            ("/openapi/../api/v1/namespaces".to_owned(), 404),
            ("/openapi/v2".to_owned(), 200),
            (format!("/{secret}/api/v1/namespaces"), 200),
            (format!("/{secret}/version"), 200),
        ] {
            let status = reqwest::get(format!("http://{address}{path}")).await?.status();
            assert_eq!(status.as_u16(), wanted, "{path}");
        }
        cluster.shutdown();
        Ok(())
    }

    #[tokio::test]
    async fn service_accounts_do_what_their_roles_allow() -> Result<(), Box<dyn std::error::Error>> {
        let cluster = Cluster::in_memory_without_controllers();
        let server = cluster.listen("127.0.0.1:0".parse()?).await?;
        let (address, secret) = (server.address(), &server.secret);
        let client = reqwest::Client::new();
        let admin = format!("http://{address}/{secret}");
        let binding = json!({
            "metadata": {"name": "robot"},
            "subjects": [{"kind": "ServiceAccount", "name": "robot", "namespace": "default"}],
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "edit"},
        });
        for (path, object) in [
            ("/api/v1/namespaces/default/serviceaccounts", json!({"metadata": {"name": "robot"}})),
            ("/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings", binding),
        ] {
            client.post(format!("{admin}{path}")).json(&object).send().await?.error_for_status()?;
        }
        let path = "/api/v1/namespaces/default/serviceaccounts/robot/token";
        let answer = client.post(format!("{admin}{path}")).json(&json!({})).send().await?;
        let answer: serde_json::Value = answer.error_for_status()?.json().await?;
        let token = answer["status"]["token"].as_str().ok_or("no token")?;
        let other = format!("{}x{}", &token[..token.len() - 9], &token[token.len() - 8..]);
        for (token, path, impersonated, wanted) in [
            (token, "/api/v1/namespaces/default/secrets", "", 200),
            (token, "/api/v1/namespaces/kube-system/secrets", "", 403),
            (token, "/api/v1/nodes", "", 403),
            (token, "/version", "", 200),
            (token, "/metrics", "", 403),
            // `edit` may act as the service accounts of its namespace, and as nobody else.
            (token, "/api/v1/namespaces/default/secrets", "system:serviceaccount:default:robot", 200),
            (token, "/api/v1/namespaces/default/secrets", "system:serviceaccount:kube-system:x", 403),
            (token, "/api/v1/namespaces/default/secrets", "system:admin", 403),
            (&other, "/version", "", 401),
        ] {
            for start in [format!("http://{address}"), admin.clone()] {
                let mut request = client.get(format!("{start}{path}")).bearer_auth(token);
                if !impersonated.is_empty() {
                    request = request.header("impersonate-user", impersonated);
                }
                let status = request.send().await?.status();
                assert_eq!(status.as_u16(), wanted, "{path} as {impersonated:?}");
            }
        }
        let request = client.get(format!("http://{address}/api/v1/nodes")).bearer_auth(token);
        let request = request.header("impersonate-user", "x").header("impersonate-group", "system:masters");
        assert_eq!(request.send().await?.status().as_u16(), 403);
        cluster.shutdown();
        Ok(())
    }
}
