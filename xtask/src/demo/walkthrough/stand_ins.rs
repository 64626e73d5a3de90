//! Small servers in place of Slack and of a registry, so that the demo needs neither.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::stage::PATIENCE;
use crate::Failure;

/// Answers a path and a body with a status and a body.
type Answer = dyn Fn(&str, &str) -> (u16, String) + Send + Sync;

/// Serves requests until the program ends. Returns host and port.
fn serve(answer: Arc<Answer>) -> Result<String, Failure> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = Arc::clone(&answer);
            // A client that closes the connection early needs no answer.
            thread::spawn(move || exchange(&stream, &*answer));
        }
    });
    Ok(address)
}

/// Reads one request and answers it.
fn exchange(stream: &TcpStream, answer: &Answer) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let (mut start, mut length) = (String::new(), 0);
    reader.read_line(&mut start)?;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut body = String::new();
    reader.take(length).read_to_string(&mut body)?;
    let path = start.split(' ').nth(1).unwrap_or_default();
    let (status, text) = answer(path, &body);
    let mut stream = stream;
    write!(
        stream,
        "HTTP/1.1 {status} \r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}",
        text.len()
    )
}

/// A copy of what a list holds.
fn of<T: Clone>(list: &Mutex<Vec<T>>) -> Vec<T> {
    list.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// A server that keeps the messages for Slack.
pub(super) struct Slack {
    address: String,
    messages: Arc<Mutex<Vec<Value>>>,
}

impl Slack {
    /// Starts it.
    pub(super) fn start() -> Result<Self, Failure> {
        let messages = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&messages);
        let address = serve(Arc::new(move |_, body| {
            let message = serde_json::from_str(body).unwrap_or_default();
            kept.lock().unwrap_or_else(PoisonError::into_inner).push(message);
            (200, "ok".to_owned())
        }))?;
        Ok(Slack { address, messages })
    }

    /// The address of its webhook.
    pub(super) fn address(&self) -> String {
        format!("http://{}/webhook", self.address)
    }

    /// Waits for a message of a color that has a text, and shows it.
    pub(super) fn shows(&self, color: &str, text: &str) -> Result<(), Failure> {
        let end = Instant::now() + PATIENCE;
        loop {
            for message in of(&self.messages) {
                let attachment = &message["attachments"][0];
                let found = attachment["text"].as_str().unwrap_or_default();
                if attachment["color"] == color && found.contains(text) {
                    let about = attachment["author_name"].as_str().unwrap_or_default();
                    println!("Slack shows ({color}):\n  {about}\n  {}", found.trim().replace('\n', "\n  "));
                    return Ok(());
                }
            }
            if Instant::now() > end {
                return Err(format!("no {color} message with {text:?}: {:#?}", of(&self.messages)).into());
            }
            thread::sleep(Duration::from_millis(200));
        }
    }
}

/// A registry with one image, of which it knows the tags only.
pub(super) struct Registry {
    address: String,
    tags: Arc<Mutex<Vec<String>>>,
}

impl Registry {
    /// Starts it.
    pub(super) fn start(tags: &[&str]) -> Result<Self, Failure> {
        let tags = Arc::new(Mutex::new(tags.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>()));
        let known = Arc::clone(&tags);
        let address = serve(Arc::new(move |path, _| match path.split('?').next() {
            Some("/v2/") => (200, "{}".to_owned()),
            Some("/v2/nginx/tags/list") => (200, json!({"name": "nginx", "tags": of(&known)}).to_string()),
            _ => (404, json!({"errors": [{"code": "NAME_UNKNOWN", "message": "unknown"}]}).to_string()),
        }))?;
        Ok(Registry { address, tags })
    }

    /// Host and port.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Adds a tag, as pushing an image does.
    pub(super) fn push(&self, tag: &str) {
        println!("$ docker push {}/nginx:{tag}   # the stand-in just learns the tag", self.address);
        self.tags.lock().unwrap_or_else(PoisonError::into_inner).push(tag.to_owned());
    }
}
