//! The command at work on the overlays in `fixtures/`.

use std::process::Command;
use std::time::Instant;

use crate::steps::human;
use crate::{Failure, build, workspace};

/// Builds the command and shows it at work.
///
/// # Errors
/// It does not compile, or does not render what it should.
pub fn run() -> Result<(), Failure> {
    println!(
        "building kustomize-rs: about 3.5 minutes of CPU time the first time, shared by all cores; cargo shows \
         how far it is"
    );
    let program = build::command(build::Profile::Quick)?;
    let show = |overlay: &str| -> Result<bool, Failure> {
        let directory = format!("fixtures/apps/overlays/{overlay}");
        println!("\n$ kustomize-rs build {directory}");
        let started = Instant::now();
        let ended =
            Command::new(&program).args(["build", &directory]).current_dir(workspace::root()).output()?;
        let took = started.elapsed();
        print!("{}", String::from_utf8_lossy(&ended.stdout));
        eprint!("{}", String::from_utf8_lossy(&ended.stderr));
        println!("# took {}", human(took));
        Ok(ended.status.success())
    };
    let rendered = show("staging")? & show("production")?;
    println!("\nAnd an overlay with a mistake in it:");
    let mistaken = show("broken")?;
    if !rendered || mistaken {
        return Err("the demo did not go as it should".into());
    }
    println!("\nThe command is {}", program.display());
    Ok(())
}
