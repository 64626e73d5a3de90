//! What GitHub, GitLab, Gitea and Forgejo are asked about pull requests, and what they answer.

use serde_json::{Value, json};
use thiserror::Error;
use url::Url;

use crate::notify::forge::{Api, Repository, escape};
use crate::notify::{Method, NotifyError, Reply, Request, Target};

/// How many pull requests are read at once: Gitea gives no more.
const PAGE: usize = 50;
/// The color of labels that are made.
const LABEL_COLOR: &str = "#ededed";
/// The most of a forge's own words that is repeated.
const MOST_WORDS: usize = 300;

/// A forge does not do what it is asked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ForgeError {
    /// It answered with a status of failure.
    #[error("the forge answered with status {status}: {words}")]
    Refused {
        /// The status.
        status: u16,
        /// Its own words.
        words: String,
    },
    /// The answer is no list of pull requests.
    #[error("the forge's answer has no pull requests; is '{0}' its address?")]
    Answer(String),
}

/// A pull request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PullRequest {
    /// Its number.
    pub number: u64,
    /// The branch that it has its commits in.
    pub branch: String,
    /// The branch that it is for.
    pub base: String,
    /// Its body.
    pub body: String,
    /// Its page.
    pub url: String,
    /// Whether its branch is in another repository.
    pub is_fork: bool,
    /// Whether it was merged.
    pub is_merged: bool,
    /// The names of its labels.
    pub labels: Vec<String>,
}

impl PullRequest {
    /// Those of some labels that it does not have.
    #[must_use]
    pub fn missing(&self, labels: &[String]) -> Vec<String> {
        missing(labels, &self.labels)
    }
}

/// The labels that are not among others. Forges do not tell upper from lower case.
fn missing(wanted: &[String], there: &[String]) -> Vec<String> {
    let is_there = |label: &str| there.iter().any(|one| one.to_lowercase() == label.to_lowercase());
    wanted.iter().filter(|label| !is_there(label)).cloned().collect()
}

/// The names of labels, which stand alone or in objects.
fn label_names(labels: &Value) -> Vec<String> {
    let labels = labels.as_array().into_iter().flatten();
    labels.filter_map(|label| label.as_str().or(label["name"].as_str())).map(str::to_owned).collect()
}

/// The kinds of forges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    GitHub,
    GitLab,
    Gitea,
}

/// A forge with a repository and the login to it.
pub struct Forge {
    kind: Kind,
    api: Api,
    repository: Repository,
}

/// The type of the provider that the address of a repository belongs to, and the address over https; nothing
/// for forges that the name of the host does not tell.
///
/// ```
/// use reconciler_core::pull_request::derived_provider;
///
/// let found = derived_provider("ssh://git@github.com:22/org/fleet.git");
/// assert_eq!(found, Some(("github", "https://github.com/org/fleet".to_owned())));
/// assert_eq!(derived_provider("https://git.example.org/org/fleet"), None);
/// ```
#[must_use]
pub fn derived_provider(address: &str) -> Option<(&'static str, String)> {
    let url = Url::parse(address).ok()?;
    let host = url.host_str()?;
    let has = |names: &[&str]| host.split(['.', '-']).any(|part| names.contains(&part));
    let provider = if has(&["github"]) {
        "github"
    } else if has(&["gitlab"]) {
        "gitlab"
    } else if has(&["gitea", "forgejo", "codeberg"]) {
        "gitea"
    } else {
        return None;
    };
    let Repository { host: server, path } = Repository::parse(address).ok()?;
    // The port of ssh says nothing about that of the API.
    let server = if url.scheme() == "ssh" { format!("https://{host}") } else { server };
    Some((provider, format!("{server}/{path}")))
}

impl Forge {
    /// The forge of a provider.
    pub fn new(target: &Target) -> Result<Self, NotifyError> {
        let (kind, api) = match &*target.provider {
            "github" => (Kind::GitHub, Api::github(target)?),
            "gitlab" => (Kind::GitLab, Api::gitlab(target)?),
            "gitea" => (Kind::Gitea, Api::gitea(target)?),
            other => return Err(NotifyError::Unsupported(other.to_owned())),
        };
        Ok(Self { kind, api, repository: Repository::parse(&target.address)? })
    }

    /// The address of the repository.
    pub fn address(&self) -> String {
        format!("{}/{}", self.repository.host, self.repository.path)
    }

    /// Asks for a page of those that are open, counted from 1.
    pub fn open(&self, page: usize) -> Request {
        self.api.get(&match self.kind {
            Kind::GitHub => format!("/pulls?state=open&per_page={PAGE}&page={page}"),
            Kind::GitLab => format!("/merge_requests?state=opened&per_page={PAGE}&page={page}"),
            Kind::Gitea => format!("/pulls?state=open&limit={PAGE}&page={page}"),
        })
    }

