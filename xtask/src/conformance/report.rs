//! What is printed of a measurement.

use std::collections::BTreeMap;

use super::case::{Case, Group};
use super::trial::Verdict;

/// Passed and failed, by group.
#[derive(Default)]
pub struct Counts {
    passed: [usize; 3],
    failed: [usize; 3],
}

impl Counts {
    /// Cases of a group that passed.
    pub fn passed(&self, group: Group) -> usize {
        self.passed[group as usize]
    }

    /// Cases of a group that failed.
    pub fn failed(&self, group: Group) -> usize {
        self.failed[group as usize]
    }

    /// All that passed.
    pub fn all_passed(&self) -> usize {
        self.passed.iter().sum()
    }

    /// All that failed.
    pub fn all_failed(&self) -> usize {
        self.failed.iter().sum()
    }
}

/// Prints passed and failed by the source file that the cases were recorded from, and counts.
pub fn print(cases: &[Case], verdicts: &[Verdict], list_fails: bool) -> Counts {
    let mut counts = Counts::default();
    let mut by_source: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (case, verdict) in cases.iter().zip(verdicts) {
        let row = by_source.entry(&case.source_file).or_default();
        match verdict {
            Verdict::Passed => {
                row.0 += 1;
                counts.passed[case.group as usize] += 1;
            }
            Verdict::Failed(how) => {
                row.1 += 1;
                counts.failed[case.group as usize] += 1;
                if list_fails {
                    println!("{} ({})\n{}", case.name, case.group.name(), indented(how));
                }
            }
        }
    }
    println!("{:<72} passed failed", "source file");
    for (source, (passed, failed)) in by_source {
        let failed = if failed == 0 { String::new() } else { failed.to_string() };
        println!("{source:<72} {passed:>6} {failed:>6}");
    }
    counts
}

fn indented(how: &str) -> String {
    how.lines().take(12).map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}
