//! Post-quantum keys of age: those of the recipients `age1pq1…`, which combine ML-KEM-768 with X25519.
//!
//! The crate `age` supports such keys on hardware only, and only to encrypt. The key agreements and the ciphers come
//! from libraries. This module has the combiner of X-Wing (draft-connolly-cfrg-xwing-kem) and the key schedule of
//! HPKE (RFC 9180).

use age::DecryptError;
use age_core::format::{FILE_KEY_BYTES, FileKey, Stanza};
use age_core::primitives::bech32_decode;
use age_core::secrecy::zeroize::{Zeroize, Zeroizing};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use chacha20poly1305::aead::{Aead as _, KeyInit as _};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use hkdf::Hkdf;
use ml_kem::kem::Decapsulate as _;
use ml_kem::{Ciphertext, KemCore, MlKem768};
use sha2::Sha256;
use sha3::digest::{ExtendableOutput as _, XofReader as _};
use sha3::{Digest as _, Sha3_256, Shake256};
use x25519_dalek::{PublicKey, StaticSecret};

/// The prefix of a private key.
pub(super) const PREFIX: &str = "AGE-SECRET-KEY-PQ-1";

/// The human-readable part of that text.
const READABLE_PART: &str = "age-secret-key-pq-";
/// The name of such a recipient in the header of a file.
const TAG: &str = "mlkem768x25519";
/// The `info` of HPKE.
const INFO: &[u8] = b"age-encryption.org/mlkem768x25519";
/// The suite of HPKE: X-Wing, HKDF-SHA256 and ChaCha20-Poly1305.
const SUITE: &[u8] = b"HPKE\x64\x7a\x00\x01\x00\x03";
/// The label of X-Wing.
const XWING_LABEL: &[u8] = br"\.//^\";
/// The length of a ciphertext of ML-KEM-768.
const CIPHERTEXT_BYTES: usize = 1088;

/// A private key.
pub(super) struct Identity {
    lattice: <MlKem768 as KemCore>::DecapsulationKey,
    curve: StaticSecret,
}

impl std::str::FromStr for Identity {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = |bytes: &mut dyn Iterator<Item = u8>| {
            let bytes = Zeroizing::new(bytes.collect::<Vec<u8>>());
            let seed = <&[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| "incorrect identity length")?;
            Ok(Identity::of_seed(seed))
        };
        bech32_decode(
            text,
            |_| "invalid Bech32 encoding",
            |part| part.as_str().eq_ignore_ascii_case(READABLE_PART).then_some(()).ok_or("incorrect HRP"),
            |_, mut bytes| read(&mut bytes),
        )
    }
}

impl Identity {
    fn of_seed(seed: &[u8; 32]) -> Self {
        let mut stream = {
            use sha3::digest::Update as _;
            Shake256::default().chain(seed).finalize_xof()
        };
        let mut part = || {
            let mut part = Zeroizing::new([0; 32]);
            stream.read(part.as_mut_slice());
            part
        };
        let (seed, rejection, scalar) = (part(), part(), part());
        let (lattice, _) = MlKem768::generate_deterministic(&(*seed).into(), &(*rejection).into());
        Identity { lattice, curve: StaticSecret::from(*scalar) }
    }

    /// Decapsulates the shared secret.
    fn agree(&self, sent: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
        let (ciphertext, point) = sent.split_at_checked(CIPHERTEXT_BYTES)?;
        let ciphertext = Ciphertext::<MlKem768>::try_from(ciphertext).ok()?;
        let point = <[u8; 32]>::try_from(point).ok()?;
        let mut lattice = self.lattice.decapsulate(&ciphertext).ok()?;
        let curve = self.curve.diffie_hellman(&PublicKey::from(point));
        let secret = Sha3_256::new()
            .chain_update(lattice.as_slice())
            .chain_update(curve.as_bytes())
            .chain_update(point)
            .chain_update(PublicKey::from(&self.curve).as_bytes())
            .chain_update(XWING_LABEL)
            .finalize();
        lattice.as_mut_slice().zeroize();
        Some(Zeroizing::new(secret.into()))
    }
}

impl age::Identity for Identity {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, DecryptError>> {
        if stanza.tag != TAG {
            return None;
        }
        let [sent] = stanza.args.as_slice() else { return Some(Err(DecryptError::InvalidHeader)) };
        let Ok(sent) = STANDARD_NO_PAD.decode(sent) else { return Some(Err(DecryptError::InvalidHeader)) };
        if sent.len() != CIPHERTEXT_BYTES + 32 || stanza.body.len() != FILE_KEY_BYTES + 16 {
            return Some(Err(DecryptError::InvalidHeader));
        }
        // Decryption fails with another key: the stanza may be for another recipient.
        let secret = self.agree(&sent)?;
        let opened = Zeroizing::new(open(&*secret, &stanza.body)?);
        let key = <&[u8; FILE_KEY_BYTES]>::try_from(opened.as_slice()).ok()?;
        Some(Ok(FileKey::init_with_mut(|file_key| file_key.copy_from_slice(key))))
    }
}

