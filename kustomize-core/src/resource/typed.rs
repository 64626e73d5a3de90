//! Resources as values of other types, and back.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Resource;
use crate::error::{BuildError, ErrorKind};
use crate::yaml::{self, Node};

impl Resource {
    /// The resource as a value of another type, such as `k8s_openapi::api::apps::v1::Deployment`.
    ///
    /// ```
    /// # use kustomize_core::{BuildOptions, build, host::MemoryHost};
    /// # let host = MemoryHost::from_iter([
    /// #     ("/a/kustomization.yaml", "resources: [web.yaml]\n"),
    /// #     ("/a/web.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}]}\n"),
    /// # ]);
    /// # let rendered = build(&host, "/a", &BuildOptions::default())?;
    /// #[derive(serde::Deserialize)]
    /// struct Service {
    ///     spec: Spec,
    /// }
    /// #[derive(serde::Deserialize)]
    /// struct Spec {
    ///     ports: Vec<serde_json::Value>,
    /// }
    ///
    /// let service: Service = rendered.resources()[0].deserialize()?;
    /// assert_eq!(service.spec.ports.len(), 1);
    /// # Ok::<(), kustomize_core::BuildError>(())
    /// ```
    ///
    /// # Errors
    /// The resource does not have the shape of the type, or could not be printed.
    pub fn deserialize<T: DeserializeOwned>(&self) -> Result<T, BuildError> {
        serde_yaml::to_value(self.data()).and_then(T::deserialize).map_err(|error| {
            let message =
                format!("{} `{}` does not fit the type asked for: {error}", self.kind(), self.name());
            BuildError::new(ErrorKind::Resource, message)
        })
    }

    /// A resource from a value that serializes to a map with `apiVersion`, `kind` and
    /// `metadata.name`.
    ///
    /// ```
    /// use kustomize_core::resource::Resource;
    ///
    /// let value = serde_json::json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}});
    /// let namespace = Resource::from_serializable(&value)?;
    /// assert_eq!(namespace.yaml()?, "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n");
    /// # Ok::<(), kustomize_core::BuildError>(())
    /// ```
    ///
    /// # Errors
    /// The value is not a map, has keys that are not strings, or lacks one of these fields.
    pub fn from_serializable<T: Serialize + ?Sized>(value: &T) -> Result<Self, BuildError> {
        use serde::Deserialize;
        let failed = |message: String| BuildError::new(ErrorKind::Resource, message);
        let node = serde_yaml::to_value(value)
            .and_then(Node::deserialize)
            .map_err(|error| failed(format!("the value cannot be a resource: {error}")))?;
        if node.as_map().is_none() {
            return Err(failed("the value cannot be a resource: expected a map".to_owned()));
        }
        let resource = Resource::new(node);
        for (field, text) in [
            ("apiVersion", resource.api_version()),
            ("kind", resource.kind()),
            ("metadata.name", resource.name()),
        ] {
            if text.is_empty() {
                return Err(failed(format!("the value cannot be a resource: `{field}` is missing")));
            }
        }
        Ok(resource)
    }

    /// The resource as YAML, printed as kustomize prints it.
    ///
    /// # Errors
    /// A value that kustomize cannot print, such as an infinite number.
    pub fn yaml(&self) -> Result<String, BuildError> {
        let mut text = String::new();
        yaml::print(&self.node, &mut text)?;
        Ok(text)
    }
}
