//! From a call to its answer.

use kustomize_core::difference::{Difference, Snapshot};
use kustomize_core::host::MemoryHost;
use kustomize_core::{BuildError, BuildOptions, Rendered, build};
use serde::Serialize;

use crate::json;
use crate::options::Options;
use crate::response::{Compared, Outcome, Problem, Rendering};

/// Renders kustomizations, each for itself: the answer is a list.
pub(crate) fn render(host: &MemoryHost, paths: &[String], options: Options) -> String {
    let options = BuildOptions::from(options);
    let rendered: Vec<_> = paths.iter().map(|path| build(host, path, &options)).collect();
    let outcomes: Vec<Outcome<Rendering<'_>>> = rendered.iter().map(outcome).collect();
    answer(&outcomes)
}

fn outcome(rendered: &Result<Rendered, BuildError>) -> Outcome<Rendering<'_>> {
    match rendered {
        Ok(rendered) => Rendering::new(rendered).into(),
        Err(error) => Outcome::Error(Problem::new(error)),
    }
}

/// Renders two and says what differs.
pub(crate) fn diff(host: &MemoryHost, paths: &[String], options: Options) -> String {
    let options = BuildOptions::from(options);
    let side = |index: usize| {
        let path = paths.get(index).map_or("", String::as_str);
        build(host, path, &options)
            .and_then(|rendered| Snapshot::of(&rendered))
            .map_err(|error| Problem::new(&error))
    };
    let compared = side(0).and_then(|from| Ok(Compared::from(Difference::between(&from, &side(1)?))));
    answer(&Outcome::from(compared))
}

/// What cannot be said in JSON (it all can) is an answer that JavaScript refuses.
fn answer(answer: &impl Serialize) -> String {
    json::to_string(answer).unwrap_or_default()
}