/// Opens the first message of HPKE in base mode, without associated data.
fn open(secret: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let mut context = vec![0];
    context.extend(extract(&[], b"psk_id_hash", &[]).0);
    context.extend(extract(&[], b"info_hash", INFO).0);
    let (_, schedule) = extract(secret, b"secret", &[]);
    let mut key = Zeroizing::new([0; 32]);
    let mut nonce = [0; 12];
    expand(&schedule, b"key", &context, key.as_mut_slice())?;
    expand(&schedule, b"base_nonce", &context, &mut nonce)?;
    let cipher = ChaCha20Poly1305::new_from_slice(key.as_slice()).ok()?;
    cipher.decrypt(Nonce::from_slice(&nonce), sealed).ok()
}

/// HPKE's `LabeledExtract`.
fn extract(salt: &[u8], label: &[u8], secret: &[u8]) -> ([u8; 32], Hkdf<Sha256>) {
    let secret = Zeroizing::new([b"HPKE-v1", SUITE, label, secret].concat());
    let (key, schedule) = Hkdf::<Sha256>::extract(Some(salt), &secret);
    (key.into(), schedule)
}

/// HPKE's `LabeledExpand`.
fn expand(schedule: &Hkdf<Sha256>, label: &[u8], context: &[u8], key: &mut [u8]) -> Option<()> {
    let length = u16::try_from(key.len()).ok()?.to_be_bytes();
    schedule.expand(&[&length, b"HPKE-v1".as_slice(), SUITE, label, context].concat(), key).ok()
}

#[cfg(test)]
mod tests {
    use age::armor::ArmoredReader;

    use super::*;

