//! Signatures and tokens, compared in a time that does not depend on where they differ.

use hmac::{Hmac, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use subtle::ConstantTimeEq;

/// Whether two secrets are the same. Their digests are compared, so not even their length shows.
pub(super) fn same(given: &[u8], wanted: &[u8]) -> bool {
    is_equal(Sha256::digest(given).as_slice(), Sha256::digest(wanted).as_slice())
}

/// Compares in constant time: nothing else is known of such a type.
fn is_equal<T: ConstantTimeEq + ?Sized>(given: &T, wanted: &T) -> bool {
    given.ct_eq(wanted).into()
}

/// Whether `ALGORITHM=HEX` is a signature of the body.
pub(super) fn is_signed(key: &[u8], signature: &str, body: &[u8]) -> bool {
    let Some((algorithm, hex)) = signature.split_once('=') else { return false };
    let Some(given) = bytes(hex) else { return false };
    match algorithm {
        "sha1" => verify::<Hmac<Sha1>>(Hmac::new_from_slice(key).ok(), body, &given),
        "sha256" => verify::<Hmac<Sha256>>(Hmac::new_from_slice(key).ok(), body, &given),
        "sha512" => verify::<Hmac<Sha512>>(Hmac::new_from_slice(key).ok(), body, &given),
        _ => false,
    }
}

fn verify<M: Mac>(mac: Option<M>, body: &[u8], given: &[u8]) -> bool {
    mac.is_some_and(|mut mac| {
        mac.update(body);
        mac.verify_slice(given).is_ok()
    })
}

/// The header `x-signature` with which calls of the type `generic-hmac` are signed.
pub fn sign(key: &[u8], body: &[u8]) -> String {
    format!("sha256={}", hex(Hmac::<Sha256>::new_from_slice(key).ok(), body))
}

/// The HMAC-SHA-1 of the body in hexadecimal.
pub(super) fn hmac_hex(key: &[u8], body: &[u8]) -> String {
    hex(Hmac::<Sha1>::new_from_slice(key).ok(), body)
}

fn hex<M: Mac>(mac: Option<M>, body: &[u8]) -> String {
    // A key of any length will do.
    let Some(mut mac) = mac else { return String::new() };
    mac.update(body);
    mac.finalize().into_bytes().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

/// The bytes that pairs of hexadecimal digits stand for.
fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        hex.chars().map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use subtle::Choice;

    use super::*;

    /// Bytes that note how often they are compared in constant time, and cannot be compared otherwise.
    struct Watched<'a>(&'a [u8], &'a Cell<u32>);

    impl ConstantTimeEq for Watched<'_> {
        fn ct_eq(&self, other: &Self) -> Choice {
            self.1.set(self.1.get() + 1);
            self.0.ct_eq(other.0)
        }
    }

    #[test]
    fn secrets_are_compared_in_constant_time() {
        let count = Cell::new(0);
        let is_equal = |one, other| is_equal(&Watched(one, &count), &Watched(other, &count));
        assert!(is_equal(b"token", b"token"));
        assert!(!is_equal(b"token", b"tokem"));
        assert_eq!(count.get(), 2);
    }

    #[test]
    fn what_is_almost_a_secret_is_none() {
        assert!(same(b"token", b"token"));
        for wrong in ["", "t", "toke", "tokem", "Token", "token ", "token\0", "tokentoken"] {
            assert!(!same(wrong.as_bytes(), b"token"), "{wrong:?}");
        }
    }
}
