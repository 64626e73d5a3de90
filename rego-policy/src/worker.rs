//! The process in which modules are evaluated.

use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, setrlimit};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Error;
use crate::program::{Compiled, Found, Program};

/// How much memory the process may have.
const MEMORY: u64 = 1 << 30;
/// How long everything may take.
const TOTAL: Duration = Duration::from_secs(120);
/// How much is read of its answers.
const MOST_ANSWERED: u64 = 16 << 20;
/// The stack, since expressions may be nested.
const STACK: usize = 64 << 20;

/// What is evaluated.
#[derive(Serialize, Deserialize)]
pub(crate) struct Work {
    pub(crate) programs: Vec<Program>,
    pub(crate) tasks: Vec<Task>,
}

/// An input for a program.
#[derive(Serialize, Deserialize)]
pub(crate) struct Task {
    pub(crate) program: usize,
    pub(crate) input: Value,
    /// What the input is, in errors.
    pub(crate) subject: String,
}

/// A line of the process: the first one when all programs were read, and then one for each task.
type Answer = Result<Vec<Found>, String>;

/// Starts processes that evaluate modules.
#[derive(Clone, Debug)]
pub struct Worker {
    program: PathBuf,
    arguments: Vec<String>,
    /// How long reading the modules, and each object, may take.
    patience: Duration,
}

impl Worker {
    /// A program that, with these arguments, calls [`serve`].
    pub fn new(program: impl Into<PathBuf>, arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        Worker { program: program.into(), arguments, patience: Duration::from_secs(10) }
    }

    /// The same, with less or more patience for an object, which is ten seconds otherwise.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Worker { patience, ..self }
    }

    /// What is found in each task.
    pub(crate) fn run(&self, work: &Work) -> Result<Vec<Vec<Found>>, Error> {
        let failed = |error: std::io::Error| {
            Error(format!(
                "the process that evaluates Rego, {}, does not run: {error}",
                self.program.display()
            ))
        };
        let text = serde_json::to_vec(work).map_err(|error| Error(error.to_string()))?;
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).env_clear().current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = Running(command.spawn().map_err(failed)?);
        let (input, output) = (child.0.stdin.take(), child.0.stdout.take());
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            let Some(output) = output else { return };
            for line in BufReader::new(output.take(MOST_ANSWERED)).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        std::thread::spawn(move || {
            // A process that ends early has said why.
            let _ = input.map(|mut input| input.write_all(&text));
        });
        let end = Instant::now() + TOTAL;
        let mut answers = Vec::new();
        for index in 0..=work.tasks.len() {
            let subject = index.checked_sub(1).and_then(|index| work.tasks.get(index));
            let what = subject.map_or_else(|| "reading the modules".to_owned(), |task| task.subject.clone());
            let patience = self.patience.min(end.saturating_duration_since(Instant::now()));
            let line = match receiver.recv_timeout(patience) {
                Ok(line) => line,
                Err(RecvTimeoutError::Timeout) => {
                    return Err(Error(format!("{what}: the evaluation takes too long, and was ended")));
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let status = child.0.wait().map_err(failed)?;
                    return Err(Error(format!("{what}: {}", ended(status))));
                }
            };
            let answer: Answer =
                serde_json::from_str(&line).map_err(|error| Error(format!("{what}: no answer: {error}")))?;
            match (answer, subject) {
                (Ok(found), Some(_)) => answers.push(found),
                (Ok(_), None) => {}
                (Err(reason), Some(_)) => return Err(Error(format!("{what}: {reason}"))),
                (Err(reason), None) => return Err(Error(reason)),
            }
        }
        Ok(answers)
    }
}

/// A process that ends with its owner.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended cannot be killed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Why a process ended without an answer.
fn ended(status: ExitStatus) -> String {
    format!(
        "the evaluation ended with {status}; it may have needed more than {} MiB of memory, or nested too deep",
        MEMORY >> 20
    )
}

/// Reads what to evaluate from standard input, and writes what is found to standard output. The process may then use
/// neither much memory nor much time.
///
/// # Errors
/// Standard input or output cannot be used.
pub fn serve() -> std::io::Result<()> {
    let limit = |most: u64| Rlimit { current: Some(most), maximum: Some(most) };
    // Not every system has each limit; whoever waits for the answers has a limit of time.
    let _ = setrlimit(Resource::As, limit(MEMORY));
    let _ = setrlimit(Resource::Cpu, limit(TOTAL.as_secs()));
    let _ = setrlimit(Resource::Core, limit(0));
    let _ = setrlimit(Resource::Fsize, limit(0));
    let work = || {
        let work: Work = serde_json::from_reader(std::io::stdin().lock())?;
        evaluate(&work, BufWriter::new(std::io::stdout().lock()))
    };
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(work)?;
    thread.join().unwrap_or_else(|_| Err(std::io::Error::other("the evaluation panicked")))
}

/// Writes a line for the programs, and one for each task.
fn evaluate(work: &Work, mut output: impl Write) -> std::io::Result<()> {
    let mut tell = |answer: &Answer| {
        serde_json::to_writer(&mut output, answer)?;
        output.write_all(b"\n")?;
        output.flush()
    };
    let programs: Result<Vec<Compiled>, String> = work.programs.iter().map(Program::compile).collect();
    let mut programs = match programs {
        Ok(programs) => programs,
        Err(reason) => return tell(&Err(reason)),
    };
    tell(&Ok(Vec::new()))?;
    for task in &work.tasks {
        let answer = match programs.get_mut(task.program) {
            Some(program) => program.evaluate(task.input.clone()),
            None => Err("there is no such program".to_owned()),
        };
        tell(&answer)?;
        if answer.is_err() {
            break;
        }
    }
    Ok(())
}
