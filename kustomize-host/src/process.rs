//! Running programs.

use std::io::{Read, Write};
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::host_error;
use crate::paths::to_machine;
use kustomize_core::host::path;
use kustomize_core::host::{Command, HostError, Output};

/// Runs a program to its end, however long it takes.
pub(crate) fn run(command: &Command) -> Result<Output, HostError> {
    run_within(command, None, &[])
}

/// Runs a program; past the time limit it is ended. `without` names variables that it is not to
/// inherit.
pub(crate) fn run_within(
    command: &Command,
    limit: Option<Duration>,
    without: &[&str],
) -> Result<Output, HostError> {
    // A program given by a relative path is the one seen from its working directory; the system
    // itself would look from here.
    let is_relative = command.program.contains('/') && !path::is_absolute(&command.program);
    let program = if is_relative && !command.directory.is_empty() {
        path::join(&command.directory, &command.program)
    } else {
        command.program.clone()
    };
    let mut process = std::process::Command::new(&*to_machine(&program));
    process
        .args(&command.arguments)
        .envs(command.environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if !command.directory.is_empty() {
        process.current_dir(&*to_machine(&command.directory));
    }
    for name in without {
        process.env_remove(name);
    }
    let mut child = process.spawn().map_err(|error| host_error(&error))?;
    if let Some(mut stdin) = child.stdin.take() {
        let input = command.input.clone();
        // Programs may end without reading their input; that is no error.
        thread::spawn(move || drop(stdin.write_all(&input)));
    }
    let stdout = read_aside(child.stdout.take());
    let stderr = read_aside(child.stderr.take());
    let status = match limit {
        None => child.wait().map_err(|error| host_error(&error))?,
        Some(limit) => wait(&mut child, limit)?,
    };
    let mut output = Output::default();
    output.status = status.code();
    output.stdout = receive(&stdout, limit);
    output.stderr = receive(&stderr, limit);
    Ok(output)
}

/// Reads to the end in a thread of its own, so that no pipe fills up.
fn read_aside(from: Option<impl Read + Send + 'static>) -> mpsc::Receiver<Vec<u8>> {
    let (send, receive) = mpsc::channel();
    if let Some(mut from) = from {
        thread::spawn(move || {
            let mut content = Vec::new();
            let _ = from.read_to_end(&mut content);
            let _ = send.send(content);
        });
    }
    receive
}

/// What was read. A process left behind may hold the pipe open, so a limit holds here too.
fn receive(from: &mpsc::Receiver<Vec<u8>>, limit: Option<Duration>) -> Vec<u8> {
    match limit {
        None => from.recv().unwrap_or_default(),
        Some(limit) => from.recv_timeout(limit).unwrap_or_default(),
    }
}

/// Waits for the end, at most so long. Asks at growing intervals: the standard library has no
/// wait with a limit.
fn wait(child: &mut Child, limit: Duration) -> Result<std::process::ExitStatus, HostError> {
    let deadline = Instant::now().checked_add(limit);
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(status) = child.try_wait().map_err(|error| host_error(&error))? {
            return Ok(status);
        }
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            let _ = child.kill();
            let _ = child.wait();
            return Err(HostError::TimedOut { limit });
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(25));
    }
}
