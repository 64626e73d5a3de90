//! A remote repository through the program `git`.
//!
//! Credentials go to git through its environment and through files that only this user can read,
//! never through its arguments.

use std::io::Write;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine;
use gix::ObjectId;
use tempfile::TempDir;
use tokio::process::Command;
use url::{Host, Url};

use super::address::{self, Server};
use super::{Credentials, GitError, Reference, Remote, shown_url};
use crate::outbound::{self, Gate};

/// Schemes that git may use, also when it is redirected.
const SCHEMES: &str = "http:https:ssh:file";
/// The same of a repository elsewhere.
const OUTWARD_SCHEMES: &str = "http:https:ssh";
/// The largest file that git may write, in bytes: the pack of a commit.
const LARGEST_PACK: u64 = 1 << 30;
/// The unit in which a shell limits the size of files, in bytes.
const UNIT: u64 = 512;
/// The most memory that git may ask for at once. What a small pack unfolds to is not known beforehand.
const MOST_MEMORY: u64 = 256 << 20;
/// Files beyond this size pass through git piece by piece.
const STREAMED: &str = "16m";
/// How many times the largest pack a repository has room for, with those of submodules.
const MOST_ROOM: u64 = 4;
/// How many packs may accumulate. Whoever has the repository open has room for about thirty.
const MOST_PACKS: usize = 16;
/// The variables with the proxies that git takes by itself.
const PROXIES: [&str; 6] =
    ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
/// What is said of a push to a branch whose files are checked out.
const CHECKED_OUT: &str = "the branch is checked out in the repository, which refuses to be pushed to; \
    run there: git config receive.denyCurrentBranch updateInstead";
/// What is kept of git's own words.
const MOST_WORDS: usize = 600;

/// A remote repository that is accessed with the program `git`.
#[derive(Clone)]
pub struct GitProgram {
    url: String,
    credentials: Credentials,
    timeout: Duration,
    largest: u64,
    /// Whether the repository was chosen by a tenant.
    is_confined: bool,
    schemes: &'static str,
}

impl GitProgram {
    /// A repository at an address. Every call of git may take as long as `timeout`.
    #[must_use]
    pub fn new(url: impl Into<String>, credentials: Credentials, timeout: Duration) -> Self {
        GitProgram {
            url: url.into(),
            credentials,
            timeout,
            largest: LARGEST_PACK,
            is_confined: false,
            schemes: SCHEMES,
        }
    }

    /// The same repository, of which no pack may have more bytes than that.
    #[must_use]
    pub fn limited_to(self, largest: u64) -> Self {
        GitProgram { largest, ..self }
    }

    /// The same repository for a tenant: its server cannot redirect to another one, and no submodule can be on this
    /// machine.
    #[must_use]
    pub fn confined(self) -> Self {
        GitProgram { is_confined: true, ..self }
    }

    /// The repository of a submodule, with the address that a commit of this repository gives it.
    ///
    /// # Errors
    /// It is not an address of a repository that a submodule may have.
    pub(super) fn submodule(&self, written: &str) -> Result<GitProgram, GitError> {
        let url = address::of_submodule(&self.url, written).map_err(GitError::Failed)?;
        let is_local = Server::of(&url).scheme == "file";
        if is_local && (self.is_confined || Server::of(&self.url).scheme != "file") {
            let message = "a repository on the machine of the reconciler cannot be used";
            return Err(GitError::Failed(message.to_owned()));
        }
        let credentials = self.credentials.for_submodule(&self.url, &url);
        let credentials = credentials.map_err(|error| GitError::Authentication(error.to_string()))?;
        let schemes = if is_local { "file" } else { OUTWARD_SCHEMES };
        Ok(GitProgram { url, credentials, schemes, ..self.clone() })
    }

    /// The same repository, of which no pack is larger than what a directory has room for with those that are there.
    pub(super) async fn within_room(&self, directory: &Path) -> Result<GitProgram, GitError> {
        self.tidy(directory).await?;
        let room = (MOST_ROOM * self.largest).saturating_sub(packs(directory).iter().sum());
        if room == 0 {
            return Err(GitError::TooLarge {
                what: "and its submodules have",
                limit: MOST_ROOM * self.largest,
            });
        }
        Ok(self.clone().limited_to(self.largest.min(room)))
    }

