//! JSON web tokens that this process signs, and knows again.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

/// What signs tokens. It ends with the process, and all tokens with it.
pub(crate) struct Key([u8; 64]);

impl Key {
    pub(crate) fn new() -> Key {
        let mut key = [0; 64];
        for part in key.chunks_exact_mut(16) {
            part.copy_from_slice(uuid::Uuid::new_v4().as_bytes());
        }
        Key(key)
    }

    fn mac(&self, text: &str) -> Hmac<Sha256> {
        let mut mac = Hmac::new(&self.0.into());
        mac.update(text.as_bytes());
        mac
    }

    /// A token with these claims.
    pub(crate) fn sign(&self, claims: &Value) -> String {
        let header = BASE64.encode(json!({"alg": "HS256", "typ": "JWT"}).to_string());
        let text = format!("{header}.{}", BASE64.encode(claims.to_string()));
        let signature = BASE64.encode(self.mac(&text).finalize().into_bytes());
        format!("{text}.{signature}")
    }

    /// The claims of a token with a valid signature.
    pub(crate) fn claims(&self, token: &str) -> Option<Value> {
        let (text, signature) = token.rsplit_once('.')?;
        self.mac(text).verify_slice(&BASE64.decode(signature).ok()?).ok()?;
        serde_json::from_slice(&BASE64.decode(text.split_once('.')?.1).ok()?).ok()
    }
}
