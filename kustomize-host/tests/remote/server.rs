//! A git server on the loopback interface: git's own CGI program behind just enough HTTP.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A server for the repositories and files below a directory. It ends with the test.
pub(crate) struct Server {
    /// Its address, `http://127.0.0.1:…`.
    pub(crate) url: String,
}

impl Server {
    /// Paths with `.git` in them are repositories, `/hang` never answers, all others are files.
    pub(crate) fn start(root: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let root = root.to_owned();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let root = root.clone();
                std::thread::spawn(move || answer(&root, stream));
            }
        });
        Server { url }
    }
}

struct Request {
    method: String,
    path: String,
    query: String,
    headers: HashMap<String, String>,
    body: Vec<u8>,
}

fn answer(root: &Path, stream: TcpStream) -> Option<()> {
    let request = read_request(&stream)?;
    if request.path.starts_with("/hang") {
        std::thread::sleep(std::time::Duration::from_secs(60));
    }
    // The kustomization's path behind the repository's is no path of git.
    let is_git = request.path.contains(".git/") && !request.path.contains("//");
    let (status, head, body) = if is_git { run_git(root, &request)? } else { read_file(root, &request.path) };
    let mut stream = &stream;
    write!(stream, "HTTP/1.1 {status}\r\n{head}Content-Length: {}\r\nConnection: close\r\n\r\n", body.len())
        .ok()?;
    stream.write_all(&body).ok()
}

fn read_request(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, target) = (words.next()?, words.next()?);
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request { method, path: path.to_owned(), query: query.to_owned(), headers, body })
}

fn run_git(root: &Path, request: &Request) -> Option<(String, String, Vec<u8>)> {
    let header = |name: &str| request.headers.get(name).cloned().unwrap_or_default();
    let mut git = Command::new("git")
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("GIT_PROTOCOL", header("git-protocol"))
        .env("REQUEST_METHOD", &request.method)
        .env("PATH_INFO", &request.path)
        .env("QUERY_STRING", &request.query)
        .env("CONTENT_TYPE", header("content-type"))
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("CONTENT_LENGTH", request.body.len().to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    git.stdin.take()?.write_all(&request.body).ok()?;
    let output = git.wait_with_output().ok()?.stdout;
    let end = output.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&output[..end + 2]).into_owned();
    let status = head.lines().find_map(|line| line.strip_prefix("Status: ")).unwrap_or("200 OK");
    Some((status.to_owned(), head.clone(), output[end + 4..].to_vec()))
}

fn read_file(root: &Path, path: &str) -> (String, String, Vec<u8>) {
    match std::fs::read(root.join(path.trim_start_matches('/'))) {
        Ok(content) => ("200 OK".to_owned(), String::new(), content),
        Err(_) => ("404 Not Found".to_owned(), String::new(), Vec::new()),
    }
}

/// Runs git in a directory.
pub(crate) fn git(directory: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "init.defaultBranch=main"])
        .args(["-c", "protocol.file.allow=always"])
        .args(arguments)
        .current_dir(directory)
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Makes a repository of these files; its directory.
pub(crate) fn repository(root: &Path, name: &str, files: &[(&str, &str)]) -> PathBuf {
    let directory = root.join(name);
    std::fs::create_dir_all(&directory).unwrap();
    git(&directory, &["init", "--quiet"]);
    // As the large hosts do.
    git(&directory, &["config", "uploadpack.allowAnySHA1InWant", "true"]);
    commit(&directory, files);
    directory
}

/// Adds a commit that writes these files.
pub(crate) fn commit(directory: &Path, files: &[(&str, &str)]) {
    for (path, content) in files {
        let path = directory.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    git(directory, &["add", "--all"]);
    git(directory, &["commit", "--quiet", "--message", "change"]);
}
