//! The Go toolchain: whether it is there, and new enough.

use std::path::PathBuf;
use std::process::Command;

use super::MODULE;
use crate::{Failure, workspace};

/// Go, run in the module.
pub fn command() -> Command {
    let mut command = Command::new("go");
    command.current_dir(workspace::root().join(MODULE)).env("GOFLAGS", "-buildvcs=false");
    command
}

/// The version of Go that builds the module, such as `go1.26.8`.
///
/// # Errors
/// There is no Go, or none new enough. The message says what to do.
pub fn version() -> Result<String, Failure> {
    let file = workspace::root().join(MODULE).join("go.mod");
    let text = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    let needed = text.lines().find_map(|line| line.strip_prefix("go ")).unwrap_or("1.26").trim();
    let advice = format!(
        "a real API server is built with Go {needed} or later: install it from https://go.dev/dl, \
         or name another cluster with KUBECONFIG; `cargo xtask test` needs neither"
    );
    let found = match command().args(["env", "GOVERSION"]).output() {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        Ok(output) => {
            let message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(format!("go does not work here: {message}\n{advice}").into());
        }
        Err(_) => return Err(format!("there is no go on PATH\n{advice}").into()),
    };
    if numbers(found.trim_start_matches("go")) < numbers(needed) {
        return Err(format!("{found} is too old\n{advice}").into());
    }
    Ok(found)
}

/// The sources of a module that ours requires, fetched if need be.
///
/// # Errors
/// There is no Go, none new enough, or it cannot fetch the module.
pub fn module_directory(module: &str) -> Result<PathBuf, Failure> {
    version()?;
    let output = command().args(["mod", "download", "-json", module]).output()?;
    let found: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    match (found["Dir"].as_str(), found["Error"].as_str()) {
        (Some(directory), None) => Ok(PathBuf::from(directory)),
        (_, error) => Err(format!("go cannot fetch {module}: {}", error.unwrap_or("no reason given")).into()),
    }
}

/// The numbers of a version, for comparison.
fn numbers(version: &str) -> Vec<u32> {
    version.split('.').map_while(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::numbers;

    #[test]
    fn versions_compare_by_number() {
        assert!(numbers("1.9.4") < numbers("1.26.0"));
        assert!(numbers("1.26.8") > numbers("1.26.0"));
        assert!(numbers("1.27") > numbers("1.26.0"));
    }
}
