//! Statuses of commits, on the forges that have them. A status that is there already is not set again.

use serde_json::{Value, json};
use sha1::{Digest, Sha1};

use super::exchange::json as reply;
use super::forge::{Api, commit, escape};
use super::{Event, Exchange, Method, NotifyError, Reply, Request, Severity, Target};

/// Whether providers of this type set the status of commits.
pub(super) fn is_provider(provider: &str) -> bool {
    matches!(provider, "github" | "gitlab" | "gitea" | "bitbucket" | "bitbucketserver" | "azuredevops")
}

/// The name of a status when the provider has no expression for it: one per cluster, kind and object.
pub fn default_commit_status(provider_uid: &str, event: &Event) -> String {
    let object = &event.involved_object;
    let cluster = provider_uid.split('-').next().unwrap_or_default();
    format!("{}/{}/{cluster}", object.kind, object.name).to_lowercase()
}

/// The requests that set the status of the event's commit.
pub(super) fn exchange(target: &Target, event: &Event) -> Result<Exchange, NotifyError> {
    let kind = &*target.provider;
    let api = match kind {
        "github" => Api::github(target)?,
        "gitlab" => Api::gitlab(target)?,
        "gitea" => Api::gitea(target)?,
        "bitbucket" => Api::bitbucket(target)?,
        "bitbucketserver" => Api::bitbucket_server(target)?,
        _ => Api::azure(target)?,
    };
    // Gitea's status has a state for what is under way, and is asked for its version before all else.
    let progressing = event.reason == "Progressing";
    if progressing && kind != "gitea" {
        return Ok(Exchange::of(Vec::new()));
    }
    let version = || api.above("/repos/", "/version").get("");
    let commit = match commit(event) {
        Ok(commit) => commit,
        Err(failure) if kind == "gitea" => {
            return Ok(Exchange::of(vec![version()]).then(|_| Err(failure)));
        }
        Err(failure) => return Err(failure),
    };
    let status = Status {
        name: target.commit_status.clone(),
        description: description(event),
        failed: event.severity == Severity::Error,
        progressing,
    };
    Ok(match kind {
        "github" => {
            let ask = api.get(&format!("/commits/{commit}/statuses?per_page=50"));
            let body = status.by_context("success", "failure");
            let set = api.send(Method::Post, &format!("/statuses/{commit}"), &body);
            unless(vec![ask], set, move |replies| is_latest(&reply(replies, 0), &body))
        }
        "gitea" => {
            let mut ask = api.get(&format!("/commits/{commit}/statuses?limit=50&page=1"));
            ask.headers.push(("content-type".to_owned(), "application/json".to_owned()));
            let mut body = status.by_context("success", "failure");
            body["target_url"] = json!("");
            let set = api.send(Method::Post, &format!("/statuses/{commit}"), &body);
            let mut given = body.clone();
            given["status"] = given["state"].take();
            unless(vec![version(), ask], set, move |replies| {
                // Gitea answers with `status` what it is told with `state`.
                let statuses = reply(replies, 1);
                is_latest(&statuses, &given) || is_latest(&statuses, &body)
            })
        }
        "gitlab" => {
            let ask =
                api.get(&format!("/repository/commits/{commit}/statuses?name={}", escape(&status.name)));
            let body = json!({
                "name": status.name, "description": status.description,
                "state": if status.failed { "failed" } else { "success" },
            });
            let set = api.send(Method::Post, &format!("/statuses/{commit}"), &body);
            unless(vec![ask], set, move |replies| {
                reply(replies, 0).as_array().into_iter().flatten().any(|found| {
                    found["sha"] == *commit
                        && found["status"] == body["state"]
                        && found["description"] == body["description"]
                        && found["name"] == body["name"]
                })
            })
        }
        "bitbucket" => {
            let body = status.build(&object_name(event), "https://bitbucket.org");
            let path = format!("/commit/{commit}/statuses/build");
            let ask = api.get(&format!("{path}/{}", body["key"].as_str().unwrap_or_default()));
            let set = api.send(Method::Post, &path, &body);
            unless(vec![ask], set, move |replies| same(&reply(replies, 0), &body, &["state", "description"]))
                .missing_is_fine()
        }
        "bitbucketserver" => {
            // The server shows the name alone.
            let name = format!("{} [{}]", object_name(event), status.description);
            let body = status.build(&name, &target.address);
            let path = format!("/{commit}/builds");
            let ask = api.get(&format!("{path}?key={}", body["key"].as_str().unwrap_or_default()));
            let set = api.send(Method::Post, &path, &body);
            let keys = ["key", "state", "description", "name"];
            unless(vec![ask], set, move |replies| same(&reply(replies, 0), &body, &keys)).missing_is_fine()
        }
        _ => {
            let path = format!("/commits/{commit}/statuses");
            let summary = event.metadata.get("summary");
            let genre = summary.map_or_else(|| "fluxcd".to_owned(), |summary| format!("fluxcd:{summary}"));
            let body = json!({
                "context": {"genre": genre, "name": status.name},
                "description": status.description,
                "state": if status.failed { "error" } else { "succeeded" },
            });
            let set = api.send(Method::Post, &path, &body);
            unless(vec![api.get(&path)], set, move |replies| is_latest(&reply(replies, 0)["value"], &body))
        }
    })
}

