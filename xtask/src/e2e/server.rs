//! Servers that suites talk to, built from source.

use std::path::PathBuf;

use super::{go, programs};
use crate::{Failure, workspace};

/// A program of a Go module.
pub struct Server {
    name: &'static str,
    module: &'static str,
    version: &'static str,
    /// How long the first build takes.
    duration: &'static str,
}

/// A server of NATS.
pub const NATS: Server = Server {
    name: "nats-server",
    module: "github.com/nats-io/nats-server/v2",
    version: "v2.12.4",
    duration: "about a minute",
};

/// A store that speaks the protocol of S3.
pub const MINIO: Server = Server {
    name: "minio",
    module: "github.com/minio/minio",
    version: "v0.0.0-20260212201848-7aac2a2c5b7c",
    duration: "about five CPU minutes",
};

impl Server {
    /// Builds the server unless it is in the cache, and returns the program.
    ///
    /// # Errors
    /// There is no Go, or it cannot fetch or compile the server.
    pub fn build(&self) -> Result<PathBuf, Failure> {
        let Server { name, module, version, duration } = self;
        go::version()?;
        let directory = programs::cache_root()?.with_file_name(name).join(version);
        let program = directory.join(workspace::executable(name));
        if !program.is_file() {
            println!("building {name} {version}: {duration} the first time");
            std::fs::create_dir_all(&directory)?;
            let mut command = go::command();
            // Outside the module of the control plane, which does not require it.
            command.current_dir(&directory).args(["install", "-trimpath", "-ldflags=-s -w"]);
            command.arg(format!("{module}@{version}"));
            if !command.env("GOBIN", &directory).env("CGO_ENABLED", "0").status()?.success() {
                return Err(format!("go cannot build {module}@{version}").into());
            }
        }
        Ok(program)
    }
}
