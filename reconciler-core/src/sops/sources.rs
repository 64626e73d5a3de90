//! Decrypting the files that a kustomization is made of, and verifying its resources.

use std::collections::{BTreeMap, BTreeSet};

use kustomize_core::host::{EntryKind, Host, HostError, path};
use kustomize_core::kustomization::FILE_NAMES;
use kustomize_core::yaml::{self, Node, SourceText, Sources};
use url::Url;

use super::format::from_node;
use super::resource::is_disabled;
use super::value::Value;
use super::{Format, Integrity, Keys, MOST_BYTES, SopsError, decrypt, metadata, tree};

/// Decrypts the files of a kustomization and of those that it consists of: the files and variables of its
/// secret generators, and its patches. Gives the content of each decrypted file, by its path.
///
/// The MACs of encrypted resources are verified here, where they are still as they were encrypted. Resources
/// that none of the keys fits are left to [`decrypt_resource`](super::decrypt_resource).
///
/// # Errors
/// A file that none of the keys fits, that was changed, or that cannot be read.
pub fn decrypt_sources(
    host: &dyn Host,
    directory: &str,
    keys: &Keys,
    integrity: Integrity,
) -> Result<BTreeMap<String, Vec<u8>>, SopsError> {
    let mut walk = Walk { host, keys, integrity, visited: BTreeSet::new(), decrypted: BTreeMap::new() };
    walk.directory(directory)?;
    Ok(walk.decrypted)
}

struct Walk<'a> {
    host: &'a dyn Host,
    keys: &'a Keys,
    integrity: Integrity,
    visited: BTreeSet<String>,
    decrypted: BTreeMap<String, Vec<u8>>,
}

