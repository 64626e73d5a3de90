//! Tokens that callers bring: JWTs, signed with a key that their issuer publishes.

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::Value;
use thiserror::Error;

/// Why a token proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TokenError {
    /// It is none.
    #[error("the token is not a signed JWT")]
    Malformed,
    /// Only RS256 is what Google signs with.
    #[error("the token is not signed with RS256")]
    Algorithm,
    /// Its key is not among those that the issuer publishes.
    #[error("the token is signed with a key that its issuer does not publish")]
    UnknownKey,
    /// It is not by whom it says it is.
    #[error("the signature of the token is wrong")]
    Signature,
    /// It is from another time.
    #[error("the token has expired or is not valid yet")]
    Time,
}

/// The claims of a token that is signed with one of these keys, a JWKS, and valid at this time.
///
/// # Errors
/// The token proves nothing.
pub fn claims(token: &str, keys: &Value, now: Timestamp) -> Result<Value, TokenError> {
    let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| TokenError::Malformed);
    let json = |text: &str| serde_json::from_slice::<Value>(&bytes(text)?).map_err(|_| TokenError::Malformed);
    let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
    let (head, body) = signed.split_once('.').ok_or(TokenError::Malformed)?;
    let head = json(head)?;
    if head["alg"] != "RS256" {
        return Err(TokenError::Algorithm);
    }
    let is_wanted = |key: &&Value| key["kid"] == head["kid"] && key["kty"] == "RSA";
    let key = keys["keys"].as_array().into_iter().flatten().find(is_wanted).ok_or(TokenError::UnknownKey)?;
    let part =
        |name: &str| key[name].as_str().and_then(|text| bytes(text).ok()).ok_or(TokenError::UnknownKey);
    RsaPublicKeyComponents { n: part("n")?, e: part("e")? }
        .verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &bytes(signature)?)
        .map_err(|_| TokenError::Signature)?;
    let claims = json(body)?;
    let now = now.as_second();
    let is_in_time = claims["exp"].as_f64().is_some_and(|end| (now as f64) < end)
        && claims["nbf"].as_f64().is_none_or(|start| (now as f64) >= start);
    if is_in_time { Ok(claims) } else { Err(TokenError::Time) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A key, its token and its time, made with openssl.
    const RECORDED: &str = include_str!("token.json");

    fn recorded() -> (String, Value, Timestamp) {
        let all: Value = serde_json::from_str(RECORDED).unwrap_or_default();
        let token = all["token"].as_str().unwrap_or_default().to_owned();
        (token, all["keys"].clone(), Timestamp::from_second(1_790_000_000).unwrap_or_default())
    }

    #[test]
    fn a_genuine_token_has_claims() {
        let (token, keys, now) = recorded();
        let found = claims(&token, &keys, now);
        assert_eq!(
            found.map(|claims| claims["email"].clone()),
            Ok(json!("registry@example.iam.gserviceaccount.com"))
        );
    }

    #[test]
    fn others_have_none() {
        let (token, keys, now) = recorded();
        let parts: Vec<&str> = token.split('.').collect();
        let [head, body, signature] = *parts else { panic!("not a token") };
        let encode = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let other = encode(json!({"email": "attacker@example.org", "exp": 9e9}));
        for (wrong, error) in [
            (String::new(), TokenError::Malformed),
            (format!("{head}.{body}"), TokenError::Malformed),
            (format!("{head}.{other}.{signature}"), TokenError::Signature),
            (format!("{head}.{body}."), TokenError::Signature),
            (format!("{}.{other}.", encode(json!({"alg": "none", "kid": "test"}))), TokenError::Algorithm),
            (
                format!("{}.{body}.{signature}", encode(json!({"alg": "HS256", "kid": "test"}))),
                TokenError::Algorithm,
            ),
            (
                format!("{}.{body}.{signature}", encode(json!({"alg": "RS256", "kid": "x"}))),
                TokenError::UnknownKey,
            ),
        ] {
            assert_eq!(claims(&wrong, &keys, now), Err(error), "{wrong}");
        }
        assert_eq!(claims(&token, &json!({"keys": []}), now), Err(TokenError::UnknownKey));
        for second in [0, 1_800_000_001] {
            let then = Timestamp::from_second(second).unwrap_or_default();
            assert_eq!(claims(&token, &keys, then), Err(TokenError::Time), "{second}");
        }
    }
}
