//! Modules that are evaluated together.

use std::num::NonZeroU32;
use std::time::Duration;

use regorus::utils::limits::{ExecutionTimerConfig, LimitError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How long the evaluation of a rule may take.
const RULE_LIMIT: Duration = Duration::from_secs(5);
/// The beginnings of the names of rules that find something.
const RULES: [&str; 3] = ["deny", "violation", "warn"];

/// How many columns of an error a tab is.
const TAB: usize = 4;

/// A Rego module.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Module {
    /// Where it is from.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// Modules that are evaluated together.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Program {
    pub(crate) modules: Vec<Module>,
    /// The module with the rules; without one, `package main` has them.
    pub(crate) entry: Option<String>,
}

/// What a rule has found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Found {
    pub(crate) rule: String,
    pub(crate) message: String,
}

/// A program that is ready to be evaluated.
pub(crate) struct Compiled {
    engine: regorus::Engine,
    /// The package with the rules, as `data.main`.
    package: String,
    /// The names of the rules.
    rules: Vec<String>,
    /// Whether rules are left out for some objects.
    has_exceptions: bool,
}

impl Program {
    /// Parses the modules, and finds the rules.
    pub(crate) fn compile(&self) -> Result<Compiled, String> {
        let mut engine = regorus::Engine::new();
        let timer = ExecutionTimerConfig { limit: RULE_LIMIT, check_interval: NonZeroU32::MIN };
        engine.set_execution_timer_config(timer);
        // As with OPA, a builtin function that fails has no value.
        engine.set_strict_builtin_errors(false);
        // What is printed must not mix with the answers.
        engine.set_gather_prints(true);
        let mut packages = Vec::new();
        for module in &self.modules {
            packages.push(add(&mut engine, module)?);
        }
        let package = match &self.entry {
            None => "data.main".to_owned(),
            Some(entry) => {
                let index = self.modules.iter().position(|module| module.path == *entry);
                index.and_then(|index| packages.get(index).cloned()).ok_or("the template has no module")?
            }
        };
        let in_package = || {
            self.modules
                .iter()
                .zip(&packages)
                .filter(|(_, found)| **found == package)
                .map(|(module, _)| module)
        };
        let mut rules = Vec::new();
        let mut has_exceptions = false;
        for module in in_package() {
            // Names of rules are words of the text.
            let words = module.text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
            for word in words.filter(|word| is_rule(word) || *word == "exception") {
                let is_known = rules.iter().any(|rule| rule == word);
                if is_known
                    || !engine.has_declared_rule_rooted_at(&module.path, word).map_err(|e| explain(&e))?
                {
                    continue;
                }
                if word == "exception" {
                    has_exceptions = true;
                } else if self.entry.is_none() || word == "violation" {
                    rules.push(word.to_owned());
                }
            }
        }
        if rules.is_empty() {
            return Err(self.without_rules(&packages));
        }
        rules.sort_unstable();
        Ok(Compiled { engine, package, rules, has_exceptions: has_exceptions && self.entry.is_none() })
    }

    /// Why nothing could ever be found.
    fn without_rules(&self, packages: &[String]) -> String {
        match &self.entry {
            Some(entry) => format!("{entry} has no rule `violation`"),
            None => {
                let found: Vec<String> = self
                    .modules
                    .iter()
                    .zip(packages)
                    .map(|(module, package)| {
                        format!("{} (package {})", module.path, package.trim_start_matches("data."))
                    })
                    .collect();
                format!(
                    "no rule `deny`, `violation` or `warn` is in `package main`, so that these would check nothing: {}",
                    found.join(", ")
                )
            }
        }
    }
}

/// Adds a module in the syntax of Rego v1, or in that of v0. Returns its package.
fn add(engine: &mut regorus::Engine, module: &Module) -> Result<String, String> {
    let mut attempt = |is_v0| {
        engine.set_rego_v0(is_v0);
        engine.add_policy(module.path.clone(), module.text.clone())
    };
    let first = match attempt(false) {
        Ok(package) => return Ok(package),
        Err(error) => error,
    };
    // The attempt that comes further into the text shows the true mistake.
    let second = match attempt(true) {
        Ok(package) => return Ok(package),
        Err(error) => error,
    };
    let is_further = position(&second.to_string()) > position(&first.to_string());
    Err(explain(if is_further { &second } else { &first }))
}

/// Whether a rule of this name finds something: `deny`, or `deny_` and more.
fn is_rule(name: &str) -> bool {
    RULES
        .iter()
        .any(|rule| name.strip_prefix(rule).is_some_and(|rest| rest.is_empty() || rest.starts_with('_')))
}

