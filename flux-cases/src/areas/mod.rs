//! The areas, one module each.

mod cli;
mod envsubst;
mod image_policy;
mod kstatus;
mod kustomization;
mod notifications;
mod receivers;
mod scenarios;
mod semver;
mod setters;
mod sops;
mod source;
mod ssa;

use crate::case::Area;

/// Every area that can be run.
pub(crate) const ALL: &[Area] = &[
    Area { name: "cli", run: cli::run },
    Area { name: "envsubst", run: envsubst::run },
    Area { name: "image-policy", run: image_policy::run },
    Area { name: "kstatus", run: kstatus::run },
    Area { name: "kustomization", run: kustomization::run },
    Area { name: "notifications", run: notifications::run },
    Area { name: "semver", run: semver::run },
    Area { name: "setters", run: setters::run },
    Area { name: "sops", run: sops::run },
    Area { name: "source", run: source::run },
    Area { name: "ssa", run: ssa::run },
];
