//! `test`: what policies would refuse, before anything is committed or applied.

mod policies;
mod report;

use std::path::PathBuf;

use clap::Args;
use kustomize_core::{BuildOptions, Rendered};
use kustomize_host::OsHost;
use serde_json::Value;

use super::{Failure, Result, term};
use policies::Checked;
use report::Format;

/// Options of `test`.
#[derive(Args)]
pub(crate) struct Test {
    /// Directories with a kustomization, or files with objects
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Directory or file with ValidatingAdmissionPolicies, their bindings, and what they refer to: parameters,
    /// namespaces, custom resource definitions
    #[arg(long, required = true)]
    policy: Vec<PathBuf>,
    /// How the findings are printed
    #[arg(long, short, default_value = "text")]
    output: Format,
}

/// An object that is checked.
struct Object {
    value: Value,
    /// Where it was written: the file and the line.
    place: Option<(String, usize)>,
}

impl Test {
    /// Checks and prints. The status is 1 if something would be refused.
    pub(crate) fn run(&self) -> Result {
        let mut known = Vec::new();
        for path in &self.policy {
            known.extend(policies::read(path)?);
        }
        let mut all = Vec::new();
        for path in &self.paths {
            let objects = if path.is_dir() { render(path)? } else { policies::read_with_lines(path)? };
            all.push((path.display().to_string(), objects));
        }
        let checked = Checked::new(known, all)?;
        term::print(&report::text(&checked, self.output))?;
        match checked.denied() {
            0 => Ok(()),
            1 => Err(Failure::failed("1 object would be refused")),
            count => Err(Failure::failed(format!("{count} objects would be refused"))),
        }
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
    Ok(Object { value, place })
}

/// A path from the current directory, if it is below it.
fn shown(path: &str) -> String {
    let current = std::env::current_dir().ok();
    let below = current.and_then(|current| PathBuf::from(path).strip_prefix(current).ok().map(PathBuf::from));
    below.map_or_else(|| path.to_owned(), |below| below.display().to_string())
}
