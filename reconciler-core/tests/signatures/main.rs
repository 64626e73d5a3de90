//! Commits and tags that git has signed with GnuPG and ssh: `make.sh` says how they were made.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::{Timestamp, ToSpan};
use reconciler_core::signature::{Signed, TrustedKeys};

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// The OpenPGP keys that have signed, each with its id.
const OPENPGP: [&str; 4] = ["rsa", "ed25519", "p256", "subkey"];
const SSH: [&str; 3] = ["ssh-ed25519", "ssh-rsa", "ssh-ecdsa"];

fn read(name: &str) -> Outcome<Vec<u8>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/signatures").join(name);
    Ok(std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?)
}

/// A Secret with the keys in these files.
fn keys(files: &[&str]) -> Outcome<TrustedKeys> {
    let mut data = BTreeMap::new();
    for file in files {
        data.insert((*file).to_owned(), read(file)?);
    }
    Ok(TrustedKeys::from_secret(&data))
}

fn commit(name: &str) -> Outcome<Signed> {
    Ok(Signed::commit(&read(&format!("{name}.commit"))?)?)
}

/// When a commit was made.
fn time(name: &str) -> Outcome<Timestamp> {
    let text = String::from_utf8(read(&format!("{name}.commit"))?)?;
    let line = text.lines().find_map(|line| line.strip_prefix("committer ")).ok_or("no committer")?;
    let seconds = line.rsplit(' ').nth(1).ok_or("no time")?;
    Ok(Timestamp::from_second(seconds.parse()?)?)
}

/// What verifying a commit with the keys in some files ends with, an hour after it was made.
fn verify(name: &str, files: &[&str]) -> Outcome<Result<String, String>> {
    let now = time(name)? + 1.hour();
    Ok(commit(name)?.verify(&keys(files)?, now).map_err(|error| error.to_string()))
}

/// Why a commit is refused.
fn refused(name: &str, files: &[&str]) -> Outcome<String> {
    match verify(name, files)? {
        Err(message) => Ok(message),
        Ok(key) => Err(format!("{name} was accepted with {key}").into()),
    }
}

fn key_file(name: &str) -> String {
    format!("{name}.{}", if name.starts_with("ssh") { "sshpub" } else { "asc" })
}

#[test]
fn signed_commits_are_accepted() -> Outcome {
    for name in OPENPGP {
        let key =
            verify(name, &["other.asc", &key_file(name)])?.map_err(|error| format!("{name}: {error}"))?;
        assert!(
            key.len() == 16 && key.chars().all(|c| c.is_ascii_digit() || c.is_ascii_uppercase()),
            "{key}"
        );
    }
    for name in SSH {
        let key = verify(name, &["ssh-other.sshpub", &key_file(name)])?
            .map_err(|error| format!("{name}: {error}"))?;
        assert!(key.starts_with("SHA256:"), "{key}");
    }
    Ok(())
}

#[test]
fn signed_tags_are_accepted() -> Outcome {
    for name in ["rsa", "ssh-ed25519"] {
        let tag = read(&format!("{name}.tag"))?;
        let (now, keys) = (time(name)? + 1.hour(), keys(&[&key_file(name)])?);
        Signed::tag(&tag)?.verify(&keys, now)?;
        let text = String::from_utf8(tag)?;
        for (from, to) in [("Release", "release"), ("object ", "object 1"), ("type commit", "type tree")] {
            let tampered = Signed::tag(text.replacen(from, to, 1).as_bytes())?;
            assert!(tampered.verify(&keys, now).is_err(), "{name}: {to}");
        }
    }
    let unsigned = Signed::tag(&read("unsigned.tag")?)?;
    assert!(!unsigned.is_signed());
    Ok(())
}

#[test]
fn every_byte_counts() -> Outcome {
    for name in OPENPGP.into_iter().chain(SSH) {
        let (object, keys) = (read(&format!("{name}.commit"))?, keys(&[&key_file(name)])?);
        let now = time(name)? + 1.hour();
        let signature = object.windows(6).position(|bytes| bytes == b"gpgsig").ok_or("no signature")?;
        let end = object.windows(2).position(|bytes| bytes == b"\n\n").ok_or("no message")?;
        // Before the signature, and in the message.
        for at in (0..signature).chain(end..object.len()) {
            let mut tampered = object.clone();
            tampered[at] ^= 1;
            if let Ok(signed) = Signed::commit(&tampered) {
                assert!(signed.verify(&keys, now).is_err(), "{name}: byte {at}");
            }
        }
        let added = [&object[..end + 1], b"parent 0123\n", &object[end + 1..]].concat();
        assert!(Signed::commit(&added)?.verify(&keys, now).is_err(), "{name}: another parent");
    }
    Ok(())
}