/// The status of a commit.
struct Status {
    name: String,
    description: String,
    failed: bool,
    progressing: bool,
}

impl Status {
    /// The form of GitHub and Gitea.
    fn by_context(&self, success: &str, failure: &str) -> Value {
        let state = match (self.progressing, self.failed) {
            (true, _) => "pending",
            (_, true) => failure,
            _ => success,
        };
        json!({"context": self.name, "description": self.description, "state": state})
    }

    /// The form of both Bitbuckets.
    fn build(&self, name: &str, url: &str) -> Value {
        let key = Sha1::digest(self.name.as_bytes());
        let key = key.iter().fold(String::new(), |key, byte| key + &format!("{byte:02x}"));
        json!({
            "key": key, "name": name, "description": self.description, "url": url,
            "state": if self.failed { "FAILED" } else { "SUCCESSFUL" },
        })
    }
}

/// Asks, and sets unless the replies say that it is so already.
fn unless(
    ask: Vec<Request>,
    set: Request,
    is_so: impl FnOnce(&[Reply]) -> bool + Send + 'static,
) -> Exchange {
    Exchange::of(ask).then(move |replies| Ok(if is_so(replies) { Vec::new() } else { vec![set] }))
}

/// Whether the first, which is the latest, status of the same context is this one.
fn is_latest(statuses: &Value, wanted: &Value) -> bool {
    let mut statuses = statuses.as_array().into_iter().flatten();
    let state = if wanted["status"].is_string() { "status" } else { "state" };
    let known = |status: &&Value| {
        status["context"] == wanted["context"]
            && status[state].is_string()
            && status["description"].is_string()
    };
    statuses.find(known).is_some_and(|status| same(status, wanted, &[state, "description"]))
}

fn same(found: &Value, wanted: &Value, keys: &[&str]) -> bool {
    keys.iter().all(|key| found[key] == wanted[key])
}

/// The kind and name in lower case.
pub(super) fn object_name(event: &Event) -> String {
    format!("{}/{}", event.involved_object.kind, event.involved_object.name).to_lowercase()
}

/// The reason as words in lower case.
pub(super) fn description(event: &Event) -> String {
    #[derive(PartialEq, Clone, Copy)]
    enum Class {
        Lower,
        Upper,
        Digit,
        Other,
    }
    let class = |character: char| match character {
        _ if character.is_lowercase() => Class::Lower,
        _ if character.is_uppercase() => Class::Upper,
        _ if character.is_numeric() => Class::Digit,
        _ => Class::Other,
    };
    let mut words: Vec<(Class, String)> = Vec::new();
    for character in event.reason.chars() {
        match words.last_mut() {
            Some((last, word)) if *last == class(character) => word.push(character),
            _ => words.push((class(character), character.to_string())),
        }
    }
    // The last capital of a run belongs to the word after it.
    for index in 1..words.len() {
        let (before, after) = words.split_at_mut(index);
        if let ([.., (Class::Upper, run)], [(Class::Lower, word), ..]) = (before, after)
            && let Some(capital) = run.pop()
        {
            word.insert(0, capital);
        }
    }
    let words: Vec<String> =
        words.into_iter().map(|(_, word)| word.to_lowercase()).filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::{Event, description};

    #[test]
    fn reasons_read_as_words() {
        let wanted = [
            ("ReconciliationSucceeded", "reconciliation succeeded"),
            ("OCIArtifactPullFailed", "oci artifact pull failed"),
            ("Sha256Mismatch", "sha 256 mismatch"),
            ("", ""),
        ];
        for (reason, words) in wanted {
            assert_eq!(description(&Event { reason: reason.to_owned(), ..Event::default() }), words);
        }
    }
}
