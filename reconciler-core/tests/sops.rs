//! Documents that are encrypted here and decrypted by the library.

use std::error::Error;
use std::io::Write as _;

use aes_gcm::AesGcm;
use aes_gcm::aead::consts::U32;
use aes_gcm::aead::generic_array::GenericArray;
use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::aes::Aes256;
use age::secrecy::ExposeSecret as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use kustomize_core::host::MemoryHost;
use reconciler_core::sops::{Format, Integrity, Keys, SopsError, decrypt, decrypt_sources};
use sha2::{Digest as _, Sha512};

type Outcome = Result<(), Box<dyn Error>>;

/// When the documents were encrypted.
const MODIFIED: &str = "2026-11-29T00:00:00Z";

/// A private key, and a document that was encrypted for it.
struct Encrypted {
    identity: age::x25519::Identity,
    key: [u8; 32],
}

impl Encrypted {
    fn new() -> Self {
        Encrypted { identity: age::x25519::Identity::generate(), key: [7; 32] }
    }

    fn keys(&self) -> Result<Keys, Box<dyn Error>> {
        let mut keys = Keys::default();
        let line = format!("# a comment\n{}\n", self.identity.to_string().expose_secret());
        keys.add_entry("age.agekey", line.as_bytes())?;
        Ok(keys)
    }

    fn value(&self, plain: &str, kind: &str, context: &str) -> Result<String, Box<dyn Error>> {
        let cipher = AesGcm::<Aes256, U32>::new_from_slice(&self.key)?;
        let nonce = [3; 32];
        let payload = Payload { msg: plain.as_bytes(), aad: context.as_bytes() };
        let sealed = cipher
            .encrypt(GenericArray::from_slice(&nonce), payload)
            .map_err(|failure| failure.to_string())?;
        let (data, tag) = sealed.split_at(sealed.len() - 16);
        let encode = |bytes: &[u8]| BASE64.encode(bytes);
        Ok(format!(
            "ENC[AES256_GCM,data:{},iv:{},tag:{},type:{kind}]",
            encode(data),
            encode(&nonce),
            encode(tag)
        ))
    }

    /// A Secret of which `user` and `count` are encrypted.
    fn secret(&self, name: &str) -> Result<String, Box<dyn Error>> {
        let mut hash = Sha512::new();
        for value in ["v1", "Secret", name, "admin", "3"] {
            hash.update(value);
        }
        let mac: String = hash.finalize().iter().map(|byte| format!("{byte:02X}")).collect();
        let mut armored = Vec::new();
        let recipients = self.identity.to_public();
        let encryptor = age::Encryptor::with_recipients(std::iter::once(&recipients as &dyn age::Recipient))?;
        let armor = age::armor::ArmoredWriter::wrap_output(&mut armored, age::armor::Format::AsciiArmor)?;
        let mut writer = encryptor.wrap_output(armor)?;
        writer.write_all(&self.key)?;
        writer.finish()?.finish()?;
        let armored = String::from_utf8(armored)?.replace('\n', "\n      ");
        Ok(format!(
            "apiVersion: v1\nkind: Secret\nmetadata:\n  name: {name}\nstringData:\n  user: {}\n  count: {}\nsops:\n  \
             age:\n  - recipient: {}\n    enc: |\n      {}\n  lastmodified: \"{MODIFIED}\"\n  mac: {}\n  \
             encrypted_regex: ^stringData$\n",
            self.value("admin", "str", "stringData:user:")?,
            self.value("3", "int", "stringData:count:")?,
            self.identity.to_public(),
            armored.trim_end(),
            self.value(&mac, "str", MODIFIED)?,
        ))
    }
}

#[test]
fn values_get_back_their_types() -> Outcome {
    let encrypted = Encrypted::new();
    let secret = encrypted.secret("s")?;
    let plain =
        decrypt(secret.as_bytes(), Format::Yaml, Format::Yaml, &encrypted.keys()?, Integrity::Verify)?;
    let wanted =
        "apiVersion: v1\nkind: Secret\nmetadata:\n    name: s\nstringData:\n    user: admin\n    count: 3\n";
    assert_eq!(String::from_utf8(plain)?, wanted);
    Ok(())
}

#[test]
fn changed_documents_are_refused() -> Outcome {
    let encrypted = Encrypted::new();
    let keys = encrypted.keys()?;
    let changed = encrypted.secret("s")?.replace("name: s\n", "name: other\n");
    let decrypted = |integrity| decrypt(changed.as_bytes(), Format::Yaml, Format::Yaml, &keys, integrity);
    assert!(matches!(decrypted(Integrity::Verify), Err(SopsError::Integrity { .. })));
    assert!(decrypted(Integrity::Ignore).is_ok());
    let moved = encrypted.secret("s")?.replace("user:", "password:");
    let outcome = decrypt(moved.as_bytes(), Format::Yaml, Format::Yaml, &keys, Integrity::Ignore);
    assert!(matches!(outcome, Err(SopsError::Value(_))), "{outcome:?}");
    Ok(())
}

#[test]
fn resources_are_verified_before_they_are_rendered() -> Outcome {
    let encrypted = Encrypted::new();
    let keys = encrypted.keys()?;
    let mut host = MemoryHost::new();
    host.insert("/kustomization.yaml", "resources: [a.yaml, both.yaml]\n");
    host.insert("/a.yaml", encrypted.secret("a")?);
    host.insert("/both.yaml", format!("{}---\n{}", encrypted.secret("b")?, encrypted.secret("c")?));
    assert_eq!(decrypt_sources(&host, "/", &keys, Integrity::Verify)?.len(), 0);
    host.insert("/a.yaml", encrypted.secret("a")?.replace("name: a\n", "name: z\n"));
    let outcome = decrypt_sources(&host, "/", &keys, Integrity::Verify);
    assert!(matches!(&outcome, Err(SopsError::File { path, .. }) if path == "/a.yaml"), "{outcome:?}");
    assert!(decrypt_sources(&host, "/", &keys, Integrity::Ignore).is_ok());
    Ok(())
}

#[test]
fn other_keys_do_not_fit() -> Outcome {
    let secret = Encrypted::new().secret("s")?;
    let keys = Encrypted::new().keys()?;
    let outcome = decrypt(secret.as_bytes(), Format::Yaml, Format::Yaml, &keys, Integrity::Verify);
    let message = outcome.err().ok_or("decrypted")?.to_string();
    assert!(message.contains("identity did not match any of the recipients"), "{message}");
    let other = secret.replace("  age:\n", "  pgp:\n  - fp: ABCD\n    enc: x\n  age:\n");
    let outcome = decrypt(other.as_bytes(), Format::Yaml, Format::Yaml, &keys, Integrity::Verify);
    let message = outcome.err().ok_or("decrypted")?.to_string();
    assert!(message.contains("ABCD: FAILED\n    - | keys of PGP are not supported"), "{message}");
    assert!(Keys::default().add_entry("x.agekey", b"nonsense").is_err());
    Ok(())
}