impl Compiled {
    /// What the rules find in an input.
    pub(crate) fn evaluate(&mut self, input: Value) -> Result<Vec<Found>, String> {
        self.engine.set_input(input.into());
        let excepted = match self.has_exceptions {
            true => self.value("exception")?,
            false => Value::Null,
        };
        let mut found = Vec::new();
        for rule in self.rules.clone() {
            let suffix = RULES.iter().find_map(|name| rule.strip_prefix(name)).unwrap_or_default();
            let suffix = suffix.trim_start_matches('_');
            let is_excepted =
                |rules: &Value| rules.as_array().is_some_and(|rules| rules.iter().any(|one| one == suffix));
            if excepted.as_array().is_some_and(|list| list.iter().any(is_excepted)) {
                continue;
            }
            let messages =
                messages(self.value(&rule)?).map_err(|error| format!("{}: {error}", self.name(&rule)))?;
            found.extend(messages.into_iter().map(|message| Found { rule: rule.clone(), message }));
        }
        let _ = self.engine.take_prints();
        Ok(found)
    }

    fn name(&self, rule: &str) -> String {
        format!("{}.{rule}", self.package.trim_start_matches("data."))
    }

    /// The value of a rule; null if it has none.
    fn value(&mut self, rule: &str) -> Result<Value, String> {
        let value = self.engine.eval_rule(format!("{}.{rule}", self.package));
        let value = value.map_err(|error| format!("{}: {}", self.name(rule), explain(&error)))?;
        if value == regorus::Value::Undefined {
            return Ok(Value::Null);
        }
        let text = value.to_json_str().map_err(|error| explain(&error))?;
        serde_json::from_str(&text).map_err(|error| error.to_string())
    }
}

/// The messages in the value of a rule.
fn messages(value: Value) -> Result<Vec<String>, String> {
    match value {
        Value::Null | Value::Bool(false) => Ok(Vec::new()),
        Value::Bool(true) => Ok(vec!["the rule is true".to_owned()]),
        Value::Array(list) => list.into_iter().map(message).collect(),
        // `deny[message] if { … }` defines a map from messages to truth.
        Value::Object(map) => {
            Ok(map.into_iter().filter(|(_, truth)| *truth != false).map(|(key, _)| key).collect())
        }
        other => Err(format!("it is {other}, and not a set of messages")),
    }
}

fn message(value: Value) -> Result<String, String> {
    match value {
        Value::String(message) => Ok(message),
        Value::Object(mut fields) => match fields.remove("msg") {
            Some(Value::String(message)) => Ok(message),
            _ => Err("a result has no text as `msg`".to_owned()),
        },
        other => Err(format!("{other} is neither a text nor an object with `msg`")),
    }
}

/// An error in one line that starts with the place.
fn explain(error: &anyhow::Error) -> String {
    if let Some(LimitError::TimeLimitExceeded { .. }) = error.downcast_ref::<LimitError>() {
        return format!("the evaluation takes longer than {} s, and was ended", RULE_LIMIT.as_secs());
    }
    let text = format!("{error:#}");
    let place = place(&text).map(|place| in_characters(place, &text));
    let reason = text.lines().find_map(|line| line.strip_prefix("error: "));
    match (place, reason) {
        (Some(place), Some(reason)) => format!("{place}: {reason}"),
        _ => text.trim().to_owned(),
    }
}

/// The place with the column in characters, of which a tab is one. The error counts four for each of them.
fn in_characters(place: &str, error: &str) -> String {
    let shown = error.lines().find_map(|line| {
        let (number, text) = line.split_once("| ")?;
        number.trim().parse::<u32>().ok().map(|_| text)
    });
    let parts =
        place.rsplit_once(':').and_then(|(start, column)| Some((start, column.parse::<usize>().ok()?)));
    let (Some(text), Some((start, column))) = (shown, parts) else { return place.to_owned() };
    let (mut width, mut count) = (1, 1);
    for letter in text.chars() {
        if width >= column {
            break;
        }
        width += if letter == '\t' { TAB } else { letter.len_utf8() };
        count += 1;
    }
    format!("{start}:{count}")
}

/// The place in an error, as `file:line:column`.
fn place(text: &str) -> Option<&str> {
    text.lines().find_map(|line| line.strip_prefix("--> "))
}

/// Line and column in an error.
fn position(text: &str) -> Option<(u32, u32)> {
    let mut numbers = place(text)?.rsplit(':').map(str::parse);
    let (column, line) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    Some((line, column))
}
