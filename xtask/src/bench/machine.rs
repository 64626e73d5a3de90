//! What was measured, and on what: numbers mean little without it.

use std::path::Path;
use std::process::Command;

use crate::Failure;
use crate::oracle::Oracle;
use crate::pool;

/// One line: both programs' versions, the compiler's, the processor and its cores.
///
/// # Errors
/// A program does not tell its version.
pub fn describe(ours: &Path, oracle: &Oracle) -> Result<String, Failure> {
    let own = first_line(Command::new(ours).arg("--version"))?;
    let compiler = first_line(Command::new("rustc").arg("--version"))?;
    Ok(format!(
        "{own}, {compiler}; kustomize {}; {}, {} cores",
        oracle.version()?,
        processor(),
        pool::cores()
    ))
}

/// One line about a measurement of reconcilers.
///
/// # Errors
/// The program does not tell its version.
pub fn describe_reconcilers(ours: &Path) -> Result<String, Failure> {
    let own = first_line(Command::new(ours).args(["version", "--client"]))?;
    let compiler = first_line(Command::new("rustc").arg("--version"))?;
    Ok(format!("{own}, {compiler}; {}, {} cores", processor(), pool::cores()))
}

fn first_line(command: &mut Command) -> Result<String, Failure> {
    let output = command.output()?.stdout;
    Ok(String::from_utf8_lossy(&output).lines().next().unwrap_or_default().trim().to_owned())
}

/// The processor's name where Linux tells it, else its architecture.
fn processor() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    name.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.trim().to_owned())
}
