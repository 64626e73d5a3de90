//! `cargo xtask conformance`: recorded cases of kustomize's own tests, each rendered by the command.

mod case;
mod floor;
mod report;
mod trial;

use std::path::PathBuf;
use std::time::Instant;

use crate::steps::human;
use crate::{Failure, build, pool, workspace};
use case::Group;
use trial::{Trial, Verdict};

/// Where the cases are unless told otherwise, from the root of the repository.
pub const CASES: &str = "../shared/conformance";

/// Options of `cargo xtask conformance`.
#[derive(clap::Args, Default)]
pub struct Args {
    /// Directory of the cases [default: ../shared/conformance]
    directory: Option<PathBuf>,
    /// Only cases whose path contains this; the floor is then not looked at
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// List the cases that failed, and how
    #[arg(long)]
    list_fails: bool,
    /// Measure the optimized build
    #[arg(long)]
    release: bool,
    /// Measure another program, such as "kustomize build"; the floor is then not looked at
    #[arg(long, value_name = "COMMAND")]
    command: Option<String>,
}

/// Runs the cases.
///
/// # Errors
/// Fewer passed than the committed floor asks for.
pub fn run(args: &Args) -> Result<(), Failure> {
    let directory = args.directory.clone().unwrap_or_else(|| workspace::root().join(CASES));
    let mut cases = case::load(&directory)?;
    if let Some(only) = &args.only {
        cases.retain(|case| case.name.contains(only.as_str()));
    }
    let helm = helm();
    let without_helm = cases.len();
    if helm.is_none() {
        cases.retain(|case| !case.needs_helm);
    }
    let skipped = without_helm - cases.len();

    let command = match &args.command {
        Some(command) => command.split_whitespace().map(Into::into).collect(),
        None => vec![build::command(build::Profile::of(args.release))?.into_os_string(), "build".into()],
    };
    let trial = Trial::new(command, helm)?;
    let started = Instant::now();
    let verdicts = pool::map(&cases, pool::cores(), |case| trial.run(case), |_| {});
    let counts = report::print(&cases, &verdicts, args.list_fails);
    println!("\n{} cases in {}", cases.len(), human(started.elapsed()));
    if skipped > 0 {
        println!(
            "SKIPPED {skipped} cases: they run helm 3, which is not on PATH (go install helm.sh/helm/v3/cmd/helm@latest)"
        );
    }
    for group in Group::ALL {
        println!("{}: {} passed, {} failed", group.name(), counts.passed(group), counts.failed(group));
    }
    println!("{} passed, {} failed", counts.all_passed(), counts.all_failed());
    match args.only.is_some() || args.command.is_some() || args.directory.is_some() {
        true => Ok(()),
        false => floor::check(&counts, &cases, &verdicts, skipped),
    }
}

/// helm 3 on PATH, or where `go install` puts it; installed by Go when it is missing and Go is there.
pub fn helm() -> Option<PathBuf> {
    if let Some(helm) = workspace::find_program("helm") {
        return Some(helm);
    }
    let go = workspace::find_program("go")?;
    let asked = std::process::Command::new(&go).args(["env", "GOPATH"]).output().ok()?;
    let helm = PathBuf::from(String::from_utf8(asked.stdout).ok()?.trim()).join("bin/helm");
    if !helm.is_file() {
        println!("installing helm 3 with go, once (some minutes)");
        let mut install = std::process::Command::new(&go);
        install.args(["install", "helm.sh/helm/v3/cmd/helm@v3.19.0"]).env("CGO_ENABLED", "0");
        install.status().ok()?;
    }
    Some(helm).filter(|helm| helm.is_file())
}

impl Verdict {
    fn passed(&self) -> bool {
        matches!(self, Verdict::Passed)
    }
}
