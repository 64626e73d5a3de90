//! The committed number of cases that have to pass: what was reached is not lost again.

use super::case::{Case, Group};
use super::report::Counts;
use super::trial::Verdict;
use crate::{Failure, workspace};

/// From the root of the repository; lines of a group's name and a number.
const FILE: &str = ".ci/conformance-floor";

/// Fails when a group has fewer passed than its floor. Cases skipped for want of helm are let off.
pub fn check(counts: &Counts, cases: &[Case], verdicts: &[Verdict], skipped: usize) -> Result<(), Failure> {
    let text =
        std::fs::read_to_string(workspace::root().join(FILE)).map_err(|error| format!("{FILE}: {error}"))?;
    let mut below = Vec::new();
    for group in Group::ALL {
        let line = text.lines().find_map(|line| line.strip_prefix(group.name()));
        let floor: usize = line.ok_or_else(|| format!("{FILE} has no {}", group.name()))?.trim().parse()?;
        let passed = counts.passed(group);
        if passed + skipped < floor {
            below.push(format!("{} passed {passed}, the floor is {floor}", group.name()));
        } else if passed > floor {
            println!("{}: {passed} passed, more than the floor of {floor}: raise it in {FILE}", group.name());
        }
    }
    if below.is_empty() {
        return Ok(());
    }
    let failed = cases.iter().zip(verdicts).filter(|(_, verdict)| !verdict.passed());
    failed.take(20).for_each(|(case, _)| println!("failed: {}", case.name));
    Err(format!("{} ({FILE})", below.join("; ")).into())
}
