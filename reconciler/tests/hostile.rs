//! Repositories that were made to do harm: what they cost is bounded.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use kustomize_core::host::{Host, HostError};
use reconciler::build::build;
use reconciler::source::git::{Commit, Credentials, GitError, GitProgram, Mirror};
use reconciler_api::KustomizationSpec;
use reconciler_api::git_repository::GitReference;
use reconciler_core::substitute::Variables;
use serde_json::json;
use tempfile::TempDir;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// How long anything may take on a busy machine: what is not bounded would take years.
const BOUND: Duration = Duration::from_secs(300);

/// A repository that is written object by object, as no working copy could be.
struct Repository {
    directory: TempDir,
}

impl Repository {
    fn new() -> Outcome<Self> {
        let repository = Repository { directory: tempfile::tempdir()? };
        repository.git(&["init", "-q", "--bare", "-b", "main", "."], b"")?;
        Ok(repository)
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn git(&self, arguments: &[&str], input: &[u8]) -> Outcome<String> {
        let mut command = Command::new("git");
        command.current_dir(self.path()).args(["-c", "user.name=Test", "-c", "user.email=test@example.org"]);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input)?;
        }
        let output = child.wait_with_output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
        }
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    fn blob(&self, content: &[u8]) -> Outcome<String> {
        self.git(&["hash-object", "-w", "--stdin"], content)
    }

    /// A directory with these entries: mode and type, id, name.
    fn tree(&self, entries: &[(&str, &str, &str)]) -> Outcome<String> {
        let lines: Vec<String> =
            entries.iter().map(|(kind, id, name)| format!("{kind} {id}\t{name}\n")).collect();
        self.git(&["mktree"], lines.concat().as_bytes())
    }

    fn commit(&self, tree: &str) -> Outcome {
        let id = self.git(&["commit-tree", "-m", "harm", tree], b"")?;
        self.git(&["update-ref", "refs/heads/main", &id], b"").map(|_| ())
    }

    async fn fetch(&self, largest: Option<u64>) -> Outcome<Result<Commit, GitError>> {
        let url = format!("file://{}", self.path().display());
        let mut remote = GitProgram::new(url, Credentials::default(), BOUND);
        if let Some(largest) = largest {
            remote = remote.limited_to(largest);
        }
        let wanted = GitReference { branch: Some("main".to_owned()), ..GitReference::default() };
        Ok(self.mirror()?.fetch(&remote, &wanted).await)
    }

    fn mirror(&self) -> Outcome<Mirror> {
        Ok(Mirror::open(&self.path().join("mirror"))?)
    }

    /// Builds the root of the last commit, which must not take long.
    async fn build(&self) -> Outcome<Result<usize, String>> {
        let tree = self.fetch(None).await??.tree;
        let spec: KustomizationSpec = serde_json::from_value(json!({
            "interval": "1m", "prune": true, "sourceRef": {"kind": "GitRepository", "name": "x"}, "path": "./",
        }))?;
        let start = Instant::now();
        let built = build(&tree, &spec, &Variables::default(), None);
        let took = start.elapsed();
        if took > BOUND {
            return Err(format!("it took {took:?}").into());
        }
        Ok(built.map(|built| built.objects.len()).map_err(|error| error.to_string()))
    }

    /// The error with which that ends.
    async fn failure(&self) -> Outcome<String> {
        match self.build().await? {
            Ok(objects) => Err(format!("{objects} objects were built").into()),
            Err(message) => Ok(message),
        }
    }
}

/// Ten to the twelfth directories in thirteen objects; `more` stands in each.
fn repeated(repository: &Repository, leaf: &str, more: &[(&str, &str, &str)]) -> Outcome<String> {
    let mut tree = leaf.to_owned();
    let names: Vec<String> = (0..10).map(|number| format!("d{number}")).collect();
    for _ in 0..12 {
        let mut entries = more.to_vec();
        entries.extend(names.iter().map(|name| ("040000 tree", tree.as_str(), name.as_str())));
        tree = repository.tree(&entries)?;
    }
    Ok(tree)
}

