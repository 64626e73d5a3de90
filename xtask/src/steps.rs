//! Steps of a long task: what runs, how long it took, and about how much is left.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::{Failure, workspace};

/// Steps to run one after the other.
pub struct Steps {
    list: Vec<(String, Work)>,
}

type Work = Box<dyn FnOnce() -> Result<Outcome, Failure>>;

/// How a step went, short of failing.
pub enum Outcome {
    /// It ran.
    Done,
    /// It could not run here; why.
    Skipped(String),
}

impl Steps {
    /// No steps yet.
    pub fn new() -> Self {
        Steps { list: Vec::new() }
    }

    /// Adds a command that has to succeed.
    pub fn command(&mut self, name: &str, mut command: Command) {
        let shown = name.to_owned();
        self.add(name, move || match command.status()?.success() {
            true => Ok(Outcome::Done),
            false => Err(format!("{shown} failed").into()),
        });
    }

    /// Adds a step.
    pub fn add(&mut self, name: &str, work: impl FnOnce() -> Result<Outcome, Failure> + 'static) {
        self.list.push((name.to_owned(), Box::new(work)));
    }

    /// Runs all, even after one has failed.
    ///
    /// # Errors
    /// Names the steps that failed.
    pub fn run(self) -> Result<(), Failure> {
        let mut times = Times::load();
        let names: Vec<String> = self.list.iter().map(|(name, _)| name.clone()).collect();
        let (started, total) = (Instant::now(), names.len());
        let (mut failed, mut skipped) = (Vec::new(), Vec::new());
        for (at, (name, work)) in self.list.into_iter().enumerate() {
            println!("\n[{}/{total}] {name}{}", at + 1, times.left(&names[at..]));
            let begun = Instant::now();
            match work() {
                Ok(Outcome::Done) => {
                    times.set(&name, begun.elapsed());
                    println!("[{}/{total}] {name}: done in {}", at + 1, human(begun.elapsed()));
                }
                Ok(Outcome::Skipped(reason)) => {
                    println!("[{}/{total}] {name}: SKIPPED, {reason}", at + 1);
                    skipped.push(name);
                }
                Err(failure) => {
                    println!(
                        "[{}/{total}] {name}: FAILED after {}: {failure}",
                        at + 1,
                        human(begun.elapsed())
                    );
                    failed.push(name);
                }
            }
        }
        times.save();
        println!("\n{total} steps in {}", human(started.elapsed()));
        if !skipped.is_empty() {
            println!("skipped: {}", skipped.join(", "));
        }
        if failed.is_empty() { Ok(()) } else { Err(format!("failed: {}", failed.join(", ")).into()) }
    }
}

/// A duration for people.
pub fn human(duration: Duration) -> String {
    match duration.as_secs() {
        0 => format!("{:.1} ms", duration.as_secs_f64() * 1e3),
        1..=59 => format!("{:.1} s", duration.as_secs_f64()),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

/// How long steps took the last time.
struct Times {
    seconds: BTreeMap<String, f64>,
}

impl Times {
    fn file() -> PathBuf {
        workspace::target().join("xtask-times")
    }

    fn load() -> Self {
        let text = std::fs::read_to_string(Self::file()).unwrap_or_default();
        let lines = text.lines().filter_map(|line| line.split_once(' '));
        let parsed = lines.filter_map(|(time, name)| Some((name.to_owned(), time.parse().ok()?)));
        Times { seconds: parsed.collect() }
    }

    fn set(&mut self, name: &str, took: Duration) {
        self.seconds.insert(name.to_owned(), took.as_secs_f64());
    }

    fn save(&self) {
        let lines: Vec<String> =
            self.seconds.iter().map(|(name, time)| format!("{time:.1} {name}\n")).collect();
        let _ = std::fs::write(Self::file(), lines.concat());
    }

    /// What to say of the steps to come, when they are known and long.
    fn left(&self, names: &[String]) -> String {
        let known: Option<f64> = names.iter().map(|name| self.seconds.get(name)).sum();
        match known {
            Some(seconds) if seconds >= 10.0 => {
                format!(" (about {} left in all)", human(Duration::from_secs_f64(seconds)))
            }
            _ => String::new(),
        }
    }
}
