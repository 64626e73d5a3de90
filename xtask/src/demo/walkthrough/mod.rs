//! The walk-through of the reconciler: a git repository, a cluster inside the reconciler's process,
//! and the commands that a user would type. Each step checks what the cluster has in the end.

mod automation;
mod delivery;
mod stage;
mod stand_ins;

use std::time::Instant;

use crate::steps::human;
use crate::{Failure, build};
use stage::Stage;
use stand_ins::{Registry, Slack};

/// Plays the walk-through.
///
/// # Errors
/// The reconciler does not compile, or a step does not end as it should.
pub fn run() -> Result<(), Failure> {
    println!(
        "\nbuilding the reconciler: about ten minutes the first time on two cores; cargo shows how far it is"
    );
    let program = build::reconciler(build::Profile::Debug)?;
    let started = Instant::now();
    let stage = Stage::start(&program)?;
    delivery::first_pods(&stage)?;
    delivery::typo(&stage)?;
    delivery::two_environments(&stage)?;
    delivery::staging_alone(&stage)?;
    delivery::prune(&stage)?;
    let slack = Slack::start()?;
    delivery::alert(&stage, &slack)?;
    delivery::broken_overlay(&stage, &slack)?;
    automation::images(&stage, &Registry::start(&["1.20.0", "1.29.1", "1.31.0", "latest"])?)?;
    automation::policy(&stage, &slack)?;
    automation::tenant(&stage)?;
    println!("\nThe walk-through took {}. The command is {}", human(started.elapsed()), program.display());
    Ok(())
}
