//! Single values, encrypted with AES-256-GCM: `ENC[AES256_GCM,data:…,iv:…,tag:…,type:…]`.

use aes_gcm::AesGcm;
use aes_gcm::aead::consts::{U12, U32};
use aes_gcm::aead::generic_array::GenericArray;
use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::aes::Aes256;
use aes_gcm::aes::cipher::ArrayLength;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use zeroize::Zeroizing;

use super::value::Value;

/// The key of a document.
pub(super) type DataKey = Zeroizing<Vec<u8>>;

/// Decrypts a value. `context` is what it was encrypted for; an empty text is an empty value.
pub(super) fn decrypt(text: &str, key: &DataKey, context: &str) -> Result<Value, String> {
    if text.is_empty() {
        return Ok(Value::Text(String::new()));
    }
    let fields = parse(text)?;
    let plain = open(&fields, key, context.as_bytes())
        .map_err(|reason| format!("Could not decrypt with AES_GCM: {reason}"))?;
    let text = || String::from_utf8_lossy(&plain).into_owned();
    let wrong = |what: &str| format!("the decrypted value is no {what}");
    Ok(match fields.kind {
        "str" | "bytes" => Value::Text(text()),
        "int" => Value::Int(text().parse().map_err(|_| wrong("int"))?),
        "float" => Value::Float(text().parse().map_err(|_| wrong("float"))?),
        "bool" => match text().as_str() {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Value::Bool(true),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Value::Bool(false),
            _ => return Err(wrong("bool")),
        },
        "time" => Value::Time(text()),
        "comment" => Value::Comment(text()),
        other => return Err(format!("Unknown datatype: {other}")),
    })
}

/// The parts of an encrypted value.
struct Fields<'a> {
    /// The cipher text, the tag at its end.
    data: Vec<u8>,
    nonce: Vec<u8>,
    kind: &'a str,
}

/// Divides an encrypted value. What it holds is never part of a message.
fn parse(text: &str) -> Result<Fields<'_>, String> {
    let unknown = || "Input string <redacted> does not match sops' data format".to_owned();
    let inner = text.strip_prefix("ENC[AES256_GCM,").and_then(|rest| rest.strip_suffix(']'));
    let mut parts = inner.ok_or_else(unknown)?.splitn(4, ',');
    let mut part = |name: &str| parts.next().and_then(|part| part.strip_prefix(name)).ok_or_else(unknown);
    let (data, nonce, tag, kind) = (part("data:")?, part("iv:")?, part("tag:")?, part("type:")?);
    let decode = |what: &str, text: &str| {
        BASE64.decode(text).map_err(|failure| format!("Error base64-decoding {what}: {failure}"))
    };
    let mut bytes = decode("data", data)?;
    bytes.extend(decode("tag", tag)?);
    Ok(Fields { data: bytes, nonce: decode("iv", nonce)?, kind })
}

fn open(fields: &Fields<'_>, key: &DataKey, context: &[u8]) -> Result<Vec<u8>, String> {
    match fields.nonce.len() {
        32 => open_with::<U32>(fields, key, context),
        12 => open_with::<U12>(fields, key, context),
        other => Err(format!("a nonce of {other} bytes")),
    }
}

fn open_with<N: ArrayLength<u8>>(
    fields: &Fields<'_>,
    key: &DataKey,
    context: &[u8],
) -> Result<Vec<u8>, String> {
    let cipher =
        AesGcm::<Aes256, N>::new_from_slice(key).map_err(|_| format!("a key of {} bytes", key.len()))?;
    let payload = Payload { msg: &fields.data, aad: context };
    cipher
        .decrypt(GenericArray::from_slice(&fields.nonce), payload)
        .map_err(|_| "cipher: message authentication failed".to_owned())
}
