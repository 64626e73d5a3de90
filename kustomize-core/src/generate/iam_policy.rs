//! Service accounts that act as accounts of a cloud provider.

use super::Generator;
use crate::context::Context;
use crate::error::{BuildError, ErrorKind};
use crate::resource::Resource;
use crate::yaml::decode::{self, fields};
use crate::yaml::{Map, Node, Pos};

/// The builtin plugin `IAMPolicyGenerator`: a ServiceAccount bound to one of Google Cloud.
#[derive(Debug)]
pub(crate) struct IamPolicyGenerator {
    config: Config,
    pos: Pos,
}

#[derive(Debug, Default)]
struct Config {
    cloud: String,
    kubernetes_service: KubernetesService,
    service_account: CloudAccount,
}

fields!(Config { cloud, kubernetes_service = "kubernetesService", service_account = "serviceAccount" });

/// The ServiceAccount to make.
#[derive(Debug, Default)]
struct KubernetesService {
    name: String,
    namespace: String,
}

fields!(KubernetesService { name, namespace });

/// The account that it acts as.
#[derive(Debug, Default)]
struct CloudAccount {
    name: String,
    project_id: String,
}

fields!(CloudAccount { name, project_id = "projectId" });

impl IamPolicyGenerator {
    /// From a plugin configuration.
    pub(crate) fn from_config(config: &Node) -> Result<Self, BuildError> {
        let pos = config.pos;
        let config = decode::from_node_loosely(config)
            .map_err(|error| BuildError::decode(ErrorKind::Generator, error))?;
        Ok(IamPolicyGenerator { config, pos })
    }
}

impl Generator for IamPolicyGenerator {
    fn generate(&self, _cx: &Context) -> Result<Vec<Resource>, BuildError> {
        let Config { cloud, kubernetes_service, service_account } = &self.config;
        if cloud != "gke" {
            let message = format!("cloud provider '{cloud}' is not supported");
            return Err(BuildError::new(ErrorKind::Generator, message)
                .at(self.pos)
                .with_help("the one that is supported is `cloud: gke`"));
        }
        let CloudAccount { name, project_id } = service_account;
        let account = format!("{name}@{project_id}.iam.gserviceaccount.com");
        let mut annotations = Map::new();
        annotations.insert("iam.gke.io/gcp-service-account", Node::string(account));
        let mut metadata = Map::new();
        metadata.insert("annotations", Node::map(annotations));
        metadata.insert("name", Node::untyped(kubernetes_service.name.as_str()));
        if !kubernetes_service.namespace.is_empty() {
            metadata.insert("namespace", Node::untyped(kubernetes_service.namespace.as_str()));
        }
        let mut root = Map::new();
        root.insert("apiVersion", Node::string("v1"));
        root.insert("kind", Node::string("ServiceAccount"));
        root.insert("metadata", Node::map(metadata));
        Ok(vec![Resource::new(Node::map(root))])
    }
}