#[tokio::test]
async fn a_directory_that_stands_in_itself_many_times() -> Outcome {
    let repository = Repository::new()?;
    let blob = repository.blob(b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")?;
    let leaf = repository.tree(&[("100644 blob", &blob, "a.yaml")])?;
    repository.commit(&repeated(&repository, &leaf, &[])?)?;
    let message = repository.failure().await?;
    assert!(message.contains("may look at 200000 files and directories; divide it"), "{message}");
    // Nor does an archive of it come to an end in another way.
    let error = repository.fetch(None).await??.tree.pack(std::io::sink()).err().ok_or("it was packed")?;
    assert!(error.to_string().contains("an archive may look at 200000"), "{error}");
    Ok(())
}

#[tokio::test]
async fn kustomizations_that_stand_in_themselves_many_times() -> Outcome {
    let repository = Repository::new()?;
    let leaf = repository.blob(b"namePrefix: a-\n")?;
    let leaf = repository.tree(&[("100644 blob", &leaf, "kustomization.yaml")])?;
    let all = repository.blob(b"resources: [d0, d1, d2, d3, d4, d5, d6, d7, d8, d9]\n")?;
    let file = ("100644 blob", all.as_str(), "kustomization.yaml");
    repository.commit(&repeated(&repository, &leaf, &[file])?)?;
    let message = repository.failure().await?;
    assert!(message.contains("may read 20000 kustomization files; divide it"), "{message}");
    Ok(())
}

#[tokio::test]
async fn directories_in_each_other_without_end() -> Outcome {
    let repository = Repository::new()?;
    let blob = repository.blob(b"a: 1\n")?;
    let mut tree = repository.tree(&[("100644 blob", &blob, "a.yaml")])?;
    for _ in 0..300 {
        tree = repository.tree(&[("040000 tree", &tree, "d")])?;
    }
    repository.commit(&tree)?;
    let message = repository.failure().await?;
    assert!(message.contains("more than 255 deep in each other"), "{message}");
    Ok(())
}

#[tokio::test]
async fn many_files_beside_a_manifest() -> Outcome {
    let repository = Repository::new()?;
    let blob = repository.blob(b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")?;
    let names: Vec<String> = (0..100_000).map(|number| format!("{number}.txt")).collect();
    let mut entries: Vec<(&str, &str, &str)> =
        names.iter().map(|name| ("100644 blob", blob.as_str(), name.as_str())).collect();
    entries.push(("100644 blob", &blob, "a.yaml"));
    let tree = repository.tree(&entries)?;
    repository.commit(&tree)?;
    assert_eq!(repository.build().await?, Ok(1));
    Ok(())
}

#[tokio::test]
async fn a_name_that_no_file_system_has() -> Outcome {
    let repository = Repository::new()?;
    let blob = repository.blob(b"a: 1\n")?;
    let tree = repository.tree(&[("100644 blob", &blob, &"a".repeat(10_000))])?;
    repository.commit(&tree)?;
    let message = repository.failure().await?;
    assert!(message.contains("a name of more than 255 bytes"), "{message}");
    Ok(())
}

#[tokio::test]
async fn a_large_file_is_not_read() -> Outcome {
    let repository = Repository::new()?;
    let large = repository.blob(&vec![b'#'; 17 << 20])?;
    let tree = repository.tree(&[("100644 blob", &large, "a.yaml")])?;
    repository.commit(&tree)?;
    let message = repository.failure().await?;
    assert!(message.contains("a.yaml") && message.contains("16"), "{message}");
    Ok(())
}

#[cfg(unix)]
#[tokio::test]
async fn a_large_repository_does_not_fill_the_disk() -> Outcome {
    let repository = Repository::new()?;
    let mut state = 1_u64;
    let noise: Vec<u8> = (0..4 << 20)
        .map(|_| {
            // A generator of Knuth's: nothing that could be compressed.
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        })
        .collect();
    let blob = repository.blob(&noise)?;
    let tree = repository.tree(&[("100644 blob", &blob, "a.bin")])?;
    repository.commit(&tree)?;
    match repository.fetch(Some(1 << 20)).await? {
        Err(error @ GitError::TooLarge { .. }) => {
            assert!(error.to_string().contains("takes more than 1 MiB; keep large files elsewhere"));
        }
        other => return Err(format!("four megabytes with a limit of one: {other:?}").into()),
    }
    let left = size_of(&repository.path().join("mirror"))?;
    assert!(left < 1 << 20, "{left} bytes are left");
    // It is fetched as soon as it is allowed to be.
    let commit = repository.fetch(Some(8 << 20)).await??;
    assert_eq!(commit.tree.read("/a.bin")?.len(), noise.len());
    Ok(())
}

/// The bytes of all files below a directory.
#[cfg(unix)]
fn size_of(directory: &Path) -> Outcome<u64> {
    let mut sum = 0;
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        sum += if entry.file_type()?.is_dir() { size_of(&entry.path())? } else { entry.metadata()?.len() };
    }
    Ok(sum)
}

#[tokio::test]
async fn old_commits_do_not_accumulate() -> Outcome {
    let repository = Repository::new()?;
    let mut first = None;
    // More than there is room for packs.
    for number in 0..60 {
        let blob = repository.blob(format!("a: {number}\n").as_bytes())?;
        let tree = repository.tree(&[("100644 blob", &blob, "a.yaml")])?;
        repository.commit(&tree)?;
        let commit = repository.fetch(None).await??;
        assert_eq!(commit.tree.read("/a.yaml")?, format!("a: {number}\n").as_bytes());
        first.get_or_insert(commit.revision);
    }
    let packs = std::fs::read_dir(repository.path().join("mirror/objects/pack"))?;
    let count =
        packs.flatten().filter(|file| file.path().extension().is_some_and(|end| end == "pack")).count();
    assert!(count <= 16, "{count} packs");
    assert!(
        repository.mirror()?.recall(&first.unwrap_or_default()).is_none(),
        "the first commit is still there"
    );
    Ok(())
}

#[tokio::test]
async fn what_a_killed_git_leaves_is_in_nobodys_way() -> Outcome {
    let repository = Repository::new()?;
    let mirror = repository.path().join("mirror");
    let commit = |number: usize| -> Outcome<String> {
        let text = format!("a: {number}\n");
        let blob = repository.blob(text.as_bytes())?;
        repository.commit(&repository.tree(&[("100644 blob", &blob, "a.yaml")])?)?;
        Ok(text)
    };
    commit(0)?;
    repository.fetch(None).await??;
    let damages =
        ["shallow.lock", "refs/reconciler/wanted.lock", "HEAD.lock", "objects/pack/tmp_pack_x", "HEAD"];
    for (number, damage) in damages.iter().enumerate() {
        let text = commit(number + 1)?;
        // An empty file, as a machine that loses its power leaves it.
        std::fs::write(mirror.join(damage), "")?;
        let commit = repository.fetch(None).await?.map_err(|error| format!("{damage}: {error}"))?;
        assert_eq!(commit.tree.read("/a.yaml")?, text.as_bytes(), "{damage}");
        assert_eq!(mirror.join(damage).exists(), *damage == "HEAD", "{damage}");
    }
    std::fs::remove_dir_all(&mirror)?;
    let mirror = repository.mirror()?;
    assert!(mirror.is_there());
    std::fs::remove_dir_all(repository.path().join("mirror"))?;
    assert!(!mirror.is_there());
    Ok(())
}

#[tokio::test]
async fn a_text_that_grows_when_it_is_read() -> Outcome {
    let repository = Repository::new()?;
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let references = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{references}]\n"));
    }
    let text = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\n{bomb}");
    let blob = repository.blob(text.as_bytes())?;
    let tree = repository.tree(&[("100644 blob", &blob, "a.yaml")])?;
    repository.commit(&tree)?;
    let message = repository.failure().await?;
    assert!(message.contains("a.yaml"), "{message}");
    Ok(())
}

