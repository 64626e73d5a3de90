//! `bootstrap` with commits that are signed.

use std::path::Path;
use std::process::Command;

use crate::stage::{Result, Stage, git};

fn run(program: &str, home: &Path, args: &[&str]) -> Result<String> {
    let output = Command::new(program).args(args).env("GNUPGHOME", home).output()?;
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

/// An empty repository, and the command line that bootstraps from it. No controllers run, so that nothing becomes ready.
fn repository(stage: &Stage, name: &str) -> Result<String> {
    let url = stage.repository(name)?;
    Ok(format!(
        "bootstrap git --url=file://{} --path=clusters/demo --author-email=me@example.com --timeout=1s",
        url.display()
    ))
}

#[test]
fn commits_are_signed_with_the_key_that_is_named() -> Result {
    let stage = Stage::new()?;
    stage.succeeds("install")?;
    let line = repository(&stage, "openpgp.git")?;
    let home = tempfile::tempdir()?;
    let batch = ["--batch", "--pinentry-mode", "loopback", "--passphrase", "secret"];
    let mut fingerprints = Vec::new();
    for user in ["one <one@example.com>", "two <two@example.com>"] {
        run("gpg", home.path(), &[&batch[..], &["--quick-generate-key", user, "ed25519", "sign"]].concat())?;
    }
    for line in run("gpg", home.path(), &["--list-secret-keys", "--with-colons"])?.lines() {
        if let Some(rest) = line.strip_prefix("fpr:") {
            fingerprints.push(rest.trim_matches(':').to_owned());
        }
    }
    let [_, second] = &fingerprints[..] else { return Err(format!("{fingerprints:?}").into()) };
    let ring = stage.path("ring.gpg");
    let keys = Command::new("gpg")
        .args(batch)
        .args(["--export-secret-keys"])
        .env("GNUPGHOME", home.path())
        .output()?;
    std::fs::write(&ring, keys.stdout)?;
    let signed = format!("{line} --gpg-key-ring={} --gpg-key-id={}", ring.display(), &second[24..]);
    let refused = stage.fails(&format!("{signed} --gpg-passphrase=wrong"))?;
    assert!(refused.contains("git commit failed") && !refused.contains("pushing"), "{refused}");
    let said = stage.fails(&format!("{signed} --gpg-passphrase=secret"))?;
    assert!(said.contains("✔ committed sync manifests"), "{said}");
    let log = Command::new("git")
        .args(["log", "--format=%G? %GF", "main"])
        .current_dir(stage.path("openpgp.git"))
        .env("GNUPGHOME", home.path())
        .output()?;
    let log = String::from_utf8(log.stdout)?;
    // `U`: a good signature by a key of which nobody has said that it is trusted; here it is one's own.
    assert_eq!(log.lines().count(), 2, "{log}");
    assert!(log.lines().all(|line| line == format!("G {second}") || line == format!("U {second}")), "{log}");
    Command::new("gpgconf").args(["--kill", "all"]).env("GNUPGHOME", home.path()).status()?;
    Ok(())
}

#[test]
fn commits_are_signed_with_a_key_for_ssh() -> Result {
    let stage = Stage::new()?;
    stage.succeeds("install")?;
    let line = repository(&stage, "ssh.git")?;
    let key = stage.path("key");
    let file = key.display().to_string();
    run(
        "ssh-keygen",
        stage.directory.path(),
        &["-q", "-t", "ed25519", "-N", "secret", "-C", "", "-f", &file],
    )?;
    let signed = format!("{line} --ssh-signing-key-file={file}");
    // It is known before anything is changed that the key cannot be used.
    let refused = stage.fails(&format!("{signed} --ssh-signing-password=wrong"))?;
    assert!(refused.contains("the password does not fit") && !refused.contains("cloning"), "{refused}");
    let said = stage.fails(&format!("{signed} --ssh-signing-passphrase=secret"))?;
    assert!(said.contains("✔ committed sync manifests"), "{said}");
    let signers = stage.path("signers");
    std::fs::write(
        &signers,
        format!("me@example.com {}", std::fs::read_to_string(key.with_extension("pub"))?),
    )?;
    let allowed = format!("gpg.ssh.allowedSignersFile={}", signers.display());
    let log = git(&stage.path("ssh.git"), &["-c", &allowed, "log", "--format=%G? %GS", "main"])?;
    assert_eq!(log, "G me@example.com\nG me@example.com\n");

    let cases = [
        ("--ssh-signing-reuse-private-key", "requires --private-key-file"),
        ("--ssh-signing-password=a", "requires --ssh-signing-key-file"),
        ("--gpg-key-ring=a --ssh-signing-key-file=b", "mutually exclusive"),
        ("--gpg-key-ring=/nowhere", "commits cannot be signed with /nowhere"),
    ];
    stage.refuses(&line, &cases)
}
