//! A server for ssh, Debian's openssh-server. Without it, tests say that they were skipped.

use std::fs::File;
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::world::{Outcome, World, run};

/// How long the server may take to start.
const START: Duration = Duration::from_secs(60);

/// A server that ends with this.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
    pub(crate) known_hosts: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program, which is outside of PATH for most users.
fn program() -> Option<PathBuf> {
    ["/usr/sbin/sshd", "/usr/bin/sshd", "/usr/local/sbin/sshd"]
        .into_iter()
        .map(PathBuf::from)
        .find(|path| path.is_file())
}

/// Makes a key without a password, or with one.
pub(crate) fn make_key(path: &str, password: &str) -> Outcome<String> {
    run("ssh-keygen", &["-q", "-t", "ed25519", "-N", password, "-f", path])?;
    Ok(std::fs::read_to_string(path)?)
}

impl Server {
    /// Starts a server that lets in who has one of the keys. None if there is no such program here.
    pub(crate) fn start(world: &World, keys: &[&str]) -> Outcome<Option<Self>> {
        let Some(program) = program() else {
            // Not captured, unlike what is printed by macros.
            let words = "SKIPPED: there is no sshd, install openssh-server to test repositories over ssh";
            writeln!(std::io::stderr(), "{words}")?;
            return Ok(None);
        };
        let host_key = world.path("host");
        make_key(&host_key, "")?;
        let public = |key: &str| std::fs::read_to_string(format!("{key}.pub"));
        let allowed = keys.iter().map(|key| public(key)).collect::<Result<String, _>>()?;
        std::fs::write(world.path("authorized_keys"), allowed)?;
        // Where the service that comes with sshd would make it.
        if run("id", &["-u"])? == "0" {
            std::fs::create_dir_all("/run/sshd")?;
        }
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {host_key}\nPidFile none\nAuthorizedKeysFile {}\n\
             StrictModes no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\n",
            world.path("authorized_keys"),
        );
        std::fs::write(world.path("sshd_config"), config)?;
        let log = world.path("sshd.log");
        let mut command = Command::new(program);
        command.args(["-D", "-e", "-f", &world.path("sshd_config")]).stdin(Stdio::null());
        let mut child = command.stdout(Stdio::null()).stderr(File::create(&log)?).spawn()?;
        wait_for_start(&mut child, Path::new(&log))?;
        let host = public(&host_key)?;
        let mut words = host.split(' ');
        let (kind, key) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let user = run("id", &["-un"])?;
        Ok(Some(Server {
            child,
            url: format!("ssh://{user}@127.0.0.1:{port}{}", world.path("served/repository.git")),
            known_hosts: format!("[127.0.0.1]:{port} {kind} {key}\n"),
        }))
    }
}

fn wait_for_start(child: &mut Child, log: &Path) -> Outcome {
    let end = Instant::now() + START;
    loop {
        let text = std::fs::read_to_string(log)?;
        if text.contains("Server listening") {
            return Ok(());
        }
        if child.try_wait()?.is_some() || Instant::now() > end {
            return Err(format!("sshd does not start: {text}").into());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
