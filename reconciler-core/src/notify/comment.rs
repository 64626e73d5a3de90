//! Comments on pull and merge requests: one per object, which is edited when there is news.

use serde_json::{Value, json};

use super::exchange::json as reply;
use super::forge::Api;
use super::{Event, Exchange, Method, NotifyError, Severity, Target};

/// The key of the metadata with the number of the pull request.
pub(super) const CHANGE_REQUEST: &str = "change_request";

/// Whether providers of this type comment on pull or merge requests.
pub(super) fn is_provider(provider: &str) -> bool {
    matches!(provider, "githubpullrequestcomment" | "gitlabmergerequestcomment" | "giteapullrequestcomment")
}

/// The event as Markdown.
pub(super) fn markdown(event: &Event) -> String {
    let mark = if event.severity == Severity::Error { "\u{26a0}\u{fe0f}" } else { "\u{2139}\u{fe0f}" };
    let object = &event.involved_object;
    let mut text = format!(
        "## Flux Status\n\n{mark} {}/{}/{}\n\n{}\n\nMetadata:\n",
        object.kind, object.namespace, object.name, event.message
    );
    for (key, value) in event.metadata.iter().filter(|(key, _)| *key != CHANGE_REQUEST) {
        text += &format!("* `{key}`: {value}\n");
    }
    text
}

/// The requests that write or edit the comment.
pub(super) fn exchange(target: &Target, event: &Event) -> Result<Exchange, NotifyError> {
    let number = event.metadata.get(CHANGE_REQUEST).ok_or(NotifyError::NoChangeRequest)?;
    let number: u64 = number.parse().map_err(|_| NotifyError::ChangeRequest(number.clone()))?;
    let object = &event.involved_object;
    let gitlab = target.provider == "gitlabmergerequestcomment";
    let key = if gitlab { "flux-mr-comment-key" } else { "flux-pr-comment-key" };
    let marker = format!(
        "<!-- {key}:{}/{}/{}/{} -->",
        target.provider_uid, object.kind, object.namespace, object.name
    );
    let body = json!({"body": format!("{marker}\n\n{}", markdown(event))});
    // The path of the comments, that of one comment, its change, and who wrote it.
    let (api, ask, list, one, change, author) = match &*target.provider {
        "githubpullrequestcomment" => {
            let api = Api::github(target)?;
            let list = format!("/issues/{number}/comments");
            let comments = format!("{list}?direction=asc&per_page=100&sort=created");
            let comments = api.get_as(&comments, "application/vnd.github.squirrel-girl-preview");
            let ask = vec![api.above("/repos/", "/user").get(""), comments];
            (api, ask, list, "/issues/comments".to_owned(), Method::Patch, ["user", "login"])
        }
        "gitlabmergerequestcomment" => {
            let api = Api::gitlab(target)?;
            let list = format!("/merge_requests/{number}/notes");
            let comments = api.get(&format!("{list}?order_by=created_at&per_page=100&sort=asc"));
            let ask = vec![api.above("/projects/", "/user").get(""), comments];
            (api, ask, list.clone(), list, Method::Put, ["author", "username"])
        }
        _ => {
            let api = Api::gitea(target)?;
            let list = format!("/issues/{number}/comments");
            let comments = api.get(&format!("{list}?limit=100&page=1"));
            let above = |path: &str| api.above("/repos/", path).get("");
            let ask = vec![above("/version"), above("/user"), comments];
            (api, ask, list, "/issues/comments".to_owned(), Method::Patch, ["user", "login"])
        }
    };
    let user_at = ask.len() - 2;
    Ok(Exchange::of(ask).then(move |replies| {
        let own_name = name(&reply(replies, user_at), author[1]);
        let comments = reply(replies, user_at + 1);
        let own = comments.as_array().into_iter().flatten().find(|comment| {
            name(&comment[author[0]], author[1]) == own_name
                && comment["body"].as_str().is_some_and(|body| body.contains(&marker))
        });
        Ok(vec![match own.and_then(|comment| comment["id"].as_u64()) {
            Some(id) => api.send(change, &format!("{one}/{id}"), &body),
            None => api.send(Method::Post, &list, &body),
        }])
    }))
}

/// The name of a user.
fn name(user: &Value, key: &str) -> String {
    user[key].as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::Reply;
    use super::{Event, Method, NotifyError, Target, exchange};

    /// Only the provider's own comment with the marker of the object is edited.
    #[test]
    fn the_comment_that_is_there_is_edited() -> Result<(), NotifyError> {
        let target = Target {
            provider: "giteapullrequestcomment".to_owned(),
            address: "https://example.com/org/repo".to_owned(),
            token: "t".to_owned(),
            provider_uid: "u".to_owned(),
            ..Target::default()
        };
        let mut event = Event::default();
        event.metadata.insert("change_request".to_owned(), "7".to_owned());
        let comments = r#"[
            {"id": 1, "user": {"login": "other"}, "body": "<!-- flux-pr-comment-key:u/// -->"},
            {"id": 2, "user": {"login": "me"}, "body": "hello"},
            {"id": 3, "user": {"login": "me"}, "body": "<!-- flux-pr-comment-key:u/// -->\nold"}
        ]"#;
        let mut exchange = exchange(&target, &event)?;
        for body in ["{}", r#"{"login": "me"}"#, comments] {
            assert!(exchange.next_request()?.is_some_and(|request| request.method == Method::Get));
            exchange.answer(Reply { status: 200, body: body.to_owned() })?;
        }
        let last = exchange.next_request()?;
        let seen = last.map(|request| (request.method, request.url));
        let url = "https://example.com/api/v1/repos/org/repo/issues/comments/3".to_owned();
        assert_eq!(seen, Some((Method::Patch, url)));
        Ok(())
    }
}
