//! Checks that the top-level modules of a crate do not import each other in circles.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::{Failure, workspace};

/// Crates whose modules form layers.
const CRATES: [&str; 10] = [
    "admission-policy",
    "embedded-cluster",
    "kustomize-core",
    "kustomize-difference",
    "kustomize-golden",
    "kustomize-host",
    "kustomize-yaml",
    "reconciler",
    "reconciler-core",
    "rego-policy",
];

/// Which modules a module imports, each with one file that does.
type Imports = BTreeMap<String, BTreeMap<String, String>>;

/// Reads the crates' sources and names every circle.
///
/// # Errors
/// There is a circle, or a file cannot be read.
pub(crate) fn run() -> Result<(), Failure> {
    let mut circles = Vec::new();
    for name in CRATES {
        let imports = imports(&workspace::root().join(name).join("src"))?;
        if let Some(circle) = circle(&imports) {
            circles.push(format!("{name}: {}", describe(&circle, &imports)));
        }
    }
    if circles.is_empty() {
        println!("no module of {} imports itself through others", CRATES.join(", "));
        return Ok(());
    }
    Err(format!("modules import each other in a circle\n{}", circles.join("\n")).into())
}

/// What each top-level module below `src` imports. Tests do not count.
fn imports(src: &Path) -> Result<Imports, Failure> {
    let mut modules = BTreeSet::new();
    for entry in std::fs::read_dir(src)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        modules.insert(name.strip_suffix(".rs").unwrap_or(&name).to_owned());
    }
    let reexports = reexports(&std::fs::read_to_string(src.join("lib.rs"))?);
    let mut imports = Imports::new();
    let mut directories = vec![src.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(&directory)? {
            let path = entry?.path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            let file = path.strip_prefix(src)?.to_string_lossy().into_owned();
            let Some(stem) = file.strip_suffix(".rs").filter(|stem| !stem.ends_with("tests")) else {
                continue;
            };
            let module = stem.split('/').next().unwrap_or(stem).to_owned();
            if module == "lib" || module == "main" {
                continue;
            }
            for imported in imported(&std::fs::read_to_string(&path)?, depth(stem)) {
                let target = reexports.get(&imported).unwrap_or(&imported);
                if *target != module && modules.contains(target) {
                    let known = imports.entry(module.clone()).or_default();
                    known.entry(target.clone()).or_insert_with(|| file.clone());
                }
            }
        }
    }
    Ok(imports)
}

/// Items that `lib.rs` exports again, and the modules they come from.
fn reexports(lib: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for statement in lib.split(';') {
        let Some((_, path)) = statement.rsplit_once("pub use ") else { continue };
        let Some((module, items)) = path.split_once("::") else { continue };
        let items = items.trim_matches(|letter| "{}\n ".contains(letter));
        for item in items.split(',').map(str::trim).filter(|item| !item.is_empty()) {
            found.insert(item.to_owned(), module.trim().to_owned());
        }
    }
    found
}

/// How many modules a file without its `.rs` is below the root of the crate.
fn depth(stem: &str) -> usize {
    stem.strip_suffix("/mod").unwrap_or(stem).split('/').count()
}

/// The first names behind `crate::`, or behind as many `super::` as lead there, in a source file without its
/// inline tests.
fn imported(source: &str, depth: usize) -> BTreeSet<String> {
    let source = source.split("#[cfg(test)]\nmod ").next().unwrap_or(source);
    let above = "super::".repeat(depth);
    let mut found = BTreeSet::new();
    for line in source.lines().filter(|line| !line.trim_start().starts_with("//")) {
        let behind_crate = line.split("crate::").skip(1);
        // Fewer lead to a module of this one, and more lead nowhere.
        let behind_super = line
            .match_indices(&above)
            .filter(|(at, _)| !line[..*at].ends_with("super::"))
            .map(|(at, _)| &line[at + above.len()..])
            .filter(|rest| !rest.starts_with("super::"));
        for rest in behind_crate.chain(behind_super) {
            let names = match rest.strip_prefix('{') {
                Some(list) => list.split(',').map(str::trim).collect(),
                None => vec![rest],
            };
            for name in names {
                let end = name.find(|letter: char| !letter.is_alphanumeric() && letter != '_');
                found.insert(name[..end.unwrap_or(name.len())].to_owned());
            }
        }
    }
    found
}

/// Modules of which each imports the next and the last the first.
fn circle(imports: &Imports) -> Option<Vec<String>> {
    let mut left: BTreeSet<&String> = imports.keys().collect();
    // What imports nothing that is left is in no circle.
    loop {
        let done = left.iter().copied().find(|module| imports[*module].keys().all(|to| !left.contains(to)));
        match done {
            Some(module) => left.remove(module),
            None => break,
        };
    }
    let mut path = vec![(*left.first()?).clone()];
    loop {
        let next = imports[path.last()?].keys().find(|to| left.contains(to))?;
        if let Some(start) = path.iter().position(|module| module == next) {
            return Some(path.split_off(start));
        }
        path.push(next.clone());
    }
}

fn describe(circle: &[String], imports: &Imports) -> String {
    let next = circle.iter().cycle().skip(1);
    let edges = circle.iter().zip(next).map(|(from, to)| format!("{from} -> {to} ({})", imports[from][to]));
    edges.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &[(&str, &str)]) -> Imports {
        let mut imports = Imports::new();
        for (from, to) in edges {
            let file = format!("{from}.rs");
            imports.entry((*from).to_owned()).or_default().insert((*to).to_owned(), file);
        }
        imports
    }

    #[test]
    fn a_circle_is_found_behind_other_modules() {
        let imports = graph(&[("a", "b"), ("b", "c"), ("c", "d"), ("d", "b"), ("e", "a")]);
        let circle = circle(&imports).unwrap();
        assert_eq!(circle, ["b", "c", "d"]);
        assert_eq!(describe(&circle, &imports), "b -> c (b.rs), c -> d (c.rs), d -> b (d.rs)");
        assert_eq!(super::circle(&graph(&[("a", "b"), ("b", "c"), ("a", "c")])), None);
    }

    #[test]
    fn imports_are_read_from_lists_and_paths() {
        let source = "use crate::yaml::Node;\nuse crate::{host, error::E};\nlet x = crate::build();\n// crate::no\n#[cfg(test)]\nmod tests {\n    use crate::never;\n}\n";
        let found: Vec<_> = imported(source, 2).into_iter().collect();
        assert_eq!(found, ["build", "error", "host", "yaml"]);
    }

    #[test]
    fn modules_above_are_counted() {
        assert_eq!(["lib", "a", "a/mod", "a/b", "a/b/mod"].map(depth), [1, 1, 1, 2, 2]);
        let source = "use super::one;\nuse super::super::{two, three::T};\nuse super::super::super::four;\n";
        let found = |depth| imported(source, depth).into_iter().collect::<Vec<_>>();
        assert_eq!(found(1), ["one"]);
        assert_eq!(found(2), ["three", "two"]);
        assert_eq!(found(3), ["four"]);
    }
}
