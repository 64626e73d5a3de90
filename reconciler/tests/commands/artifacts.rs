//! The commands for artifacts.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::registry::Registry;
use crate::stage::Result;

fn map(text: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  a: {text}\n")
}

/// Runs `reconciler` with a text as its standard input.
fn reconciler(line: &str, input: &str) -> Result<Output> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reconciler"));
    command.args(line.split_whitespace()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn()?;
    let mut writer = process.stdin.take().ok_or("no standard input")?;
    writer.write_all(input.as_bytes())?;
    drop(writer);
    Ok(process.wait_with_output()?)
}

fn succeeds(line: &str, input: &str) -> Result<String> {
    let output = reconciler(line, input)?;
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

#[tokio::test(flavor = "multi_thread")]
async fn standard_input_is_pushed_as_a_file() -> Result {
    let registry = Registry::start().await?;
    let address = registry.address();
    let (url, repository) = (format!("oci://{address}/team/apps:v1"), format!("{address}/team/apps"));
    let push = format!("push artifact {url} --path=- --source=here --revision=main --reproducible");
    let text = succeeds(&format!("{push} -o json"), &map("first"))?;
    let pushed: Value = serde_json::from_str(&text)?;
    let digest = pushed["digest"].as_str().ok_or("no digest")?;
    let reference = format!("oci://{repository}@{digest}");
    assert_eq!(pushed, json!({"url": reference, "repository": repository, "tag": "v1", "digest": digest}));
    // Flux's JSON has this order.
    let keys: Vec<&str> = text.lines().filter_map(|line| line.trim().split('"').nth(1)).collect();
    assert_eq!(keys, ["url", "repository", "tag", "digest"]);
    // The same content has the same digest, and YAML is sorted.
    let yaml = succeeds(&format!("{push} --output=yaml"), &map("first"))?;
    let wanted = format!("digest: {digest}\nrepository: {repository}\ntag: v1\nurl: {reference}\n");
    assert_eq!(yaml, wanted);

    let directory = tempfile::tempdir()?;
    succeeds(&format!("pull artifact {url} --output={}", directory.path().display()), "")?;
    let names: Vec<std::fs::DirEntry> =
        std::fs::read_dir(directory.path())?.collect::<std::io::Result<_>>()?;
    let names: Vec<_> = names.iter().map(std::fs::DirEntry::file_name).collect();
    assert_eq!(names, ["stdin.yaml"]);
    assert_eq!(std::fs::read_to_string(directory.path().join("stdin.yaml"))?, map("first"));
    succeeds(&format!("diff artifact {url} --path=-"), &map("first"))?;
    let differs = reconciler(&format!("diff artifact {url} --path=-"), &map("second"))?;
    let out = String::from_utf8(differs.stdout)?;
    assert!(!differs.status.success() && out.contains("second"), "{out}");

    let empty = reconciler(&push, "")?;
    let error = String::from_utf8(empty.stderr)?;
    assert!(!empty.status.success() && error.contains("standard input"), "{error}");
    Ok(())
}
