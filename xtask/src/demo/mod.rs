//! `cargo xtask demo`: what the project does, shown.

mod overlays;
mod walkthrough;

use clap::Args as ClapArgs;

use crate::Failure;

/// Options of `demo`.
#[derive(ClapArgs)]
pub struct Args {
    /// Render the overlays, but do not play the walk-through of the reconciler
    #[arg(long)]
    overlays_only: bool,
    /// Play the walk-through only
    #[arg(long, conflicts_with = "overlays_only")]
    walkthrough_only: bool,
}

/// Renders the overlays in `fixtures/`, then plays the walk-through of the reconciler.
///
/// # Errors
/// Something does not compile, or does not do what it should.
pub fn run(args: &Args) -> Result<(), Failure> {
    if !args.walkthrough_only {
        overlays::run()?;
    }
    if args.overlays_only {
        return Ok(());
    }
    walkthrough::run()
}