#[tokio::test]
async fn paths_and_links_out_of_the_repository() -> Outcome {
    for (kustomization, link) in [
        ("resources: [../../../etc/passwd]\n", None),
        ("resources: [/etc/passwd]\n", None),
        ("resources: [link]\n", Some("/etc/passwd")),
        ("resources: [link]\n", Some("../../etc/passwd")),
        ("resources: [link]\n", Some("link")),
        ("configMapGenerator: [{name: a, files: [link]}]\n", Some("/etc/passwd")),
    ] {
        let repository = Repository::new()?;
        let file = repository.blob(kustomization.as_bytes())?;
        let target = repository.blob(link.unwrap_or("nothing").as_bytes())?;
        let mut entries = vec![("100644 blob", file.as_str(), "kustomization.yaml")];
        if link.is_some() {
            entries.push(("120000 blob", target.as_str(), "link"));
        }
        let tree = repository.tree(&entries)?;
        repository.commit(&tree)?;
        let message =
            repository.failure().await.map_err(|error| format!("{kustomization} {link:?}: {error}"))?;
        assert!(!message.contains("root:"), "{message}");
    }
    Ok(())
}

#[tokio::test]
async fn what_belongs_to_git_stays_out() -> Outcome {
    let repository = Repository::new()?;
    let (text, rules) = (repository.blob(b"[core]\n")?, repository.blob(b"!.git/\n!.gitignore\n!*\n")?);
    let below = repository.tree(&[("100644 blob", &text, "config")])?;
    // Git itself refuses to check such a tree out.
    let tree = repository.tree(&[
        ("040000 tree", &below, ".git"),
        ("100644 blob", &text, ".gitignore"),
        ("100644 blob", &rules, ".sourceignore"),
        ("100644 blob", &text, "a.yaml"),
    ])?;
    repository.commit(&tree)?;
    let commit = repository.fetch(None).await??;
    let tree = repository.mirror()?.leave_out(&commit.tree, "!.git/config\n")?;
    assert_eq!(tree.read("/.git/config"), Err(HostError::NotFound));
    assert_eq!(tree.list("/")?, [".gitignore", ".sourceignore", "a.yaml"]);
    Ok(())
}

