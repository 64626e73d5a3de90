//! A server of NATS, built from source.

use std::path::PathBuf;

use super::{go, programs};
use crate::{Failure, workspace};

const MODULE: &str = "github.com/nats-io/nats-server/v2";
const VERSION: &str = "v2.12.4";

/// Builds the server unless it is in the cache, and returns the program.
///
/// # Errors
/// There is no Go, or it cannot fetch or compile the server.
pub fn build() -> Result<PathBuf, Failure> {
    go::version()?;
    let directory = programs::cache_root()?.with_file_name("nats-server").join(VERSION);
    let program = directory.join(workspace::executable("nats-server"));
    if !program.is_file() {
        println!("building nats-server {VERSION}: about a minute the first time");
        std::fs::create_dir_all(&directory)?;
        let mut command = go::command();
        // Outside the module of the control plane, which does not require it.
        command.current_dir(&directory).args(["install", "-trimpath"]).arg(format!("{MODULE}@{VERSION}"));
        if !command.env("GOBIN", &directory).env("CGO_ENABLED", "0").status()?.success() {
            return Err(format!("go cannot build {MODULE}@{VERSION}").into());
        }
    }
    Ok(program)
}