    /// A key and a message that age 1.3.1 made with it (`age-keygen -pq`, `age --armor`).
    const KEY: &str = "AGE-SECRET-KEY-PQ-1R0ZTPD22SP9M67Q3JY0DAA4LNTMSGTEVYVPXECXTPA0WZCE0ZPVQGXJDYZ";
    const MESSAGE: &str = "\
-----BEGIN AGE ENCRYPTED FILE-----
YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IG1sa2VtNzY4eDI1NTE5IFNpWGhSZFBa
ekZ1WEtsemdkWDFOTVpmNkc4UGdGL3BWODZ1QlVCQjg2RFNrMi9DaWV5V3dKZVla
bjhzaDRsRzZGaGZUSHpNMlBFM05QUXlNUmk1aGtqUitVZWsrM1JiVTlNeCtHVHRW
dExIUVp3aVVGcytPOHBjWnVMeTBKRzZXZ1JkQVJsU1Z6VlQ0cHZuYmdyZEYrdmZQ
T09zS3dYMHc0WmdINkNFak55Q0pKdlZ4V3o1ZXVPc1dVTU9KVFNYWE5lUU14c2cr
V3VJSEtJR3laQ2pPbWVnNEdlRmVyZDdCd2oyMnJQdm9SSGI3ZjZPWXBjVkZqdWRz
b1Y0UU92WFY2K2pwbTdiSHI0V1k0dVpIYzNvSDd6aFV2RW1YNGxNTk1Ecmp4c21D
U0NlS3NvSXNCcHIyUzVjZGFETm9MczBtRVpUUkMvRFB0VjQ5WTdBam9UMkR4TWN6
RVBudWZJakR1SER6ZWxzcTVaeTR1OEdOdFBGQmk0ek5wYXRaRjk5dnRacDNtV3RT
QUY4Wk96RmVRREN6R1haV20wZlNYMFdSb05OUGRWVUdTUnJWUlZzOVhKOEs5MkQ4
bjNyWFFoQ0VpWE9yOFFCczVScVJMOThmbm1tL0FyU2FyQjJNakdLdnlpbXQ2UWVV
cmdvZW01SnBqb2ZCZWY3amgwM2tJSm9GYXJDUnVla1lIb0NQT0lZeFdMRHU5Q2RI
S1JwZ0RiUFl0RWJIdFFqTUhyWkJZYVBDVDB0TWNnNEJxRktWUkwyRHlkVjJlL1cw
aGpqY0tFdEpMcGoyZDE5eEQ5dHY4dm1wdmZJSnl1SnVXUEQ4TVR5eFl5RnI5Qzdj
VlVBWVJvV1I1VXhxZDE2WVJTMThSY3FEYUI4em9yT09vS0N5ekZoVGFLNkMxY3VU
RTdhU2JJdWdLTWUvWXlWd3hwU3BVVUJiT2ZqQUNnTEpzemhacDhvSUFtWVZFZ2Fp
RElOU3ZnV2pBUEhZcEtqZmthbE1hbFhsb0lkVCtFZUhOdHB0SWpjaE0wamNGSjRo
S0FRRXpKcnRBSFRJRWxRc0ZZUXg5ZzJqTVVDeThBKzBsZXFIZGQvL3Q5Uk1NNVl3
c2kzekxSUzdpODZKY2F2c1VSQlUwcTYvN0pIVFFwUUo5MGRoWFl1UDFUQ1QwVFZW
UmphNmE4MUcxMGh2Tk40TFMvZi9DS1RXRy9VazdCMFpETmJ3WktiKzliUSsxNUho
WDB6TDJlS2xkRVV5M3NYUnRGbU45YklwMFJ3R3dsa1p4RnVPNTQySGhTbnRhNy8y
dFBXN0RIRC85bHRUSGpTTmdjdHVYM2tUODZFYkg1RHgwRUFvbFdUK0tjTG9iTCtN
YWcrTzNLeUFib0hTSFlZdGNTVHVJaUU0dTFxTEowR1FUSnRZVDZHY0tlSzJyMmRh
dWdLeGxWV245NCtJQUdRcW5EdXdpM3EwYW9nTC83WVdtWm9iSk9SVXpDMFI4WllK
bjhYZ2ZVRkNMZFIvTUtDWHFXb3l4bzVjb2JlaXU3SFl5c2UvQWpWTHkwdkdqeitR
aG5CWlJFQW5PYXJCelFOL3ZKcVNieDZWOG5YK1VFOHlGRmlMbnRnSk1HdGZCTkhj
UWY5U0RzSE1vV3JSSlNpWHNQbGVXQ0pkVXlYMGVIUGVmM1ZEYTJmRVFCSjRVSlFE
ZzdMSGtHV0N1MUkzaFRHb0RmaVhNbmkwSWZ2ZzZDQ1BSSGtZTnZaRGN3K2sySkV0
M2JwUC9uZU92UjBGMHRscU9Cb3RYckJrTE5NTnFrYlpIUTVQU3BCUTY0a0ZBZERs
MUpzWkpuVkVROUZkTmROeDRSK2ErWVpGVFh1U1J5TTRDWC9DNWQvRnlkbnJrbFlV
bGZsd0tLeHhUdGVQYnFIMkt1WXJUd0JEbmVkNzVnNmlUUnRMSXpvYjFDR0VNRm9x
Vjd0K3NINTdMa0huRGlzUDJyaDJiblRVUWFnNy9PdDh1NGZORVd4ek9yZjRQQQp6
ZUw0by9mdE84dDg1SnhodkhXZ1dubHFaa0RpK2ZzV2hBN3lON3FNMkt3Ci0tLSBC
RURRVk1LLy9ZbCtCeGM0aXNCcFE3YkN3UENOUDloYm1URGdTZHZGNUxZCvl2lMGF
NCPSCuC1gwe47fwyE9yG2OMvQoVRvDYM6A2XyeL726LoOrWTifen71UEc9rCPvBs
81Cvl0ffoQ==
-----END AGE ENCRYPTED FILE-----
";

    fn decrypt(key: &str) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
        let identity: Identity = key.parse()?;
        let file = age::Decryptor::new(ArmoredReader::new(MESSAGE.as_bytes()))?;
        let mut text = Vec::new();
        let mut reader = file.decrypt(std::iter::once(&identity as &dyn age::Identity))?;
        std::io::Read::read_to_end(&mut reader, &mut text)?;
        Ok(text)
    }

    #[test]
    fn a_message_of_age_is_decrypted() -> Result<(), Box<dyn std::error::Error>> {
        assert_eq!(decrypt(KEY)?, b"eight and twenty bytes: 0123");
        Ok(())
    }

    #[test]
    fn another_key_does_not_fit() {
        // The key whose seed is zero, and keys that are none.
        let other = Identity::of_seed(&[0; 32]);
        let file = age::Decryptor::new(ArmoredReader::new(MESSAGE.as_bytes()));
        let opened = file.map(|file| file.decrypt(std::iter::once(&other as &dyn age::Identity)).err());
        assert!(matches!(opened, Ok(Some(DecryptError::NoMatchingKeys))));
        let damaged = KEY.replace("1R0ZT", "1R0ZS");
        assert_eq!(damaged.parse::<Identity>().err(), Some("invalid Bech32 encoding"));
        let classic = KEY.replace("-PQ-", "-");
        assert!(classic.parse::<Identity>().is_err());
    }
}
