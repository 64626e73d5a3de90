//! Decrypting what a Kustomization has encrypted.

use kustomize_core::Rendered;
use kustomize_core::host::Host;
use kustomize_core::resource::Resource;
use kustomize_core::yaml::Node;
use reconciler_core::generator::OverlayHost;
use reconciler_core::sops::{Integrity, Keys, Plaintext, decrypt_resource, decrypt_sources};

use super::place::relative;
use super::{BuildFailure, name_of};
use crate::source::git::GitTree;

/// Puts decrypted files in the place of those that generators and patches name. Verifies that no
/// encrypted resource was changed.
pub(super) fn files(
    host: &mut OverlayHost<'_>,
    tree: &GitTree,
    keys: &Keys,
    plaintext: &mut Plaintext,
) -> Result<(), BuildFailure> {
    let decrypted = decrypt_sources(&*host, host.directory(), keys, Integrity::Verify).map_err(|error| {
        BuildFailure::DecryptSources {
            message: error.to_string(),
            file: error.file().map(|file| relative(file).to_owned()),
        }
    })?;
    for (path, plain) in &decrypted {
        plaintext.add_file(&tree.read(path).unwrap_or_default(), plain);
    }
    host.replace(decrypted);
    Ok(())
}

/// A resource with everything decrypted in it; nothing if it is not encrypted.
pub(super) fn resource(
    rendered: &Rendered,
    resource: &Resource,
    keys: &Keys,
    plaintext: &mut Plaintext,
) -> Result<Option<Node>, BuildFailure> {
    // What it holds besides may have been changed by the build, so that only files are verified.
    let decrypted =
        decrypt_resource(&resource.node, keys, Integrity::Verify).map_err(|error| BuildFailure::Decrypt {
            resource: name_of(resource),
            message: error.to_string(),
            place: rendered.location(&resource.node).map(|place| relative(&place.to_string()).to_owned()),
        })?;
    if let Some(decrypted) = &decrypted {
        plaintext.add_resource(&resource.node, decrypted);
    }
    Ok(decrypted)
}
