//! `kustomize-rs version`.

use crate::args::{VersionArgs, VersionFormat};
use crate::failure::Failure;
use crate::output;

/// Our own version.
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The version of kustomize whose output is reproduced.
const KUSTOMIZE: &str = "v5.8.1";

/// Prints the version.
pub(crate) fn run(args: &VersionArgs) -> Result<(), Failure> {
    output::to_stdout(text(args).as_bytes())
}

fn text(args: &VersionArgs) -> String {
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    match args.output {
        None if args.short => format!("{VERSION}\n"),
        None => format!("kustomize-rs {VERSION} (renders as kustomize {KUSTOMIZE})\n"),
        Some(VersionFormat::Yaml) => {
            format!("version: {VERSION}\nkustomizeVersion: {KUSTOMIZE}\nos: {os}\narch: {arch}\n")
        }
        Some(VersionFormat::Json) => format!(
            "{{\n  \"version\": \"{VERSION}\",\n  \"kustomizeVersion\": \"{KUSTOMIZE}\",\n  \"os\": \"{os}\",\n  \"arch\": \"{arch}\"\n}}\n"
        ),
    }
}
