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
            message: with_help(error.to_string()),
            file: error.file().map(|file| relative(file).to_owned()),
        }
    })?;
    for (path, plain) in &decrypted {
        plaintext.add_file(&tree.read(path).unwrap_or_default(), plain);
    }
    host.replace(decrypted);
    Ok(())
}

/// The words of SOPS, and what to do about it.
fn with_help(mut message: String) -> String {
    let help = [
        (
            "failed to verify sops data integrity",
            "; the file was changed after it was encrypted: change it with `sops FILE`, which keeps its MAC right",
        ),
        (
            "there are no private keys",
            "; they are taken from the entries of the Secret in spec.decryption.secretRef whose names end in .agekey",
        ),
        (
            "did not match any of the recipients",
            "; the Secret in spec.decryption.secretRef has other keys than the file was encrypted for",
        ),
        (
            "no identity matched any of the recipients",
            "; the Secret in spec.decryption.secretRef has other keys than the file was encrypted for",
        ),
    ];
    if let Some((_, help)) = help.iter().find(|(words, _)| message.contains(words)) {
        message.push_str(help);
    }
    message
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
            message: with_help(error.to_string()),
            place: rendered.location(&resource.node).map(|place| relative(&place.to_string()).to_owned()),
        })?;
    if let Some(decrypted) = &decrypted {
        plaintext.add_resource(&resource.node, decrypted);
    }
    Ok(decrypted)
}
