//! A Kubernetes API server inside the process, for trials, tests and CI.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use embedded_cluster::Cluster;
//!
//! let cluster = Cluster::in_memory();
//! // `kube::Client::new(cluster.service(), "default")` talks to it directly, and for kubectl:
//! let server = cluster.listen("127.0.0.1:0".parse()?).await?;
//! std::fs::write("kubeconfig", server.kubeconfig())?;
//! # Ok(())
//! # }
//! ```
//!
//! It keeps what the real API server keeps: resource versions, managed fields, finalizers, owners,
//! watches. Small controllers stand in for those of a real cluster: namespaces end, dependents
//! are collected, workloads become ready, unless the tag of an image is `broken`.

mod access;
mod accounts;
mod admission;
mod body;
mod call;
mod check;
mod cluster;
mod controllers;
mod definitions;
mod delete;
mod discovery;
mod edit;
mod escalation;
mod journal;
mod kinds;
mod managed;
mod name;
mod openapi;
mod patch;
mod policies;
mod protobuf;
mod read;
mod request;
mod reviews;
mod roles;
mod scale;
mod schema;
mod selector;
mod server;
mod state;
mod status;
mod storage;
mod table;
mod tokens;
mod watch;
mod webhook_client;
mod webhook_settings;
mod webhooks;
mod workloads;
mod write;

pub use cluster::{Cluster, OpenError, Server};
pub use server::ClusterService;
pub use state::{Clock, SystemClock};
