//! Base64 as Go's standard library has it.

use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

/// Go does not mind what the unused bits of the last character are.
const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// Decodes; line breaks count for nothing, padding is needed.
#[must_use]
pub fn decode(text: &str) -> Option<Vec<u8>> {
    if memchr::memchr2(b'\r', b'\n', text.as_bytes()).is_none() {
        return ENGINE.decode(text).ok();
    }
    let compact: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    ENGINE.decode(compact).ok()
}

/// Encodes with padding, on one line.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    ENGINE.encode(bytes)
}

/// Encodes as go-yaml does (`!!binary`) and kustomize's Secret generator after it: texts
/// beyond 70 characters are broken into lines of 70, each ended by a line break.
#[must_use]
pub fn encode_lines(bytes: &[u8]) -> String {
    const LINE: usize = 70;
    let encoded = encode(bytes);
    if encoded.len() < LINE {
        return encoded;
    }
    let mut lines = String::with_capacity(encoded.len() + encoded.len() / LINE + 1);
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(LINE.min(rest.len()));
        lines.push_str(line);
        lines.push('\n');
        rest = after;
    }
    lines
}