    /// The branch that the repository is on.
    pub async fn default_branch(&self) -> Result<Option<String>, GitError> {
        let output = self.run(None, &["ls-remote", "--quiet", "--symref", "--", &self.url, "HEAD"]).await?;
        let text = String::from_utf8_lossy(&output);
        let head =
            text.lines().find_map(|line| line.strip_prefix("ref: refs/heads/")?.strip_suffix("\tHEAD"));
        Ok(head.map(str::to_owned))
    }

    /// Where the repository is.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Runs git in a repository, if one is given, and returns what it prints.
    pub(super) async fn run(
        &self,
        directory: Option<&Path>,
        arguments: &[&str],
    ) -> Result<Vec<u8>, GitError> {
        let io = |error: std::io::Error| GitError::Storage(error.to_string());
        let mut addresses = Vec::new();
        if arguments.contains(&self.url.as_str()) {
            let refused = |refused: outbound::Refused| GitError::Failed(refused.to_string());
            let reach = self.credentials.reach;
            addresses = outbound::check(&self.url, reach).await.map_err(refused)?;
            if let Some(proxy) = &self.credentials.proxy {
                outbound::check(proxy.as_str(), reach).await.map_err(refused)?;
            }
        }
        let gate = self.gate(arguments).map_err(io)?;
        let mut files = PrivateFiles::default();
        let mut command = self.program();
        if let Some(directory) = directory {
            command.arg("--git-dir").arg(directory);
        }
        command
            .args(arguments)
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", null_device())
            .env("GIT_ALLOW_PROTOCOL", self.schemes)
            .env("GIT_ALLOC_LIMIT", MOST_MEMORY.to_string())
            .env("LC_ALL", "C")
            .env_remove("GIT_ASKPASS")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        self.authenticate(&mut command, &mut files, &addresses, gate.as_ref()).map_err(io)?;
        let output = match tokio::time::timeout(self.timeout, command.output()).await {
            Err(_) => {
                directory.map(remove_halves);
                return Err(GitError::TimedOut(self.timeout));
            }
            Ok(Err(error)) => return Err(GitError::NoProgram(error.to_string())),
            Ok(Ok(output)) => output,
        };
        if output.status.success() {
            return Ok(output.stdout);
        }
        // Git is killed at the limit, and says nothing of it.
        let limit = self.largest / UNIT * UNIT;
        if directory.map(remove_halves).is_some_and(|largest| largest >= limit) {
            return Err(GitError::TooLarge { what: "takes", limit: self.largest });
        }
        let said = String::from_utf8_lossy(&output.stderr);
        match gate.and_then(|gate| gate.take_failure()) {
            Some(why) => Err(self.failure(&format!("fatal: unable to access '{}': {why}", self.url))),
            None => Err(self.failure(&said)),
        }
    }

    /// What git connects through if its server may redirect it to any other one.
    fn gate(&self, arguments: &[&str]) -> std::io::Result<Option<Gate>> {
        let is_direct = self.credentials.proxy.is_none()
            && !PROXIES.iter().any(|name| std::env::var_os(name).is_some_and(|proxy| !proxy.is_empty()));
        let is_redirected = !self.is_confined && Server::of(&self.url).scheme.starts_with("http");
        let is_needed = is_direct && is_redirected && arguments.contains(&self.url.as_str());
        is_needed.then(|| Gate::open(self.credentials.reach)).transpose()
    }

    /// The program, which cannot write files of any size.
    #[cfg(unix)]
    fn program(&self) -> Command {
        let mut command = Command::new("sh");
        // A limit that is lower already stays.
        command.args([
            "-c",
            "ulimit -f \"$0\" 2>/dev/null; exec git \"$@\"",
            &(self.largest / UNIT).to_string(),
        ]);
        command
    }

    #[cfg(not(unix))]
    fn program(&self) -> Command {
        Command::new("git")
    }

