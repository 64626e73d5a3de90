//! Service accounts that act as accounts of a cloud provider.

use super::Generator;
use crate::context::Context;
use crate::error::{BuildError, ErrorKind};
use crate::resource::Resource;
use crate::yaml::decode;
use crate::yaml::{Map, Node, Pos};

/// The builtin plugin `IAMPolicyGenerator`: a ServiceAccount bound to one of Google Cloud.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct IamPolicyGenerator {
    cloud: String,
    kubernetes_service: KubernetesService,
    service_account: CloudAccount,
    #[serde(skip)]
    pos: Option<Pos>,
}

/// The ServiceAccount to make.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct KubernetesService {
    name: String,
    namespace: String,
}

/// The account that it acts as.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct CloudAccount {
    name: String,
    project_id: String,
}

impl IamPolicyGenerator {
    /// From a plugin configuration.
    pub(crate) fn from_config(config: &Node) -> Result<Self, BuildError> {
        let generator: Self = decode::from_node_loosely(config)
            .map_err(|error| BuildError::decode(ErrorKind::Generator, error))?;
        Ok(IamPolicyGenerator { pos: Some(config.pos), ..generator })
    }
}

impl Generator for IamPolicyGenerator {
    fn generate(&self, _cx: &Context<'_>) -> Result<Vec<Resource>, BuildError> {
        if self.cloud != "gke" {
            let message = format!("cloud provider '{}' is not supported", self.cloud);
            return Err(BuildError::new(ErrorKind::Generator, message)
                .at(self.pos.unwrap_or(Pos::NONE))
                .with_help("the one that is supported is `cloud: gke`"));
        }
        let CloudAccount { name, project_id } = &self.service_account;
        let account = format!("{name}@{project_id}.iam.gserviceaccount.com");
        let mut annotations = Map::new();
        annotations.insert("iam.gke.io/gcp-service-account", Node::string(account));
        let mut metadata = Map::new();
        metadata.insert("annotations", Node::map(annotations));
        metadata.insert("name", Node::untyped(self.kubernetes_service.name.as_str()));
        if !self.kubernetes_service.namespace.is_empty() {
            metadata.insert("namespace", Node::untyped(self.kubernetes_service.namespace.as_str()));
        }
        let mut root = Map::new();
        root.insert("apiVersion", Node::string("v1"));
        root.insert("kind", Node::string("ServiceAccount"));
        root.insert("metadata", Node::map(metadata));
        Ok(vec![Resource::new(Node::map(root))])
    }
}