#[tokio::test]
async fn rules_that_stand_in_themselves_many_times() -> Outcome {
    let repository = Repository::new()?;
    let rules = repository.blob(b"*.md\n")?;
    let leaf = repository.tree(&[("100644 blob", &rules, ".sourceignore")])?;
    repository.commit(&repeated(&repository, &leaf, &[])?)?;
    let tree = repository.fetch(None).await??.tree;
    let error = repository.mirror()?.leave_out(&tree, "").err().ok_or("they were read")?;
    assert!(error.to_string().contains("more than 10000 files .sourceignore"), "{error}");
    // One file that holds for all of it does no harm, but what is brought back cannot be found.
    let rules = repository.blob(b"/*/\n!*.yaml\n")?;
    let text = repository.blob(b"a\n")?;
    let leaf = repository.tree(&[("100644 blob", &text, "a.txt")])?;
    let below = repeated(&repository, &leaf, &[])?;
    repository.commit(
        &repository.tree(&[("100644 blob", &rules, ".sourceignore"), ("040000 tree", &below, "below")])?,
    )?;
    let tree = repository.fetch(None).await??.tree;
    let tree = repository.mirror()?.leave_out(&tree, "")?;
    let error = tree.list("/").err().ok_or("it was listed")?;
    assert!(error.to_string().contains("may look at 200000 files and directories"), "{error}");
    Ok(())
}
