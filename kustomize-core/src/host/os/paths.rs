//! The machine's paths and the paths of hosts, which have `/` between their parts.

use std::borrow::Cow;

/// A host's path as the machine wants it.
#[cfg(not(windows))]
pub(super) fn to_machine(path: &str) -> Cow<'_, str> {
    Cow::Borrowed(path)
}

/// The machine's path as hosts write it.
#[cfg(not(windows))]
pub(super) fn from_machine(path: &str) -> Cow<'_, str> {
    Cow::Borrowed(path)
}

/// `/C:/app` is `C:\app`.
#[cfg(windows)]
pub(super) fn to_machine(path: &str) -> Cow<'_, str> {
    let with_drive = path.strip_prefix('/').filter(|rest| rest.as_bytes().get(1) == Some(&b':'));
    Cow::Owned(with_drive.unwrap_or(path).replace('/', "\\"))
}

/// `\\?\C:\app` and `C:\app` are `/C:/app`.
#[cfg(windows)]
pub(super) fn from_machine(path: &str) -> Cow<'_, str> {
    let path = path.strip_prefix(r"\\?\").unwrap_or(path).replace('\\', "/");
    if path.as_bytes().get(1) == Some(&b':') { Cow::Owned(format!("/{path}")) } else { Cow::Owned(path) }
}
