//! Contents of files at a revision.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::command;

/// A `git cat-file` that answers one question after the other.
#[derive(Debug)]
pub(super) struct Blobs {
    child: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Blobs {
    /// Starts it.
    pub(super) fn start(top: &str) -> io::Result<Self> {
        Blobs::spawn(command(top, &["cat-file", "--batch"]))
    }

    /// Takes over a command that has not been started.
    pub(super) fn spawn(mut command: Command) -> io::Result<Self> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        match (child.stdin.take(), child.stdout.take()) {
            (Some(questions), Some(answers)) => {
                Ok(Blobs { child, questions: Some(questions), answers: BufReader::new(answers) })
            }
            _ => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// The content of a blob; none when it has more than `limit` bytes.
    pub(super) fn read(&mut self, object: &str, limit: u64) -> io::Result<Option<Vec<u8>>> {
        let questions = self.questions.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        writeln!(questions, "{object}")?;
        questions.flush()?;
        let mut header = String::new();
        self.answers.read_line(&mut header)?;
        // `<object> blob <size>`, or `<object> missing`.
        let size: Option<u64> = header.trim_end().rsplit_once(' ').and_then(|(_, size)| size.parse().ok());
        let size = size.ok_or_else(|| io::Error::other(format!("git has no content for {object}")))?;
        let content = if size > limit {
            io::copy(&mut (&mut self.answers).take(size), &mut io::sink())?;
            None
        } else {
            let mut content = Vec::new();
            (&mut self.answers).take(size).read_to_end(&mut content)?;
            Some(content)
        };
        let mut line_break = [0];
        self.answers.read_exact(&mut line_break)?;
        Ok(content)
    }
}

impl Drop for Blobs {
    fn drop(&mut self) {
        // It ends when no question can come any more.
        drop(self.questions.take());
        let _ = self.child.wait();
    }
}
