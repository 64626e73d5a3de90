//! The counterpart of pull requests: a server that answers as GitHub, GitLab or Gitea does, next to the
//! repository.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::Outcome;

/// The token that it wants.
pub(crate) const TOKEN: &str = "hunter2";
/// The most characters of a body.
const LONGEST: usize = 65_536;

/// The kinds of forges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    GitHub,
    GitLab,
    Gitea,
}

impl Kind {
    /// The type of its Provider.
    pub(crate) fn provider(self) -> &'static str {
        match self {
            Kind::GitHub => "github",
            Kind::GitLab => "gitlab",
            Kind::Gitea => "gitea",
        }
    }

    /// Where its API has the repository `org/fleet`.
    fn root(self) -> &'static str {
        match self {
            Kind::GitHub => "/api/v3/repos/org/fleet",
            Kind::GitLab => "/api/v4/projects/org%2Ffleet",
            Kind::Gitea => "/api/v1/repos/org/fleet",
        }
    }

    fn is_logged_in(self, headers: &HeaderMap) -> bool {
        let (name, value) = match self {
            Kind::GitHub => ("authorization", format!("Bearer {TOKEN}")),
            Kind::GitLab => ("private-token", TOKEN.to_owned()),
            Kind::Gitea => ("authorization", format!("token {TOKEN}")),
        };
        headers.get(name).is_some_and(|found| *found == *value)
    }
}

/// A pull request.
#[derive(Clone, Debug, Default)]
pub(crate) struct PullRequest {
    pub(crate) number: usize,
    pub(crate) branch: String,
    pub(crate) base: String,
    pub(crate) title: String,
    pub(crate) body: String,
    pub(crate) labels: Vec<String>,
    pub(crate) is_open: bool,
    pub(crate) is_merged: bool,
    /// How often title or body were changed.
    pub(crate) edits: usize,
}

#[derive(Default)]
struct Known {
    is_down: bool,
    /// How often something was refused.
    refused: usize,
    requests: Vec<PullRequest>,
    /// The labels of the repository.
    labels: Vec<String>,
}

/// A forge with one repository.
#[derive(Clone)]
pub(crate) struct Forge {
    kind: Kind,
    repository: PathBuf,
    address: String,
    known: Arc<Mutex<Known>>,
}

impl Forge {
    /// Starts a forge for a repository.
    pub(crate) async fn start(kind: Kind, repository: &Path) -> Outcome<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = format!("http://{}/org/fleet", listener.local_addr()?);
        let forge = Forge { kind, repository: repository.to_owned(), address, known: Arc::default() };
        let router = Router::new().fallback(serve).with_state(forge.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(forge)
    }