    /// Hands the credentials over, and the addresses of the server.
    fn authenticate(
        &self,
        command: &mut Command,
        files: &mut PrivateFiles,
        addresses: &[IpAddr],
        gate: Option<&Gate>,
    ) -> std::io::Result<()> {
        let credentials = &self.credentials;
        let mut settings: Vec<(&str, String)> = vec![
            // Packs are limited in size, loose objects are not.
            ("fetch.unpackLimit", "1".to_owned()),
            ("core.bigFileThreshold", STREAMED.to_owned()),
            // `tidy` does this when nobody reads what it removes.
            ("maintenance.auto", "false".to_owned()),
            ("gc.auto", "0".to_owned()),
        ];
        // What was looked at is what git connects to, whatever the name stands for by then.
        if let Some(pinned) = pinned(&self.url, addresses) {
            settings.push(("http.curloptResolve", pinned));
        }
        if self.is_confined {
            settings.push(("http.followRedirects", "false".to_owned()));
        }
        if let Some(gate) = gate {
            settings.push(("http.proxy", gate.url()));
            command.env_remove("no_proxy").env_remove("NO_PROXY");
        }
        if let Some(token) = &credentials.bearer_token {
            settings.push(("http.extraHeader", format!("Authorization: Bearer {token}")));
        } else if let (Some(username), Some(password)) = (&credentials.username, &credentials.password)
            && credentials.identity.is_none()
        {
            let pair = base64::engine::general_purpose::STANDARD.encode(format!("{username}:{password}"));
            settings.push(("http.extraHeader", format!("Authorization: Basic {pair}")));
        }
        if let Some(proxy) = &credentials.proxy {
            settings.push(("http.proxy", proxy.to_string()));
            // What this process reaches directly, the repository may not be.
            command.env_remove("no_proxy").env_remove("NO_PROXY");
        }
        // These win over git's settings, and over the same variables of this process.
        let certificates = [
            ("GIT_SSL_CAINFO", &credentials.ca, "ca.crt"),
            ("GIT_SSL_CERT", &credentials.certificate, "tls.crt"),
            ("GIT_SSL_KEY", &credentials.certificate_key, "tls.key"),
        ];
        for (variable, content, name) in certificates {
            if let Some(content) = content {
                command.env(variable, files.write(name, content)?);
            }
        }
        command.env("GIT_CONFIG_COUNT", settings.len().to_string());
        for (number, (key, value)) in settings.iter().enumerate() {
            command.env(format!("GIT_CONFIG_KEY_{number}"), key);
            command.env(format!("GIT_CONFIG_VALUE_{number}"), value);
        }
        if let (Some(identity), Some(known_hosts)) = (&credentials.identity, &credentials.known_hosts) {
            let mut identity = identity.clone();
            if !identity.ends_with('\n') {
                identity.push('\n');
            }
            let identity = files.write("identity", &identity)?;
            let known_hosts = files.write("known_hosts", known_hosts)?;
            command.env(
                "GIT_SSH_COMMAND",
                format!(
                    "ssh -F none -i '{}' -o IdentitiesOnly=yes -o StrictHostKeyChecking=yes -o UserKnownHostsFile='{}' -o GlobalKnownHostsFile=none -o NumberOfPasswordPrompts=1 -o PreferredAuthentications=publickey",
                    identity.display(),
                    known_hosts.display()
                ),
            );
            if let Some(password) = &credentials.password {
                let script =
                    files.write("askpass", "#!/bin/sh\nprintf '%s\\n' \"$RECONCILER_KEY_PASSWORD\"\n")?;
                make_executable(&script)?;
                command
                    .env("SSH_ASKPASS", script)
                    .env("SSH_ASKPASS_REQUIRE", "force")
                    .env("RECONCILER_KEY_PASSWORD", password);
            }
        }
        Ok(())
    }

    /// An error from what git said.
    fn failure(&self, said: &str) -> GitError {
        if said.contains("attempting to allocate") {
            return GitError::TooLarge { what: "unfolds to", limit: MOST_MEMORY };
        }
        if said.contains("refusing to update checked out branch") {
            return GitError::Failed(CHECKED_OUT.to_owned());
        }
        let refused = [
            "Authentication failed",
            "could not read Username",
            "could not read Password",
            "Permission denied (",
            "Host key verification failed",
            "The requested URL returned error: 401",
            "The requested URL returned error: 403",
        ];
        let is_refused = |line: &str| refused.iter().any(|text| line.contains(text));
        let mut lines: Vec<&str> = said
            .lines()
            .map(str::trim)
            // ssh frames its warnings.
            .filter(|line| {
                !line.is_empty() && !["warning:", "hint:", "@"].iter().any(|start| line.starts_with(start))
            })
            .map(|line| line.trim_start_matches("fatal: ").trim_start_matches("error: "))
            .collect();
        // The reason comes first, and what is too long is cut at the end.
        lines.sort_by_key(|line| !is_refused(line));
        let mut words = self.credentials.mask(&lines.join("; ")).replace(&self.url, &shown_url(&self.url));
        if let Some((end, _)) = words.char_indices().nth(MOST_WORDS) {
            words.truncate(end);
        }
        if is_refused(said) { GitError::Authentication(words) } else { GitError::Failed(words) }
    }
}

