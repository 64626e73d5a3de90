//! `test`: what policies would refuse, before anything is committed or applied.

use std::path::PathBuf;

use clap::Args;
use kustomize_core::{BuildOptions, Rendered};
use kustomize_host::OsHost;

use super::policies::{self, Checked, Format, Object};
use super::{Failure, Result, term};

/// Options of `test`.
#[derive(Args)]
pub(crate) struct Test {
    /// Directories with a kustomization, or files with objects
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Directory or file with ValidatingAdmissionPolicies, their bindings, and what they refer to: parameters,
    /// namespaces, custom resource definitions. With the feature `rego`, also modules in Rego, ConstraintTemplates
    /// and constraints
    #[arg(long, required = true)]
    policy: Vec<PathBuf>,
    /// How the findings are printed
    #[arg(long, short, default_value = "text")]
    output: Format,
}

impl Test {
    /// Checks and prints. The status is 1 if something would be refused.
    pub(crate) fn run(&self) -> Result {
        let mut all = Vec::new();
        for path in &self.paths {
            let objects = if path.is_dir() { render(path)? } else { policies::read_with_lines(path)? };
            all.push((path.display().to_string(), objects));
        }
        let checked = Checked::new(&self.policy, all, &[])?;
        term::print(&checked.text(self.output))?;
        checked.outcome()
    }
}

/// The objects that a directory renders to.
fn render(directory: &std::path::Path) -> Result<Vec<Object>> {
    let directory = std::path::absolute(directory)?;
    let path = OsHost::path(&directory).ok_or_else(|| Failure::failed("the path is no text"))?;
    let rendered = kustomize_core::build(&OsHost::new(), &path, &BuildOptions::default())
        .map_err(|error| Failure::failed(format!("{error:?}")))?;
    let object = |resource: &std::sync::Arc<_>| object(&rendered, resource);
    rendered.resources().iter().map(object).collect()
}

fn object(rendered: &Rendered, resource: &kustomize_core::resource::Resource) -> Result<Object> {
    let value = serde_json::to_value(resource.data()).map_err(|error| Failure::failed(error.to_string()))?;
    let place = rendered.location(&resource.node).map(|place| (shown(&place.file), place.line));
    Ok(Object { value, place, old: None })
}

/// A path from the current directory, if it is below it.
pub(super) fn shown(path: &str) -> String {
    let current = std::env::current_dir().ok();
    let below = current.and_then(|current| PathBuf::from(path).strip_prefix(current).ok().map(PathBuf::from));
    below.map_or_else(|| path.to_owned(), |below| below.display().to_string())
}
