//! What is printed of a comparison.

use std::collections::BTreeMap;
use std::time::Duration;

use super::trial::{Outcome, Result, Subject};
use crate::Failure;
use crate::steps::human;

#[derive(Default)]
struct Row {
    counts: [usize; Outcome::ALL.len()],
    ours: Duration,
    oracle: Duration,
}

impl Row {
    fn add(&mut self, result: &Result) {
        self.counts[result.outcome as usize] += 1;
        self.ours += result.ours;
        self.oracle += result.oracle;
    }

    fn print(&self, name: &str) {
        print!("{name:<40}");
        for (outcome, count) in Outcome::ALL.iter().zip(self.counts) {
            print!(" {count:>width$}", width = outcome.name().len());
        }
        println!(" {:>10} {:>10}", human(self.ours), human(self.oracle));
    }
}

/// Prints what is not equal, then counts and times for each repository and in all.
pub fn print(subjects: &[Subject], results: &[Result], diff: bool) -> std::result::Result<(), Failure> {
    let mut rows: BTreeMap<&str, Row> = BTreeMap::new();
    let mut all = Row::default();
    for (subject, result) in subjects.iter().zip(results) {
        rows.entry(&subject.repository).or_default().add(result);
        all.add(result);
        if result.outcome.is_bad() {
            println!("{}: {} {}", result.outcome.name(), subject.repository, subject.path);
            if diff {
                result.detail.lines().take(20).for_each(|line| println!("    {line}"));
            }
        }
    }
    print!("\n{:<40}", "repository");
    for outcome in Outcome::ALL {
        print!(" {}", outcome.name());
    }
    println!(" {:>10} {:>10}", "ours", "oracle");
    for (name, row) in &rows {
        row.print(name);
    }
    all.print("in all");
    let bad: usize = Outcome::ALL
        .iter()
        .filter(|outcome| outcome.is_bad())
        .map(|outcome| all.counts[*outcome as usize])
        .sum();
    match bad {
        0 => Ok(()),
        bad => Err(format!("{bad} of {} kustomizations are not as they should be", subjects.len()).into()),
    }
}
