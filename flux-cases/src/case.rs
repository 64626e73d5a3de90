//! Tables of cases, and what came of them.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::Path;

use serde_json::Value;

/// What an area needs to run: its name, which is its directory, and the function that runs it.
pub(crate) struct Area {
    /// The directory below the cases' root.
    pub(crate) name: &'static str,
    /// Runs all tables of the directory. An error means that a table could not be read at all.
    pub(crate) run: fn(&Path, &mut Report) -> Result<(), String>,
}

/// How many cases of a table passed and failed.
#[derive(Default)]
pub(crate) struct Counts {
    /// Cases whose answer was equal.
    pub(crate) passed: usize,
    /// Cases whose answer was not.
    pub(crate) failed: usize,
}

/// What came of the cases of an area.
#[derive(Default)]
pub(crate) struct Report {
    /// The counts of each table.
    pub(crate) tables: BTreeMap<String, Counts>,
    /// The case and the reason, for each that failed.
    pub(crate) failures: Vec<(String, String)>,
}

impl Report {
    /// Runs every case of `DIR/TABLE.json` through `check`, which says what is wrong.
    ///
    /// A table that does not exist is left out.
    pub(crate) fn table(
        &mut self,
        folder: &Path,
        table: &str,
        check: impl Fn(&Value) -> Result<(), String>,
    ) -> Result<(), String> {
        let Some(cases) = read(folder, table)? else { return Ok(()) };
        for (index, case) in cases.iter().enumerate() {
            let id = case["id"].as_str().map_or_else(|| format!("{table}#{index}"), str::to_owned);
            self.record(table, &id, check(case));
        }
        Ok(())
    }

    /// Notes what came of one case.
    pub(crate) fn record(&mut self, table: &str, id: &str, outcome: Result<(), String>) {
        let counts = self.tables.entry(table.to_owned()).or_default();
        match outcome {
            Ok(()) => counts.passed += 1,
            Err(reason) => {
                counts.failed += 1;
                self.failures.push((id.to_owned(), reason));
            }
        }
    }
}

/// The whole content of `DIR/TABLE.json`, if there is such a file.
pub(crate) fn document(folder: &Path, table: &str) -> Result<Option<Value>, String> {
    let path = folder.join(format!("{table}.json"));
    if !path.exists() {
        return Ok(None);
    }
    let name = |failure: String| format!("{}: {failure}", path.display());
    let text = std::fs::read(&path).map_err(|failure| name(failure.to_string()))?;
    serde_json::from_slice(&text).map(Some).map_err(|failure| name(failure.to_string()))
}

/// The cases of `DIR/TABLE.json`, if there is such a file.
pub(crate) fn read(folder: &Path, table: &str) -> Result<Option<Vec<Value>>, String> {
    let Some(mut document) = document(folder, table)? else { return Ok(None) };
    match document["cases"].take() {
        Value::Array(cases) => Ok(Some(cases)),
        _ => Err(format!("{table}.json has no list of cases")),
    }
}

/// Compares an answer with the recorded one.
pub(crate) fn equal<T: PartialEq + Debug>(what: &str, got: &T, wanted: &T) -> Result<(), String> {
    if got == wanted {
        return Ok(());
    }
    Err(format!("{what}:\n  got    {got:?}\n  wanted {wanted:?}"))
}

/// Compares two texts, which are shown as they are.
pub(crate) fn equal_text(what: &str, got: &str, wanted: &str) -> Result<(), String> {
    if got == wanted {
        return Ok(());
    }
    Err(format!("{what}:\n--- got\n{got}\n--- wanted\n{wanted}"))
}