#[async_trait]
impl Remote for GitProgram {
    async fn list(&self, names: &[&str]) -> Result<Vec<Reference>, GitError> {
        // Tags are followed to their commits, which git lists under another name.
        let peeled: Vec<String> = names
            .iter()
            .filter(|name| name.starts_with("refs/tags/") && !name.ends_with('*'))
            .map(|name| format!("{name}^{{}}"))
            .collect();
        let mut arguments = vec!["ls-remote", "--quiet", "--", &self.url];
        arguments.extend(names);
        arguments.extend(peeled.iter().map(String::as_str));
        let output = self.run(None, &arguments).await?;
        let mut references: Vec<Reference> = Vec::new();
        for line in String::from_utf8_lossy(&output).lines() {
            let Some((id, name)) = line.split_once('\t') else { continue };
            let Ok(id) = id.parse::<ObjectId>() else { continue };
            match name.strip_suffix("^{}") {
                Some(tag) => {
                    references.iter_mut().filter(|known| known.name == tag).for_each(|known| known.id = id);
                }
                None => references.push(Reference { name: name.to_owned(), id, object: id }),
            }
        }
        Ok(references)
    }

    async fn fetch(&self, into: &Path, what: &str, name: &str) -> Result<(), GitError> {
        let refspec = format!("+{what}:{name}");
        let arguments = [
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-write-fetch-head",
            "--depth=1",
            "--",
            &self.url,
            &refspec,
        ];
        self.run(Some(into), &arguments).await.map(|_| ())
    }

    async fn fetch_history(&self, into: &Path, heads: &str) -> Result<(), GitError> {
        let kept = heads.replacen("refs/heads/", "refs/reconciler/heads/", 1);
        let refspec = format!("+{heads}:{kept}");
        let is_shallow = into.join("shallow").exists();
        let mut arguments = vec!["fetch", "--quiet", "--no-tags", "--no-write-fetch-head"];
        if is_shallow {
            arguments.push("--unshallow");
        }
        arguments.extend(["--", &self.url, &refspec]);
        self.run(Some(into), &arguments).await.map(|_| ())
    }

    async fn tidy(&self, directory: &Path) -> Result<(), GitError> {
        let sizes = packs(directory);
        if sizes.len() < MOST_PACKS && sizes.iter().sum::<u64>() < 2 * self.largest {
            return Ok(());
        }
        self.run(Some(directory), &["repack", "-a", "-d", "-q"]).await?;
        self.run(Some(directory), &["prune", "--expire=now"]).await.map(|_| ())
    }
}

/// The addresses of a server as curl reads them: `host:port:address,address`.
fn pinned(url: &str, addresses: &[IpAddr]) -> Option<String> {
    let url = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let (Some(Host::Domain(host)), Some(port)) = (url.host(), url.port_or_known_default()) else {
        return None;
    };
    let shown = |address: &IpAddr| match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    };
    let addresses: Vec<String> = addresses.iter().map(shown).collect();
    (!addresses.is_empty()).then(|| format!("{host}:{port}:{}", addresses.join(",")))
}

/// The sizes of all packs of a repository.
fn packs(directory: &Path) -> Vec<u64> {
    let entries = std::fs::read_dir(directory.join("objects/pack")).into_iter().flatten().flatten();
    let packs = entries.filter(|entry| entry.path().extension().is_some_and(|extension| extension == "pack"));
    packs.map(|pack| pack.metadata().map_or(0, |metadata| metadata.len())).collect()
}

