//! From a request to its answer.

use kustomize_core::difference::{Difference, Snapshot};
use kustomize_core::host::MemoryHost;
use kustomize_core::{BuildOptions, Rendered};
use serde::Serialize;

use crate::request::Request;
use crate::response::{Compared, Outcome, Problem, Rendering};

/// Answers one request about these files.
pub(crate) fn answer(host: &MemoryHost, request: &[u8]) -> String {
    match serde_json::from_slice(request) {
        Ok(Request::Render { paths, options }) => {
            let options = BuildOptions::from(&options);
            let rendered: Vec<_> = paths.iter().map(|path| render(host, path, &options)).collect();
            let outcomes = rendered.iter().map(|result| match result {
                Ok(rendered) => Outcome::from(Rendering::new(rendered)),
                Err(problem) => Outcome::Error(problem.clone()),
            });
            json(&Outcome::Ok(outcomes.collect::<Vec<_>>()))
        }
        Ok(Request::Diff { from, to, options }) => {
            json(&Outcome::from(diff(host, &from, &to, &BuildOptions::from(&options))))
        }
        Err(error) => json(&Outcome::<()>::Error(Problem::invalid(error.to_string()))),
    }
}

fn render(host: &MemoryHost, path: &str, options: &BuildOptions) -> Result<Rendered, Box<Problem>> {
    Ok(kustomize_core::build(host, path, options)?)
}

fn diff(host: &MemoryHost, from: &str, to: &str, options: &BuildOptions) -> Result<Compared, Box<Problem>> {
    let side = |path| Ok::<_, Box<Problem>>(Snapshot::of(&render(host, path, options)?)?);
    Ok(Difference::between(&side(from)?, &side(to)?).into())
}

/// What cannot be said in JSON (it all can) is an answer that JavaScript refuses.
fn json(answer: &impl Serialize) -> String {
    serde_json::to_string(answer).unwrap_or_default()
}
