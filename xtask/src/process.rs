//! Running a program with a limit on its time.

use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::Failure;

/// How a program ended.
pub struct Ended {
    /// What it wrote to standard output.
    pub stdout: Vec<u8>,
    /// What it wrote to standard error.
    pub stderr: String,
    /// How it ended.
    pub status: Status,
    /// How long it took.
    pub took: Duration,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// With status 0.
    Done,
    /// With another status, as programs do that refuse.
    Refused,
    /// By a signal or a panic.
    Crashed,
    /// Not within its time.
    TimedOut,
}

/// Runs a program to its end, or kills it.
///
/// # Errors
/// It cannot be started.
pub fn run(command: &mut Command, limit: Duration) -> std::io::Result<Ended> {
    let started = Instant::now();
    own_group(command);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (sender, receiver) = mpsc::channel();
    let errors = sender.clone();
    thread::spawn(move || sender.send((true, read_all(stdout))));
    thread::spawn(move || errors.send((false, read_all(stderr))));

    let (mut out, mut err, mut timed_out) = (Vec::new(), Vec::new(), false);
    for _ in 0..2 {
        match receiver.recv_timeout(limit.saturating_sub(started.elapsed())) {
            Ok((true, bytes)) => out = bytes,
            Ok((false, bytes)) => err = bytes,
            Err(_) => {
                timed_out = true;
                kill_group(child.id());
                let _ = child.kill();
                break;
            }
        }
    }
    let exit = child.wait()?;
    let stderr = String::from_utf8_lossy(&err).into_owned();
    let status = match exit.code() {
        _ if timed_out => Status::TimedOut,
        Some(0) => Status::Done,
        Some(code) if code <= 100 && !stderr.contains("panicked at") => Status::Refused,
        _ => Status::Crashed,
    };
    Ok(Ended { stdout: out, stderr, status, took: started.elapsed() })
}

/// How long a program takes whose output nobody waits for. It is known to end: it did before.
///
/// # Errors
/// It cannot be started, or fails.
pub fn time(command: &mut Command) -> Result<Duration, Failure> {
    let started = Instant::now();
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    let took = started.elapsed();
    if status.success() { Ok(took) } else { Err(format!("{command:?} ended with {status}").into()) }
}

/// The processor time that a program takes whose output nobody waits for: other programs do not add to
/// it. It must be the only one that runs. Where the system does not tell, the time that passes.
///
/// # Errors
/// It cannot be started, or fails.
pub fn cpu_time(command: &mut Command) -> Result<Duration, Failure> {
    let before = of_children();
    let took = time(command)?;
    Ok(of_children().zip(before).map_or(took, |(after, before)| after.saturating_sub(before)))
}

/// The processor time of all programs that were started and have ended.
#[cfg(unix)]
fn of_children() -> Option<Duration> {
    use nix::sys::resource::{UsageWho, getrusage};
    use nix::sys::time::{TimeVal, TimeValLike};

    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).ok()?;
    let micros = |time: TimeVal| u64::try_from(time.num_microseconds()).ok();
    Some(Duration::from_micros(micros(usage.user_time())? + micros(usage.system_time())?))
}

#[cfg(not(unix))]
fn of_children() -> Option<Duration> {
    None
}

fn read_all(pipe: Option<impl Read>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        let _ = pipe.read_to_end(&mut bytes);
    }
    bytes
}

/// Makes the program the first of a group, so that what it starts can be killed with it.
#[cfg(unix)]
fn own_group(command: &mut Command) {
    std::os::unix::process::CommandExt::process_group(command, 0);
}

#[cfg(not(unix))]
fn own_group(_command: &mut Command) {}

fn kill_group(leader: u32) {
    if cfg!(unix) {
        let _ = Command::new("kill").args(["-KILL", "--", &format!("-{leader}")]).status();
    }
}