impl Walk<'_> {
    fn directory(&mut self, directory: &str) -> Result<(), SopsError> {
        let directory = self.host.resolve(directory).map_err(unreadable(directory))?;
        if !self.visited.insert(directory.clone()) {
            return Ok(());
        }
        let kustomization = self.kustomization(&directory)?;
        for generator in items(&kustomization, "secretGenerator") {
            for file in texts(generator, "files") {
                let (key, file) = file.split_once('=').unwrap_or((file, file));
                self.file(&path::join(&directory, file), Format::of_path(key))?;
            }
            let envs = texts(generator, "envs").chain(generator.get("env").map(Node::text));
            for file in envs {
                let format = match Format::of_path(file) {
                    Format::Binary => Format::Dotenv,
                    other => other,
                };
                self.file(&path::join(&directory, file), format)?;
            }
        }
        for patch in items(&kustomization, "patches") {
            let file = patch.get("path").map_or("", Node::text);
            if !file.is_empty() && !is_url(file) {
                self.file(&path::join(&directory, file), Format::of_path(file))?;
            }
        }
        for resource in texts(&kustomization, "resources").chain(texts(&kustomization, "components")) {
            let target = path::join(&directory, resource);
            match self.host.kind(&target) {
                Ok(EntryKind::Directory) => self.directory(&target)?,
                Ok(_) => self.verify(&target)?,
                // A URL, or nothing; the build tells which.
                Err(_) => {}
            }
        }
        Ok(())
    }

    /// The kustomization file of a directory.
    fn kustomization(&self, directory: &str) -> Result<Node, SopsError> {
        let mut found = FILE_NAMES
            .iter()
            .map(|name| path::join(directory, name))
            .filter(|file| matches!(self.host.kind(file), Ok(EntryKind::File)));
        let file =
            found.next().ok_or_else(|| SopsError::Kustomization("no kustomization file found".to_owned()))?;
        if found.next().is_some() {
            return Err(SopsError::Kustomization("found multiple kustomization files".to_owned()));
        }
        let failed = |reason: String| {
            SopsError::Kustomization(format!(
                "failed to unmarshal kustomization file from '{file}': {reason}"
            ))
        };
        let content = self.host.read(&file).map_err(unreadable(&file))?;
        let text = String::from_utf8(content).map_err(|failure| failed(failure.to_string()))?;
        let id = Sources::default().add(&*file, SourceText::from(text.clone()), None);
        let node = yaml::read_config(&text, id).map_err(|failure| failed(failure.to_string()))?;
        Ok(node.unwrap_or_else(Node::null))
    }

    /// Decrypts a file, if it is encrypted.
    fn file(&mut self, file: &str, format: Format) -> Result<(), SopsError> {
        let file = self.host.resolve(file).map_err(unreadable(file))?;
        if self.decrypted.contains_key(&file) {
            return Ok(());
        }
        let failed = |source| SopsError::File { path: file.clone(), source: Box::new(source) };
        let content = self.host.read(&file).map_err(unreadable(&file))?;
        if content.len() > MOST_BYTES {
            return Err(failed(SopsError::TooLarge(content.len())));
        }
        if format.is_encrypted(&content) {
            let plain = decrypt(&content, format, format, self.keys, self.integrity).map_err(failed)?;
            self.decrypted.insert(file, plain);
        }
        Ok(())
    }

    /// Verifies the MACs of the resources in a file.
    fn verify(&self, file: &str) -> Result<(), SopsError> {
        if self.integrity == Integrity::Ignore {
            return Ok(());
        }
        let content = self.host.read(file).map_err(unreadable(file))?;
        if !Format::Yaml.is_encrypted(&content) && !Format::Json.is_encrypted(&content) {
            return Ok(());
        }
        // What cannot be read is told by the build.
        let Ok(text) = std::str::from_utf8(&content) else { return Ok(()) };
        let id = Sources::default().add(file, SourceText::from(text.to_owned()), None);
        let Ok(documents) = yaml::read(text, id) else { return Ok(()) };
        let encrypted =
            |document: &&Node| document.at(&["sops", "mac"]).is_some_and(|mac| !mac.is_nil_or_empty());
        let (mut fields, mut wanted) = (Vec::new(), Vec::new());
        for document in documents.iter().filter(encrypted) {
            if let Value::Map(branch) = from_node(document) {
                fields.push(branch);
                wanted.push(!is_disabled(document));
            }
        }
        // SOPS encrypts a file as a whole; files of several that were put together have a MAC for each.
        let outcome = self.verify_together(&mut fields.clone());
        let outcome = match outcome {
            Err(SopsError::Integrity { .. }) if fields.len() > 1 || !wanted.contains(&true) => {
                let mut each = fields.into_iter().zip(wanted).filter(|(_, is_wanted)| *is_wanted);
                each.try_for_each(|(branch, _)| self.verify_together(&mut [branch]))
            }
            other => other,
        };
        match outcome {
            Err(failure @ SopsError::Integrity { .. }) => {
                Err(SopsError::File { path: file.to_owned(), source: Box::new(failure) })
            }
            _ => Ok(()),
        }
    }

    fn verify_together(&self, documents: &mut [super::value::Branch]) -> Result<(), SopsError> {
        let load = |message: String| SopsError::Load { format: Format::Yaml, message };
        let metadata = metadata::take(documents, Format::Yaml).map_err(load)?;
        let key = metadata.data_key(self.keys)?;
        let got = tree::decrypt(documents, &metadata, &key).map_err(SopsError::Value)?;
        let wanted = metadata.mac(&key).map_err(SopsError::Value)?;
        if got == wanted { Ok(()) } else { Err(SopsError::Integrity { wanted, got }) }
    }
}

fn unreadable(path: &str) -> impl Fn(HostError) -> SopsError + use<> {
    let path = path.to_owned();
    move |source| SopsError::Unreadable { path: path.clone(), source }
}

fn items<'a>(node: &'a Node, field: &str) -> impl Iterator<Item = &'a Node> {
    node.get(field).and_then(Node::as_seq).into_iter().flat_map(|items| items.iter())
}

fn texts<'a>(node: &'a Node, field: &str) -> impl Iterator<Item = &'a str> {
    items(node, field).map(Node::text)
}

fn is_url(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| url.has_host())
}
