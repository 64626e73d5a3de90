//! From a call to its answer.

use kustomize_core::difference::{Difference, Snapshot};
use kustomize_core::host::MemoryHost;
use kustomize_core::{BuildError, BuildOptions, Rendered, Session, build};
use serde::Serialize;

use crate::json;
use crate::options::Options;
use crate::response::{Compared, Outcome, Problem, Rendering};

/// What a session may keep: a part of what the module may have.
const MEMORY_LIMIT: usize = 256 << 20;

/// Renders kustomizations: the answer is a list. Files and bases that several of them use are read
/// and rendered once.
pub(crate) fn render(host: MemoryHost, paths: &[String], options: Options) -> String {
    let options = BuildOptions::from(options);
    let rendered = match paths {
        // There is nothing to be kept for another.
        [path] => vec![build(&host, path, &options)],
        _ => Session::new(host, options).with_memory_limit(MEMORY_LIMIT).build_many(paths),
    };
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
pub(crate) fn diff(host: MemoryHost, paths: &[String], options: Options) -> String {
    let options = BuildOptions::from(options);
    let side = |index: usize| {
        let path = paths.get(index).map_or("", String::as_str);
        build(&host, path, &options)
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
