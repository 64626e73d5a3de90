//! Documents that are encrypted here and decrypted by the library.

mod encrypt;

use std::error::Error;

use encrypt::Encrypted;
use kustomize_core::host::MemoryHost;
use reconciler_core::sops::{Format, Integrity, Keys, SopsError, decrypt, decrypt_sources};

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

fn keys(encrypted: &Encrypted) -> Outcome<Keys> {
    let mut keys = Keys::default();
    keys.add_entry("age.agekey", encrypted.key_file().as_bytes())?;
    Ok(keys)
}

#[test]
fn values_get_back_their_types() -> Outcome {
    let encrypted = Encrypted::new();
    let secret = encrypted.secret("s")?;
    let plain =
        decrypt(secret.as_bytes(), Format::Yaml, Format::Yaml, &keys(&encrypted)?, Integrity::Verify)?;
    let wanted =
        "apiVersion: v1\nkind: Secret\nmetadata:\n    name: s\nstringData:\n    user: admin\n    count: 3\n";
    assert_eq!(String::from_utf8(plain)?, wanted);
    Ok(())
}

#[test]
fn files_of_all_formats_are_read() -> Outcome {
    let encrypted = Encrypted::new();
    let keys = keys(&encrypted)?;
    let lines = encrypted.dotenv(&[("A", "first"), ("B", "second")])?;
    let plain = decrypt(lines.as_bytes(), Format::Dotenv, Format::Dotenv, &keys, Integrity::Verify)?;
    assert_eq!(String::from_utf8(plain)?, "A=first\nB=second\n");
    let binary = encrypted.binary("any bytes")?;
    let plain = decrypt(binary.as_bytes(), Format::Binary, Format::Binary, &keys, Integrity::Verify)?;
    assert_eq!(plain, b"any bytes");
    Ok(())
}

#[test]
fn changed_documents_are_refused() -> Outcome {
    let encrypted = Encrypted::new();
    let keys = keys(&encrypted)?;
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
    let keys = keys(&encrypted)?;
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
    let keys = keys(&Encrypted::new())?;
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