/// Removes locks, and packs that git did not receive completely: it leaves them when it is killed. Returns how many
/// bytes the largest pack has. No other git works in the repository.
pub(super) fn remove_halves(directory: &Path) -> u64 {
    remove_locks(directory);
    let mut largest = 0;
    let entries = std::fs::read_dir(directory.join("objects/pack")).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("tmp_")) {
        largest = largest.max(entry.metadata().map_or(0, |metadata| metadata.len()));
        // What cannot be removed is in the way of nothing.
        let _ = std::fs::remove_file(entry.path());
    }
    largest
}

/// Removes the locks of references, and of what is said about them.
fn remove_locks(directory: &Path) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let (path, is_directory) = (entry.path(), entry.file_type().is_ok_and(|kind| kind.is_dir()));
        if is_directory && entry.file_name() != "objects" {
            remove_locks(&path);
        } else if !is_directory && path.extension().is_some_and(|extension| extension == "lock") {
            // The next git says what is wrong with it.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Files that only this user can read, in a directory that is made when there is one to write. It goes when this is
/// dropped.
#[derive(Default)]
struct PrivateFiles(Option<TempDir>);

impl PrivateFiles {
    fn write(&mut self, name: &str, content: &str) -> std::io::Result<PathBuf> {
        let directory = match &mut self.0 {
            Some(directory) => directory,
            none => none.insert(TempDir::with_prefix("reconciler-git-")?),
        };
        private_file(directory.path(), name, content.as_bytes())
    }
}

/// A file that only this user can read.
pub(super) fn private_file(directory: &Path, name: &str, content: &[u8]) -> std::io::Result<PathBuf> {
    let path = directory.join(name);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(&path)?.write_all(content)?;
    Ok(path)
}

#[cfg(unix)]
pub(super) fn make_executable(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
pub(super) fn make_executable(_: &Path) -> std::io::Result<()> {
    Ok(())
}

fn null_device() -> &'static str {
    if cfg!(windows) { "NUL" } else { "/dev/null" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_secret_is_written_to_files() -> Result<(), Box<dyn std::error::Error>> {
        let secrets: &[(&str, &[u8])] = &[("identity", b"key"), ("known_hosts", b"host")];
        for (secrets, are_there) in [(&[][..], false), (secrets, true)] {
            let data = secrets.iter().map(|(key, value)| ((*key).to_owned(), value.to_vec())).collect();
            let credentials = Credentials::from_secret(&data, "https://host/x")?;
            let git = GitProgram::new("https://host/x", credentials, Duration::from_secs(1));
            let mut files = PrivateFiles::default();
            git.authenticate(&mut git.program(), &mut files, &[], None)?;
            assert_eq!(files.0.is_some(), are_there);
        }
        Ok(())
    }

    #[test]
    fn git_says_why() {
        let git = GitProgram::new("https://host/x", Credentials::default(), Duration::from_secs(1));
        let error = git.failure("fatal: Authentication failed for 'https://host/x/'\n");
        assert_eq!(error, GitError::Authentication("Authentication failed for 'https://host/x/'".to_owned()));
        let error = git.failure("warning: a\nfatal: repository 'https://host/x/' not found\n");
        assert_eq!(error, GitError::Failed("repository 'https://host/x/' not found".to_owned()));
    }

    /// A repository with files is the first that many follow, and git's own words are long.
    #[test]
    fn a_branch_that_is_checked_out_cannot_be_pushed_to() -> Result<(), Box<dyn std::error::Error>> {
        let directory = tempfile::tempdir()?;
        let git = |arguments: &[&str]| {
            let names = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
            std::process::Command::new("git")
                .current_dir(&directory)
                .args(names)
                .args(arguments)
                .env("LC_ALL", "C")
                .output()
        };
        git(&["init", "-q", "-b", "main", "fleet"])?;
        git(&["-C", "fleet", "commit", "-q", "--allow-empty", "-m", "first"])?;
        git(&["clone", "-q", "fleet", "copy"])?;
        git(&["-C", "copy", "commit", "-q", "--allow-empty", "-m", "second"])?;
        let pushed = git(&["-C", "copy", "push", "-q", "origin", "HEAD:refs/heads/main"])?;
        let program = GitProgram::new("file:///fleet", Credentials::default(), Duration::from_secs(1));
        let error = program.failure(&String::from_utf8_lossy(&pushed.stderr));
        assert_eq!(error, GitError::Failed(CHECKED_OUT.to_owned()));
        Ok(())
    }
}
