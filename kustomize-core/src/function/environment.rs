//! Environment variables of functions, from the configuration and from the command line. Where
//! both name a variable, the command line wins.

use std::collections::BTreeMap;

/// Variables of an exec function. What is not exactly `NAME=value` is left out, also where the
/// value has a `=`: so does kustomize.
pub(super) fn of_program(declared: &[String], imperative: &[String]) -> Vec<(String, String)> {
    let pairs = declared.iter().chain(imperative).filter_map(|variable| {
        let (name, value) = variable.split_once('=')?;
        if value.contains('=') { None } else { Some((name.to_owned(), value.to_owned())) }
    });
    pairs.collect::<BTreeMap<_, _>>().into_iter().collect()
}

/// Options of `docker run` for the variables of a container: those with a value sorted by name,
/// then those that are handed on from here.
pub(super) fn of_container(declared: &[String], imperative: &[String]) -> Vec<String> {
    let mut with_value = BTreeMap::from([("LOG_TO_STDERR", "true"), ("STRUCTURED_RESULTS", "true")]);
    let mut handed_on: Vec<&str> = Vec::new();
    for variable in declared.iter().chain(imperative) {
        match variable.split_once('=') {
            Some((name, value)) => drop(with_value.insert(name, value)),
            None if handed_on.contains(&variable.as_str()) => {}
            None => handed_on.push(variable),
        }
    }
    let with_value = with_value.into_iter().map(|(name, value)| format!("{name}={value}"));
    let variables = with_value.chain(handed_on.into_iter().map(str::to_owned));
    variables.flat_map(|variable| ["-e".to_owned(), variable]).collect()
}