    /// Whether a page with so many is the last. A Gitea server can be set to give less than it is asked for.
    pub fn is_last(&self, found: usize) -> bool {
        found == 0 || (found < PAGE && self.kind != Kind::Gitea)
    }

    /// Asks for a page of those of a branch that are closed, the last first. Gitea gives those of all branches.
    pub fn closed(&self, branch: &str, page: usize) -> Request {
        self.api.get(&match self.kind {
            Kind::GitHub => {
                let owner = self.repository.path.split('/').next().unwrap_or_default();
                let head = escape(&format!("{owner}:{branch}"));
                format!("/pulls?state=closed&head={head}&sort=updated&direction=desc&per_page={PAGE}&page={page}")
            }
            Kind::GitLab => {
                let branch = escape(branch);
                format!(
                    "/merge_requests?state=closed&source_branch={branch}&order_by=updated_at&per_page={PAGE}&page={page}"
                )
            }
            Kind::Gitea => format!("/pulls?state=closed&sort=recentupdate&limit={PAGE}&page={page}"),
        })
    }

    /// Opens one that brings a branch into its base.
    pub fn create(&self, (branch, base): (&str, &str), title: &str, body: &str) -> Request {
        if self.kind == Kind::GitLab {
            let request = json!({
                "source_branch": branch, "target_branch": base, "title": title, "description": body,
                "remove_source_branch": true,
            });
            return self.api.send(Method::Post, "/merge_requests", &request);
        }
        let request = json!({"head": branch, "base": base, "title": title, "body": body});
        self.api.send(Method::Post, "/pulls", &request)
    }

    /// Gives one another title and body.
    pub fn edit(&self, number: u64, title: &str, body: &str) -> Request {
        self.change(
            number,
            &json!({"title": title, "body": body}),
            &json!({"title": title, "description": body}),
        )
    }

    /// Closes one, and leaves a body that says why.
    pub fn close(&self, number: u64, body: &str) -> Request {
        let gitlab = json!({"state_event": "close", "description": body});
        self.change(number, &json!({"state": "closed", "body": body}), &gitlab)
    }

    fn change(&self, number: u64, change: &Value, gitlab: &Value) -> Request {
        match self.kind {
            Kind::GitLab => self.api.send(Method::Put, &format!("/merge_requests/{number}"), gitlab),
            Kind::GitHub | Kind::Gitea => self.api.send(Method::Patch, &format!("/pulls/{number}"), change),
        }
    }

    /// Adds labels to one. GitHub and GitLab make labels that do not exist, Gitea leaves them out.
    pub fn label(&self, number: u64, labels: &[String]) -> Request {
        if self.kind == Kind::GitLab {
            let labels = json!({"add_labels": labels.join(",")});
            return self.api.send(Method::Put, &format!("/merge_requests/{number}"), &labels);
        }
        self.api.send(Method::Post, &format!("/issues/{number}/labels"), &json!({"labels": labels}))
    }

    /// Makes a label, at a forge that does not do so by itself.
    pub fn create_label(&self, name: &str) -> Option<Request> {
        let label = json!({"name": name, "color": LABEL_COLOR});
        (self.kind == Kind::Gitea).then(|| self.api.send(Method::Post, "/labels", &label))
    }

    /// Reads the answer to added labels, and says which of them are missing still.
    pub fn missing_labels(&self, labels: &[String], reply: &Reply) -> Result<Vec<String>, ForgeError> {
        self.check(reply)?;
        let answer: Value = serde_json::from_str(&reply.body).unwrap_or_default();
        let there = label_names(if self.kind == Kind::GitLab { &answer["labels"] } else { &answer });
        Ok(missing(labels, &there))
    }

    /// Whether an answer says that what was asked for is done.
    pub fn check(&self, reply: &Reply) -> Result<(), ForgeError> {
        if reply.status < 300 {
            return Ok(());
        }
        // Those of GitHub stand beside a general one.
        let answer: Value = serde_json::from_str(&reply.body).unwrap_or_default();
        let details = answer.pointer("/errors/0/message").unwrap_or(&answer["message"]);
        let words = match details {
            Value::Null => answer["error"].as_str().unwrap_or("no reason is given").to_owned(),
            Value::String(words) => words.clone(),
            other => other.to_string(),
        };
        let words = words.chars().take(MOST_WORDS).collect();
        Err(ForgeError::Refused { status: reply.status, words })
    }

