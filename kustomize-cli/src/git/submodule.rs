//! Whether a submodule is as it was, without running anything that its configuration names: its
//! files are compared as they are, and no filter is asked.

use std::process::Command;
use std::{fs, io};

use kustomize_host::OsHost;

use super::blobs::Blobs;
use super::revision::{Kind, Object, objects};
use super::{command, written};

/// Whether a submodule has a commit checked out and no file is another one, as far as that can be
/// told. One that filters change on the way to the disk (line ends, LFS) is not as it was.
pub(super) fn is_as_at(directory: &str, commit: &str) -> bool {
    compare(directory, commit).unwrap_or(false)
}

fn compare(directory: &str, commit: &str) -> io::Result<bool> {
    let place = OsHost::machine_path(directory);
    if fs::symlink_metadata(place.join(".git")).is_err() {
        // It is not checked out.
        return Ok(fs::read_dir(place).map_or(true, |mut entries| entries.next().is_none()));
    }
    let head = said(directory, &["rev-parse", "--verify", "--quiet", "HEAD"])?;
    let others = said(directory, &["ls-files", "-z", "--others", "--exclude-standard"])?;
    if head.trim_end() != commit || !others.is_empty() {
        return Ok(false);
    }
    let tree = said(directory, &["ls-tree", "-r", "-z", "--full-tree", commit])?;
    let mut blobs = Blobs::spawn(wary(directory, &["cat-file", "--batch"]))?;
    for Object { kind, object, path } in objects(&tree) {
        let path = format!("{directory}/{path}");
        let file = OsHost::machine_path(&path);
        let metadata = fs::symlink_metadata(&file)?;
        let content = match kind {
            Kind::Submodule if compare(&path, object)? => continue,
            Kind::File if metadata.is_file() && metadata.len() <= OsHost::MAX_FILE_SIZE => fs::read(file)?,
            Kind::Link if metadata.is_symlink() => fs::read_link(file)?.into_os_string().into_encoded_bytes(),
            _ => return Ok(false),
        };
        if blobs.read(object, OsHost::MAX_FILE_SIZE)? != Some(content) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A `git` command that fetches nothing: missing objects would be asked of whoever the configuration
/// names, by a program that it names.
fn wary(directory: &str, arguments: &[&str]) -> Command {
    let mut command = command(directory, arguments);
    command.env("GIT_ALLOW_PROTOCOL", "none");
    command
}

fn said(directory: &str, arguments: &[&str]) -> io::Result<String> {
    let output = wary(directory, arguments).output()?;
    match output.status.success() {
        true => Ok(written(output.stdout)),
        false => Err(io::Error::other("git failed")),
    }
}
