//! What a configuration says about the function that it is for.

use crate::build_context::BuildContext;
use crate::error::{BuildError, ErrorKind};
use crate::host::path;
use crate::resource::Resource;
use crate::yaml::decode::{Rules, fields, from_node};
use crate::yaml::{Node, read_config_strict};

/// Annotations that describe a function, in YAML; the first that is not empty counts.
const ANNOTATIONS: [&str; 2] = ["config.kubernetes.io/function", "config.k8s.io/function"];
/// An older annotation: the image alone.
const CONTAINER_ANNOTATION: &str = "config.kubernetes.io/container";

/// A function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct FunctionSpec {
    /// Whether its failure is to be told only after other functions have run. There are no others
    /// in a build, so it makes no difference.
    _defer_failure: bool,
    pub(super) container: ContainerSpec,
    pub(super) exec: ExecSpec,
}

fields!(FunctionSpec { _defer_failure = "deferFailure", container, exec });

/// A function that is a container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ContainerSpec {
    pub(super) image: String,
    pub(super) network: bool,
    pub(super) mounts: Vec<Mount>,
    pub(super) envs: Vec<String>,
}

fields!(ContainerSpec { image, network, mounts, envs });

/// A function that is a program of this machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ExecSpec {
    pub(super) path: String,
    pub(super) args: Vec<String>,
    pub(super) envs: Vec<String>,
}

fields!(ExecSpec { path, args, envs });

/// Something of this machine that a container sees.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Mount {
    pub(super) mount_type: String,
    pub(super) src: String,
    pub(super) dst: String,
    pub(super) rw: bool,
}

fields!(Mount { mount_type = "type", src, dst, rw });

impl FunctionSpec {
    /// The function that a configuration is for; none when it is for none.
    pub(super) fn of(config: &Resource, cx: &BuildContext<'_>) -> Result<Option<Self>, BuildError> {
        let spec = match Self::described(config, cx)? {
            Some(spec) => spec,
            None => match config.annotation(CONTAINER_ANNOTATION) {
                None | Some("") => return Ok(None),
                Some(image) => {
                    let container = ContainerSpec { image: image.to_owned(), ..ContainerSpec::default() };
                    FunctionSpec { container, ..FunctionSpec::default() }
                }
            },
        };
        spec.container.mounts.iter().try_for_each(refuse_mount_from_elsewhere)?;
        Ok(Some(spec))
    }

    fn described(config: &Resource, cx: &BuildContext<'_>) -> Result<Option<Self>, BuildError> {
        for name in ANNOTATIONS {
            let value = config.node.at(&["metadata", "annotations", name]);
            let Some(value) = value.filter(|value| !value.text().is_empty()) else { continue };
            let file = cx.sources.add(format!("annotation {name}"), value.text().into(), Some(value.pos));
            let node = read_config_strict(value.text(), file)?;
            return node.as_ref().map_or_else(|| Ok(FunctionSpec::default()), Self::decode).map(Some);
        }
        match config.node.at(&["metadata", "configFn"]) {
            Some(node) if !node.is_null() => Self::decode(node).map(Some),
            _ => Ok(None),
        }
    }

    /// Strict, as in kustomize: a `starlark` function is an unknown field.
    fn decode(node: &Node) -> Result<Self, BuildError> {
        from_node(node, Rules::CONFIGURATION).map_err(|error| BuildError::decode(ErrorKind::Function, error))
    }
}

impl Mount {
    /// From a command line: `type=bind,src=/a,dst=/b,rw=true`.
    pub(super) fn parse(text: &str) -> Self {
        let mut mount = Mount::default();
        for (key, value) in text.split(',').filter_map(|option| option.split_once('=')) {
            match key {
                "type" => value.clone_into(&mut mount.mount_type),
                "src" | "source" => value.clone_into(&mut mount.src),
                "dst" | "target" => value.clone_into(&mut mount.dst),
                "rw" => mount.rw = value == "true",
                _ => {}
            }
        }
        mount
    }

    /// As docker's `--mount` has it; a relative source is taken from the directory.
    pub(super) fn to_argument(&self, directory: &str) -> String {
        let source =
            if path::is_absolute(&self.src) { self.src.clone() } else { path::join(directory, &self.src) };
        let mode = if self.rw { "" } else { ",readonly" };
        format!("type={},source={source},target={}{mode}", self.mount_type, self.dst)
    }
}

/// A configuration may hand a container only what is below its own kustomization.
fn refuse_mount_from_elsewhere(mount: &Mount) -> Result<(), BuildError> {
    let cure = if path::is_absolute(&mount.src) {
        "relative to"
    } else if path::clean(&mount.src).starts_with("..") {
        "below"
    } else {
        return Ok(());
    };
    let message = format!("a function may not mount '{}'", mount.src);
    let help = format!("paths of mounts are {cure} the kustomization's directory");
    Err(BuildError::new(ErrorKind::Restriction, message).with_help(help))
}