    /// Reads one pull request, or a list of them.
    pub fn read(&self, reply: &Reply) -> Result<Vec<PullRequest>, ForgeError> {
        self.check(reply)?;
        let wrong = || ForgeError::Answer(self.address());
        let found: Value = serde_json::from_str(&reply.body).map_err(|_| wrong())?;
        let all = match found {
            Value::Array(all) => all,
            one @ Value::Object(_) => vec![one],
            _ => return Err(wrong()),
        };
        all.iter().map(|one| self.read_one(one).ok_or_else(wrong)).collect()
    }

    fn read_one(&self, found: &Value) -> Option<PullRequest> {
        let text =
            |pointer: &str| found.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        if self.kind == Kind::GitLab {
            return Some(PullRequest {
                number: found["iid"].as_u64()?,
                branch: text("/source_branch"),
                base: text("/target_branch"),
                body: text("/description"),
                url: text("/web_url"),
                is_fork: found["source_project_id"] != found["target_project_id"],
                is_merged: text("/state") == "merged",
                labels: label_names(&found["labels"]),
            });
        }
        Some(PullRequest {
            number: found["number"].as_u64()?,
            branch: text("/head/ref"),
            base: text("/base/ref"),
            body: text("/body"),
            url: text("/html_url"),
            // A repository that is gone has no id.
            is_fork: found.pointer("/head/repo/id") != found.pointer("/base/repo/id"),
            is_merged: found["merged"] == true || found["merged_at"].is_string(),
            labels: label_names(&found["labels"]),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forge(provider: &str, address: &str) -> Result<Forge, NotifyError> {
        let target = Target {
            provider: provider.to_owned(),
            address: address.to_owned(),
            token: "t".to_owned(),
            ..Target::default()
        };
        Forge::new(&target)
    }

    const BRANCHES: (&str, &str) = ("image-updates/a", "main");

    /// Method, address and body of a request.
    fn said(request: &Request) -> (&'static str, &str, Value) {
        (request.method.as_str(), &request.url, serde_json::from_slice(&request.body).unwrap_or_default())
    }

    fn reply(status: u16, body: &str) -> Reply {
        Reply { status, body: body.to_owned() }
    }

    fn labels() -> [String; 2] {
        ["a".to_owned(), "b".to_owned()]
    }

    #[test]
    fn github_is_asked_as_its_documentation_says() -> Result<(), NotifyError> {
        let forge = forge("github", "https://github.com/org/fleet")?;
        let base = "https://api.github.com/repos/org/fleet";
        let (pulls, one) = (format!("{base}/pulls"), format!("{base}/pulls/7"));
        let list = format!("{pulls}?state=open&per_page=50&page=2");
        assert_eq!(said(&forge.open(2)), ("GET", &*list, Value::Null));
        let closed = format!(
            "{pulls}?state=closed&head=org%3Aimage-updates%2Fa&sort=updated&direction=desc&per_page=50&page=1"
        );
        assert_eq!(said(&forge.closed("image-updates/a", 1)).1, closed);
        let new = json!({"head": "image-updates/a", "base": "main", "title": "Update", "body": "text"});
        assert_eq!(said(&forge.create(BRANCHES, "Update", "text")), ("POST", &*pulls, new));
        let edited = json!({"title": "Update", "body": "text"});
        assert_eq!(said(&forge.edit(7, "Update", "text")), ("PATCH", &*one, edited));
        let closed = json!({"state": "closed", "body": "why"});
        assert_eq!(said(&forge.close(7, "why")), ("PATCH", &*one, closed));
        let label = (format!("{base}/issues/7/labels"), json!({"labels": ["a", "b"]}));
        assert_eq!(said(&forge.label(7, &labels())), ("POST", &*label.0, label.1));
        assert!(forge.is_last(49) && !forge.is_last(50));
        Ok(())
    }

    #[test]
    fn gitlab_has_merge_requests() -> Result<(), NotifyError> {
        let forge = forge("gitlab", "https://gitlab.com/org/team/fleet")?;
        let all = "https://gitlab.com/api/v4/projects/org%2Fteam%2Ffleet/merge_requests";
        let one = format!("{all}/7");
        assert_eq!(said(&forge.open(1)).1, format!("{all}?state=opened&per_page=50&page=1"));
        let closed = format!(
            "{all}?state=closed&source_branch=image-updates%2Fa&order_by=updated_at&per_page=50&page=1"
        );
        assert_eq!(said(&forge.closed("image-updates/a", 1)).1, closed);
        let new = json!({
            "source_branch": "image-updates/a", "target_branch": "main", "title": "Update", "description": "text",
            "remove_source_branch": true,
        });
        assert_eq!(said(&forge.create(BRANCHES, "Update", "text")), ("POST", all, new));
        let edited = json!({"title": "Update", "description": "text"});
        assert_eq!(said(&forge.edit(7, "Update", "text")), ("PUT", &*one, edited));
        let closed = json!({"state_event": "close", "description": "why"});
        assert_eq!(said(&forge.close(7, "why")), ("PUT", &*one, closed));
        assert_eq!(said(&forge.label(7, &labels())), ("PUT", &*one, json!({"add_labels": "a,b"})));
        assert!(forge.create_label("a").is_none());
        assert_eq!(forge.missing_labels(&labels(), &reply(200, r#"{"labels": ["a", "b"]}"#)), Ok(Vec::new()));
        let answer = r#"[{"iid": 3, "source_branch": "x", "target_branch": "main", "description": null, "state": "opened",
            "source_project_id": 5, "target_project_id": 6, "web_url": "https://gitlab.com/org/team/fleet/-/merge_requests/3"}]"#;
        let found = forge.read(&reply(200, answer)).unwrap_or_default();
        assert_eq!(
            found.first().map(|found| (found.number, found.is_fork, &*found.body)),
            Some((3, true, ""))
        );
        Ok(())
    }

    #[test]
    fn gitea_is_asked_as_its_documentation_says() -> Result<(), NotifyError> {
        let forge = forge("gitea", "https://code.example.org/org/fleet.git")?;
        let base = "https://code.example.org/api/v1/repos/org/fleet";
        assert_eq!(said(&forge.open(1)).1, format!("{base}/pulls?state=open&limit=50&page=1"));
        let closed = format!("{base}/pulls?state=closed&sort=recentupdate&limit=50&page=1");
        assert_eq!(said(&forge.closed("x", 1)).1, closed);
        assert_eq!(said(&forge.create(BRANCHES, "", "")).1, format!("{base}/pulls"));
        assert_eq!(said(&forge.label(7, &[])).1, format!("{base}/issues/7/labels"));
        // It answers with the labels that there are, and knows no others than those that were made.
        let made = forge.create_label("b");
        let label = (format!("{base}/labels"), json!({"name": "b", "color": "#ededed"}));
        assert_eq!(made.as_ref().map(said), Some(("POST", &*label.0, label.1)));
        let answer = reply(200, r#"[{"id": 1, "name": "a"}]"#);
        assert_eq!(forge.missing_labels(&labels(), &answer), Ok(vec!["b".to_owned()]));
        assert!(forge.missing_labels(&labels(), &reply(403, "{}")).is_err());
        assert!(forge.is_last(0) && !forge.is_last(1));
        let answer = r#"{"number": 7, "title": "Update", "body": "text", "html_url": "https://code.example.org/org/fleet/pulls/7",
            "merged": true, "labels": [{"id": 1, "name": "Bot"}], "head": {"ref": "x", "repo": {"id": 1}}, "base": {"ref": "main", "repo": {"id": 1}}}"#;
        let expected = PullRequest {
            number: 7,
            branch: "x".to_owned(),
            base: "main".to_owned(),
            body: "text".to_owned(),
            url: "https://code.example.org/org/fleet/pulls/7".to_owned(),
            is_fork: false,
            is_merged: true,
            labels: vec!["Bot".to_owned()],
        };
        assert_eq!(expected.missing(&labels()), labels());
        assert!(expected.missing(&["bot".to_owned()]).is_empty());
        assert_eq!(forge.read(&reply(201, answer)), Ok(vec![expected]));
        Ok(())
    }

    #[test]
    fn refusals_are_repeated() -> Result<(), NotifyError> {
        assert!(matches!(forge("slack", "https://example.com/a/b"), Err(NotifyError::Unsupported(_))));
        let forge = forge("gitea", "https://example.com/a/b")?;
        for body in ["", "null", "[{}]", "<html>"] {
            assert!(matches!(forge.read(&reply(200, body)), Err(ForgeError::Answer(_))), "{body}");
        }
        let words = [
            (r#"{"message": "Validation Failed", "errors": [{"message": "it exists"}]}"#, "it exists"),
            (
                r#"{"message": ["Another open merge request already exists"]}"#,
                r#"["Another open merge request already exists"]"#,
            ),
            (r#"{"error": "insufficient_scope"}"#, "insufficient_scope"),
            ("<html>", "no reason is given"),
        ];
        for (body, words) in words {
            let expected = ForgeError::Refused { status: 422, words: words.to_owned() };
            assert_eq!(forge.check(&reply(422, body)), Err(expected));
        }
        Ok(())
    }
}