    /// The page of the repository.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The page of a pull request.
    pub(crate) fn page(&self, number: usize) -> String {
        let part = if self.kind == Kind::GitLab { "-/merge_requests" } else { "pull" };
        format!("{}/{part}/{number}", self.address)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All pull requests there ever were.
    pub(crate) fn all(&self) -> Vec<PullRequest> {
        self.known().requests.clone()
    }

    /// How often something was refused while it was up.
    pub(crate) fn refused(&self) -> usize {
        self.known().refused
    }

    /// Whether nothing works.
    pub(crate) fn set_down(&self, is_down: bool) {
        self.known().is_down = is_down;
    }

    /// Closes a pull request, as a person does.
    pub(crate) fn close(&self, number: usize) {
        self.known().requests[number - 1].is_open = false;
    }

    /// Merges a pull request, as a person does. Its branch stays.
    pub(crate) fn merge(&self, number: usize) -> Outcome {
        let branch = self.known().requests[number - 1].branch.clone();
        let message = format!("Merge {branch}");
        if !self.git(&["merge", "-q", "--no-ff", "-m", &message, &branch]) {
            return Err(format!("{branch} cannot be merged").into());
        }
        let mut known = self.known();
        let request = &mut known.requests[number - 1];
        (request.is_open, request.is_merged) = (false, true);
        Ok(())
    }

    fn git(&self, arguments: &[&str]) -> bool {
        let mut git = Command::new("git");
        git.current_dir(&self.repository).args(["-c", "user.name=Test", "-c", "user.email=test@example.org"]);
        git.args(arguments).output().is_ok_and(|output| output.status.success())
    }

    fn has_branch(&self, name: &str) -> bool {
        self.git(&["rev-parse", "--quiet", "--verify", &format!("refs/heads/{name}")])
    }

    fn shown(&self, request: &PullRequest) -> Value {
        let PullRequest { number, branch, base, title, body, labels, is_open, is_merged, .. } = request;
        let (page, repository) = (self.page(*number), json!({"id": 7, "full_name": "org/fleet"}));
        if self.kind == Kind::GitLab {
            let state = match (is_open, is_merged) {
                (true, _) => "opened",
                (false, true) => "merged",
                (false, false) => "closed",
            };
            return json!({
                "id": 1000 + number, "iid": number, "title": title, "description": body, "state": state,
                "source_branch": branch, "target_branch": base, "source_project_id": 7, "target_project_id": 7,
                "web_url": page, "labels": labels,
            });
        }
        let labels: Vec<Value> = labels.iter().map(|label| json!({"name": label})).collect();
        json!({
            "id": 1000 + number, "number": number, "title": title, "body": body, "html_url": page,
            "state": if *is_open { "open" } else { "closed" }, "labels": labels,
            "merged_at": if *is_merged { json!("2026-01-01T00:00:00Z") } else { Value::Null },
            "head": {"ref": branch, "label": format!("org:{branch}"), "repo": repository},
            "base": {"ref": base, "label": format!("org:{base}"), "repo": repository},
        })
    }

    fn list(&self, query: &str) -> Value {
        let query: Vec<(String, String)> =
            url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let read = |key: &str| query.iter().find(|(found, _)| found == key).map(|(_, value)| &**value);
        let branch = match self.kind {
            Kind::GitHub => read("head").and_then(|head| head.strip_prefix("org:")),
            Kind::GitLab => read("source_branch"),
            Kind::Gitea => None,
        };
        let state = read("state").unwrap_or("open");
        let is_wanted = |request: &&PullRequest| {
            let has_state = match state {
                "open" | "opened" => request.is_open,
                // GitLab tells what was merged from what was closed.
                "closed" => !(request.is_open || self.kind == Kind::GitLab && request.is_merged),
                _ => false,
            };
            has_state && branch.is_none_or(|branch| request.branch == branch)
        };
        // A Gitea server may give less at once than it is asked for.
        let size = match self.kind {
            Kind::Gitea => 1,
            _ => read("per_page").and_then(|size| size.parse().ok()).unwrap_or(20),
        };
        let page: usize = read("page").and_then(|page| page.parse().ok()).unwrap_or(1);
        let known = self.known();
        let found = known.requests.iter().rev().filter(is_wanted).skip((page - 1) * size).take(size);
        found.map(|request| self.shown(request)).collect()
    }

    fn create(&self, request: &Value) -> Result<Value, (u16, Value)> {
        let text = |key: &str| request[key].as_str().unwrap_or_default().to_owned();
        let (branch, base, body) = match self.kind {
            Kind::GitLab => (text("source_branch"), text("target_branch"), text("description")),
            _ => (text("head"), text("base"), text("body")),
        };
        let invalid = |field: &str| {
            let errors = json!([{"resource": "PullRequest", "field": field, "code": "invalid"}]);
            (422, json!({"message": "Validation Failed", "errors": errors}))
        };
        if !self.has_branch(&branch)
            || !self.has_branch(&base)
            || self.git(&["diff", "--quiet", &base, &branch])
        {
            return Err(invalid("head"));
        }
        if body.chars().count() > LONGEST {
            return Err(invalid("body"));
        }
        let mut known = self.known();
        let same =
            known.requests.iter().find(|found| found.is_open && found.branch == branch && found.base == base);
        if let Some(same) = same {
            return Err(match self.kind {
                Kind::GitHub => {
                    let message = format!("A pull request already exists for org:{branch}.");
                    let errors = json!([{"resource": "PullRequest", "code": "custom", "message": message}]);
                    (422, json!({"message": "Validation Failed", "errors": errors}))
                }
                Kind::GitLab => {
                    let number = same.number;
                    let message = format!(
                        "Another open merge request already exists for this source branch: !{number}"
                    );
                    (409, json!({"message": [message]}))
                }
                Kind::Gitea => (409, json!({"message": "pull request already exists for these targets"})),
            });
        }
        let number = known.requests.len() + 1;
        let new = PullRequest {
            number,
            branch,
            base,
            title: text("title"),
            body,
            is_open: true,
            ..PullRequest::default()
        };
        known.requests.push(new.clone());
        Ok(self.shown(&new))
    }

    fn change(&self, number: usize, change: &Value) -> Result<Value, (u16, Value)> {
        let mut known = self.known();
        let found = number.checked_sub(1).and_then(|index| known.requests.get_mut(index));
        let request = found.ok_or((404, json!({"message": "Not Found"})))?;
        let body = if self.kind == Kind::GitLab { "description" } else { "body" };
        let old = (request.title.clone(), request.body.clone());
        for (key, field) in [("title", &mut request.title), (body, &mut request.body)] {
            if let Some(text) = change[key].as_str() {
                text.clone_into(field);
            }
        }
        if old != (request.title.clone(), request.body.clone()) {
            request.edits += 1;
        }
        if change["state"] == "closed" || change["state_event"] == "close" {
            request.is_open = false;
        }
        for label in change["add_labels"].as_str().unwrap_or_default().split(',') {
            if !label.is_empty() {
                request.labels.push(label.to_owned());
            }
        }
        Ok(self.shown(request))
    }

    fn label(&self, number: usize, request: &Value) -> Result<Value, (u16, Value)> {
        let mut known = self.known();
        let Known { requests, labels: repository, .. } = &mut *known;
        let found = number.checked_sub(1).and_then(|index| requests.get_mut(index));
        let found = found.ok_or((404, json!({"message": "Not Found"})))?;
        let labels = request["labels"].as_array().into_iter().flatten().filter_map(Value::as_str);
        // GitHub makes those that it does not know, Gitea leaves them out.
        let labels =
            labels.filter(|label| self.kind != Kind::Gitea || repository.iter().any(|one| one == label));
        let labels: Vec<String> =
            labels.filter(|label| !found.labels.iter().any(|one| one == label)).map(str::to_owned).collect();
        found.labels.extend(labels);
        Ok(found.labels.iter().map(|label| json!({"name": label})).collect())
    }

    fn answer(&self, method: &Method, uri: &Uri, body: &[u8]) -> Result<Value, (u16, Value)> {
        let missing = (404, json!({"message": "Not Found"}));
        let Some(path) = uri.path().strip_prefix(self.kind.root()) else { return Err(missing) };
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let request: Value = serde_json::from_slice(body).unwrap_or_default();
        let number = |text: &str| text.parse().unwrap_or(0);
        let edit = if self.kind == Kind::GitLab { Method::PUT } else { Method::PATCH };
        let list = if self.kind == Kind::GitLab { "merge_requests" } else { "pulls" };
        match &*parts {
            [part] if *part == list && *method == Method::GET => {
                Ok(self.list(uri.query().unwrap_or_default()))
            }
            [part] if *part == list && *method == Method::POST => self.create(&request),
            [part, one] if *part == list && *method == edit => self.change(number(one), &request),
            ["labels"] if self.kind == Kind::Gitea && *method == Method::POST => {
                let name = request["name"].as_str().filter(|_| request["color"].is_string());
                let name = name.ok_or((422, json!({"message": "[Color]: Required"})))?;
                self.known().labels.push(name.to_owned());
                Ok(json!({"id": 1, "name": name}))
            }
            ["issues", one, "labels"] if self.kind != Kind::GitLab && *method == Method::POST => {
                self.label(number(one), &request)
            }
            _ => Err(missing),
        }
    }
}

async fn serve(
    State(forge): State<Forge>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if forge.known().is_down {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    // A pull request whose branch is deleted is closed.
    let gone: Vec<usize> = forge
        .all()
        .iter()
        .filter(|request| request.is_open && !forge.has_branch(&request.branch))
        .map(|request| request.number)
        .collect();
    gone.into_iter().for_each(|number| forge.close(number));
    let answer = if forge.kind.is_logged_in(&headers) {
        forge.answer(&method, &uri, &body)
    } else {
        Err((401, json!({"message": "Bad credentials"})))
    };
    match answer {
        Ok(answer) if method == Method::POST => (StatusCode::CREATED, Json(answer)).into_response(),
        Ok(answer) => Json(answer).into_response(),
        Err((status, answer)) => {
            forge.known().refused += 1;
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
            (status, Json(answer)).into_response()
        }
    }
}
