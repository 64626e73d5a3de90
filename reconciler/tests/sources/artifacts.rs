//! Artifacts, as other controllers download them.

use std::io::Read as _;

use flate2::read::GzDecoder;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::stage::{Outcome, Stage};

/// The artifact in the status of the GitRepository at a revision.
async fn artifact(stage: &Stage, revision: &str) -> Outcome<Value> {
    let path = stage.source();
    stage.object_becomes(&path, |found| found["status"]["artifact"]["revision"] == *revision).await?;
    Ok(stage.get(&path).await?.unwrap_or_default()["status"]["artifact"].clone())
}

async fn download(url: &str) -> Outcome<Vec<u8>> {
    Ok(reqwest::get(url).await?.error_for_status()?.bytes().await?.to_vec())
}

#[tokio::test(flavor = "multi_thread")]
async fn archives_are_what_the_status_says() -> Outcome {
    let mut stage = Stage::new("artifacts").await?;
    let long = format!("main/{}/long.yaml", "directory".repeat(12));
    stage
        .commit("first commit", &[("main/.keep", "kept"), ("main/run.sh", "#!/bin/sh\n"), (&long, "{}\n")])?;
    std::os::unix::fs::symlink("/etc/passwd", stage.repository().join("main/link"))?;
    stage.commit("add a link", &[])?;
    stage.start_with("main", |options| options.artifacts = Some(([127, 0, 0, 1], 0).into())).await?;
    let first = artifact(&stage, &stage.revision()?).await?;
    let url = first["url"].as_str().unwrap_or_default();
    assert!(url.ends_with(&format!(
        "/gitrepository/artifacts/flux-system/{}.tar.gz",
        stage.git(&["rev-parse", "HEAD"])?
    )));
    let bytes = download(url).await?;
    let hex: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(first["digest"], format!("sha256:{hex}"));
    assert_eq!(first["size"], bytes.len());
    let (latest, _) = url.rsplit_once('/').unwrap_or_default();
    assert_eq!(download(&format!("{latest}/latest.tar.gz")).await?, bytes);

    let mut files = Vec::new();
    for entry in tar::Archive::new(GzDecoder::new(&*bytes)).entries()? {
        let mut entry = entry?;
        let mut content = String::new();
        entry.read_to_string(&mut content)?;
        if entry.header().entry_type().is_file() {
            files.push((String::from_utf8_lossy(&entry.path_bytes()).into_owned(), content));
        }
    }
    files.sort();
    let wanted = [("main/.keep", "kept"), (&*long, "{}\n"), ("main/run.sh", "#!/bin/sh\n")];
    assert_eq!(files, wanted.map(|(name, content)| (name.to_owned(), content.to_owned())));

    // What is no longer offered is gone, as is what never was.
    stage.commit("change", &[("main/.keep", "changed")])?;
    stage.annotate(&stage.source()).await?;
    let second = artifact(&stage, &stage.revision()?).await?;
    assert_ne!(second["digest"], first["digest"]);
    let gone =
        [url, &format!("{latest}/../x.tar.gz"), &format!("{latest}/nothing.tar.gz"), &format!("{url}/x")];
    for gone in gone {
        // The archive of a revision is offered until the next one is.
        let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
        while reqwest::get(gone).await?.status() != 404 {
            assert!(std::time::Instant::now() < end, "{gone} is still there");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }
    stage.delete("main").await?;
    stage.stop().await
}