#[test]
fn a_signature_counts_for_one_commit() -> Outcome {
    let own = |name: &str| -> Outcome<(String, String)> {
        let text = String::from_utf8(read(&format!("{name}.commit"))?)?;
        let start = text.find("gpgsig").ok_or("no signature")?;
        let end =
            text.find("-----END").and_then(|at| Some(at + text[at..].find('\n')? + 1)).ok_or("no end")?;
        Ok((format!("{}{}", &text[..start], &text[end..]), text[start..end].to_owned()))
    };
    let (content, _) =
        own("unsigned").unwrap_or((String::from_utf8(read("unsigned.commit")?)?, String::new()));
    for name in ["ed25519", "ssh-ed25519"] {
        let (signed, signature) = own(name)?;
        let (keys, now) = (keys(&[&key_file(name)])?, time(name)? + 1.hour());
        let splice = |content: &str| content.replacen("\n\n", &format!("\n{signature}\n"), 1);
        // Spliced into its own commit, it is what it was.
        Signed::commit(splice(&signed).as_bytes())?.verify(&keys, now)?;
        assert!(Signed::commit(splice(&content).as_bytes())?.verify(&keys, now).is_err(), "{name}");
    }
    Ok(())
}

#[test]
fn other_keys_are_refused() -> Outcome {
    for name in OPENPGP {
        let message = refused(name, &["other.asc", "weak.asc"])?;
        assert_eq!(
            message,
            "unable to verify Git commit: unable to verify payload with any of the given key rings: no matching key"
        );
    }
    for name in SSH {
        let message = refused(name, &["ssh-other.sshpub"])?;
        assert_eq!(
            message,
            "unable to verify Git commit SSH signature: unable to verify payload with any of the given authorized keys: no matching key"
        );
    }
    let message = refused("rsa", &["ssh-rsa.sshpub"])?;
    assert_eq!(
        message,
        "PGP signature detected but no PGP public keys found in secret (keys with .asc suffix)"
    );
    let message = refused("ssh-rsa", &["rsa.asc"])?;
    assert_eq!(
        message,
        "SSH signature detected but no SSH public keys found in secret (keys with .sshpub suffix)"
    );
    assert_eq!(refused("unsigned", &["rsa.asc"])?, "unsupported signature type: empty");
    Ok(())
}

#[test]
fn keys_that_are_not_valid_are_refused() -> Outcome {
    let message = refused("revoked", &["revoked.asc"])?;
    assert!(message.ends_with(" is revoked"), "{message}");
    let message = refused("weak", &["weak.asc"])?;
    assert!(message.ends_with(" has signed a weak hash"), "{message}");
    // The key lasts for a day.
    let (signed, keys) = (commit("expired")?, keys(&["expired.asc"])?);
    signed.verify(&keys, time("expired")? + 23.hours())?;
    let error = signed.verify(&keys, time("expired")? + 25.hours()).err().ok_or("accepted")?;
    assert!(error.to_string().ends_with(" is expired"), "{error}");
    Ok(())
}

#[test]
fn a_signature_for_something_else_does_not_count() -> Outcome {
    // `ssh-keygen -Y sign -n file` has signed this line.
    let signature = String::from_utf8(read("ssh-file.signature")?)?;
    let commit = format!("tree 0\ngpgsig {}\n", signature.trim_end().replace('\n', "\n "));
    let error = Signed::commit(commit.as_bytes())?
        .verify(&keys(&["ssh-ed25519.sshpub"])?, Timestamp::now())
        .err()
        .ok_or("accepted")?;
    assert!(error.to_string().ends_with("the signature is for 'file', not for 'git'"), "{error}");
    Ok(())
}

#[test]
fn keys_that_cannot_be_read_are_named() -> Outcome {
    let secret = |name: &str, text: &str| {
        TrustedKeys::from_secret(&BTreeMap::from([(name.to_owned(), text.as_bytes().to_vec())]))
    };
    let now = Timestamp::now();
    let error = commit("rsa")?.verify(&secret("a.asc", "no key"), now).err().ok_or("accepted")?;
    assert!(error.to_string().contains("unable to read armored key ring"), "{error}");
    let error = commit("ssh-rsa")?.verify(&secret("a.sshpub", "no key"), now).err().ok_or("accepted")?;
    assert!(error.to_string().contains("unable to parse authorized key"), "{error}");
    // Keys with options and comments, as servers have them.
    let key = String::from_utf8(read("ssh-rsa.sshpub")?)?;
    let text = format!("# a comment\n\nrestrict,command=\"x y\" {key}");
    commit("ssh-rsa")?.verify(&secret("a.sshpub", &text), now)?;
    Ok(())
}
