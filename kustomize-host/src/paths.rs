//! The machine's paths and the paths of hosts, which are UTF-8 and have `/` between their parts.
//!
//! Unix allows any bytes in a name. A byte that is no part of UTF-8 text is written as one character
//! of the private use area, from U+10FE80 for the byte 0x80 to U+10FEFF for 0xFF, and read back as
//! that byte. A name that holds such a character itself has its bytes written the same way, so that
//! every path has one text and every text that comes from a path leads back to it.

use std::borrow::Cow;
use std::path::Path;

/// A host's path as the machine wants it.
#[cfg(unix)]
pub(crate) fn to_machine(path: &str) -> Cow<'_, Path> {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;
    // The first byte of all characters that stand for one byte.
    if memchr::memchr(0xF4, path.as_bytes()).is_none() {
        return Cow::Borrowed(Path::new(path));
    }
    let mut bytes = Vec::with_capacity(path.len());
    for letter in path.chars() {
        match byte_of(letter) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Cow::Owned(OsString::from_vec(bytes).into())
}

/// The machine's path as hosts write it. All paths can be written on Unix.
#[cfg(unix)]
#[allow(clippy::unnecessary_wraps, reason = "on Windows there are paths that cannot be written")]
pub(crate) fn from_machine(path: &Path) -> Option<String> {
    use std::os::unix::ffi::OsStrExt;
    let bytes = path.as_os_str().as_bytes();
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for letter in chunk.valid().chars() {
            match byte_of(letter) {
                Some(_) => text.extend(letter.encode_utf8(&mut [0; 4]).bytes().filter_map(letter_for)),
                None => text.push(letter),
            }
        }
        text.extend(chunk.invalid().iter().copied().filter_map(letter_for));
    }
    Some(text)
}

/// The character of the byte 0, if it needed one.
#[cfg(unix)]
const FIRST: u32 = 0x10_FE00;

/// The byte that a character stands for.
#[cfg(unix)]
fn byte_of(letter: char) -> Option<u8> {
    let byte = u8::try_from(u32::from(letter).checked_sub(FIRST)?).ok()?;
    (!byte.is_ascii()).then_some(byte)
}

/// The character that stands for a byte. Those of ASCII stand for themselves.
#[cfg(unix)]
fn letter_for(byte: u8) -> Option<char> {
    if byte.is_ascii() { Some(char::from(byte)) } else { char::from_u32(FIRST + u32::from(byte)) }
}

/// `/C:/app` is `C:\app`.
#[cfg(windows)]
pub(crate) fn to_machine(path: &str) -> Cow<'_, Path> {
    let with_drive = path.strip_prefix('/').filter(|rest| rest.as_bytes().get(1) == Some(&b':'));
    Cow::Owned(with_drive.unwrap_or(path).replace('/', "\\").into())
}

/// `\\?\C:\app` and `C:\app` are `/C:/app`.
#[cfg(windows)]
pub(crate) fn from_machine(path: &Path) -> Option<String> {
    let path = path.to_str()?;
    let path = path.strip_prefix(r"\\?\").unwrap_or(path).replace('\\', "/");
    if path.as_bytes().get(1) == Some(&b':') { Some(format!("/{path}")) } else { Some(path) }
}

/// A host's path as the machine wants it.
#[cfg(not(any(unix, windows)))]
pub(crate) fn to_machine(path: &str) -> Cow<'_, Path> {
    Cow::Borrowed(Path::new(path))
}

/// The machine's path as hosts write it.
#[cfg(not(any(unix, windows)))]
pub(crate) fn from_machine(path: &Path) -> Option<String> {
    path.to_str().map(str::to_owned)
}

#[cfg(all(test, unix))]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn every_path_leads_back_to_itself() {
        let cases: [(&[u8], &str); 5] = [
            (b"/a/b", "/a/b"),
            (b"/a\xff/b", "/a\u{10feff}/b"),
            (b"\x80\xc3(", "\u{10fe80}\u{10fec3}("),
            // What stands for a byte, as a name.
            ("/\u{10feff}".as_bytes(), "/\u{10fef4}\u{10fe8f}\u{10febb}\u{10febf}"),
            ("/ü\u{10fffd}\u{10fe7f}".as_bytes(), "/ü\u{10fffd}\u{10fe7f}"),
        ];
        for (bytes, text) in cases {
            let path = Path::new(OsStr::from_bytes(bytes));
            assert_eq!(from_machine(path).as_deref(), Some(text));
            assert_eq!(to_machine(text), path);
        }
    }
}
