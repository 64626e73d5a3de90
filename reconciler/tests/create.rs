//! `create … --export`: what is printed, and how mistakes are told.

use std::process::{Command, Output};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

fn reconciler(line: &str) -> Result<Output> {
    let args = line.split_whitespace();
    Ok(Command::new(env!("CARGO_BIN_EXE_reconciler"))
        .args(args)
        .env_remove("FLUX_SYSTEM_NAMESPACE")
        .output()?)
}

/// What a command prints that has to succeed.
fn printed(line: &str) -> Result<String> {
    let output = reconciler(line)?;
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

#[test]
fn a_kustomization_of_an_environment() -> Result {
    let text = printed(
        "create kustomization apps-staging --target-namespace=staging --source=flux-system \
         --path=./apps/overlays/staging --prune=true --interval=1m --export",
    )?;
    let wanted = "\
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: apps-staging
  namespace: flux-system
spec:
  interval: 1m0s
  path: ./apps/overlays/staging
  prune: true
  sourceRef:
    kind: GitRepository
    name: flux-system
  targetNamespace: staging
";
    assert_eq!(text, wanted);
    Ok(())
}

#[test]
fn a_secret_quotes_what_looks_like_a_number() -> Result {
    let text =
        printed("create secret proxy corporate --address=http://proxy --username=u --password=1 --export")?;
    assert!(text.contains("\n  password: \"1\"\n"), "{text}");
    assert!(text.ends_with("\ntype: Opaque\n\n"), "{text}");
    Ok(())
}

#[cfg(unix)]
#[test]
fn a_secret_is_not_made_of_an_empty_file() -> Result {
    let directory = tempfile::TempDir::new()?;
    let file = |name: &str, text: &str| -> Result<String> {
        let path = directory.path().join(name);
        std::fs::write(&path, text)?;
        Ok(path.display().to_string())
    };
    let (full, blank) = (file("full.crt", "x\n")?, file("blank.crt", "\n")?);
    let statement = r#"{"name": "a", "registryScopes": ["*"], "signatureVerification": {"level": "strict"}}"#;
    let policy = file("policy.json", &format!(r#"{{"version": "1.0", "trustPolicies": [{statement}]}}"#))?;
    let cases = [
        ("githubapp ab --app-id=1 --app-installation-id=2 --app-private-key=/dev/null", "private key file"),
        ("tls ab --ca-crt-file=/dev/null", "TLS CA file"),
        (&format!("tls ab --tls-crt-file={full} --tls-key-file={blank}"), "TLS key file"),
        (&format!("helm ab --username=u --password=p --ca-crt-file={blank}"), "TLS CA file"),
        ("git ab --url=https://host/a --bearer-token=t --ca-crt-file=/dev/null", "TLS CA file"),
        ("git ab --url=ssh://git@host/a --private-key-file=/dev/null", "private key file"),
        (&format!("notation ab --trust-policy-file={policy} --ca-cert-file={blank}"), "TLS CA file"),
    ];
    for (line, what) in cases {
        let output = reconciler(&format!("create secret {line} --export"))?;
        let stderr = String::from_utf8(output.stderr)?;
        assert!(!output.status.success() && output.stdout.is_empty(), "{line}: {stderr}");
        assert!(stderr.starts_with(&format!("✗ unable to read {what}: /")), "{line}: {stderr}");
        assert!(stderr.ends_with(" is empty\n"), "{line}: {stderr}");
    }
    Ok(())
}

#[test]
fn mistakes_are_one_line_and_the_usage() -> Result {
    let cases = [
        ("create kustomization", "✗ name is required", "Usage: reconciler create kustomization"),
        ("create source git podinfo --export", "✗ url is required", "Usage: reconciler create source git"),
        (
            "create source git podinfo --url=org/podinfo --branch=main",
            "✗ git URL scheme '' not supported, can be: ssh, http and https; 'org/podinfo' has to be an address such as \
             https://host/org/repository",
            "Usage: ",
        ),
        (
            "create source git podinfo --url=git@github.com:org/podinfo --branch=main",
            "✗ git URL parse failed: parse \"git@github.com:org/podinfo\": write ssh://git@github.com/org/podinfo",
            "Usage: ",
        ),
        ("push artifact", "✗ missing: <ADDRESS>", "Usage: "),
        ("test", "✗ missing: --policy <POLICY>, <PATHS>...", "Usage: "),
        ("create kustomization apps --exprt", "✗ unknown flag: --exprt, did you mean --export", "Usage: "),
        (
            "create kustomization apps --source=HelmChart/x",
            "✗ invalid argument \"HelmChart/x\" for \"--source\" flag: source kind 'HelmChart' is not supported, \
             must be one of: OCIRepository, GitRepository, Bucket, ExternalArtifact",
            "",
        ),
    ];
    for (line, message, usage) in cases {
        let output = reconciler(line)?;
        let stderr = String::from_utf8(output.stderr)?;
        assert_eq!(output.status.code(), Some(2), "{line}: {stderr}");
        assert_eq!(stderr.lines().next(), Some(message), "{line}");
        assert!(stderr.contains(usage), "{line}: {stderr}");
        assert!(output.stdout.is_empty(), "{line}");
    }
    Ok(())
}

#[test]
fn names_of_files_in_errors_can_be_opened() -> Result {
    let directory = tempfile::TempDir::new()?;
    let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text);
    write("kustomization.yaml", "resources: [map.yaml]\n")?;
    write(
        "ks.yaml",
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: a, namespace: flux-system}\n\
         spec: {interval: 5m, prune: true, sourceRef: {kind: GitRepository, name: x}, postBuild: {substitute: {a: b}}}\n",
    )?;
    let root = directory.path().canonicalize()?.display().to_string();
    let line = format!(
        "build kustomization a --path={root} --kustomization-file={root}/ks.yaml --dry-run --strict-substitute"
    );
    write("map.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  a: ${b}\n")?;
    let said = String::from_utf8(reconciler(&line)?.stderr)?;
    assert!(said.contains("\"b\""), "{said}");
    assert!(said.contains(&format!("({root}/map.yaml:1)")), "{said}");
    write("map.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n data: {")?;
    let said = String::from_utf8(reconciler(&line)?.stderr)?;
    assert!(said.contains(&format!("build failed: {root}/map.yaml:5:2: ")), "{said}");
    Ok(())
}
