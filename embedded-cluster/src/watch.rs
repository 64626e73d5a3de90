//! Watching: a stream of changes, one JSON object a line.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::call::{Call, json_response};
use crate::kinds::Kind;
use crate::read::in_version;
use crate::request::{Form, Query};
use crate::selector::Selector;
use crate::state::State;
use crate::status::ApiError;
use crate::storage::{Change, Event, Object};
use crate::table;
use crate::table::metadata_of;

/// How often a watch that asked for it hears of the current revision.
const BOOKMARK_EVERY: Duration = Duration::from_secs(60);
/// How long a watch lasts that does not say.
const LONGEST: u64 = 3_000;

/// One running watch.
struct Watch {
    state: Arc<State>,
    kind: Arc<Kind>,
    namespace: String,
    selector: Selector,
    form: Form,
    query: Query,
    seen: u64,
    queue: VecDeque<Bytes>,
    bookmarks: bool,
    next_bookmark: Instant,
    end: Instant,
    first_table: bool,
    over: bool,
}

pub(crate) fn watch(call: &Call<'_>) -> Result<Response<Body>, ApiError> {
    let mut selector_fields = call.query.get("fieldSelector").map(str::to_owned);
    if !call.target.name.is_empty() {
        selector_fields = Some(format!("metadata.name={}", call.target.name));
    }
    let selector = Selector::parse(call.query.get("labelSelector"), selector_fields.as_deref())?;
    let seconds = call.query.number("timeoutSeconds").filter(|seconds| *seconds > 0).unwrap_or(LONGEST);
    let now = Instant::now();
    let mut watch = Watch {
        state: call.state.clone(),
        kind: call.kind.clone(),
        namespace: call.target.namespace.clone(),
        selector,
        form: call.form,
        query: call.query.clone(),
        seen: 0,
        queue: VecDeque::new(),
        bookmarks: call.query.flag("allowWatchBookmarks") && call.query.get("allowWatchBookmarks").is_some(),
        next_bookmark: now + BOOKMARK_EVERY,
        end: now + Duration::from_secs(seconds),
        first_table: true,
        over: false,
    };
    let initial = call.query.get("sendInitialEvents") == Some("true");
    match call.query.get("resourceVersion").filter(|version| *version != "0" && !initial) {
        Some(version) => {
            watch.seen = version
                .parse()
                .map_err(|_| ApiError::bad_request(format!("resourceVersion: Invalid value: \"{version}\": strconv.ParseUint: parsing \"{version}\": invalid syntax")))?;
        }
        None => {
            let (revision, objects) = watch.state.store.snapshot(&watch.kind.resource, &watch.namespace);
            watch.seen = revision;
            if call.query.get("sendInitialEvents") != Some("false") {
                for object in objects {
                    if watch.matches(&object) {
                        watch.push("ADDED", &object);
                    }
                }
            }
            if initial {
                watch.push_bookmark(true);
            }
        }
    }
    let receiver = watch.state.store.subscribe(&watch.kind.resource);
    let stop = watch.state.stop.subscribe();
    let stream =
        futures::stream::unfold((watch, receiver, stop), |(mut watch, mut receiver, mut stop)| async move {
            loop {
                if let Some(line) = watch.queue.pop_front() {
                    return Some((Ok::<_, std::convert::Infallible>(line), (watch, receiver, stop)));
                }
                if watch.over || *stop.borrow() {
                    return None;
                }
                receiver.mark_unchanged();
                watch.catch_up();
                if !watch.queue.is_empty() || watch.over {
                    continue;
                }
                let bookmark = if watch.bookmarks { watch.next_bookmark } else { watch.end };
                tokio::select! {
                    changed = receiver.changed() => if changed.is_err() { return None },
                    _ = stop.changed() => return None,
                    () = tokio::time::sleep_until(watch.end) => return None,
                    () = tokio::time::sleep_until(bookmark) => watch.push_bookmark(false),
                }
            }
        });
    Ok(json_response(StatusCode::OK, Body::from_stream(stream)))
}

impl Watch {
    fn matches(&self, object: &Object) -> bool {
        if !self.namespace.is_empty() && object.value["metadata"]["namespace"] != self.namespace.as_str() {
            return false;
        }
        if self.selector.is_empty() {
            return true;
        }
        if self.kind.group == "events.k8s.io" {
            return self.selector.matches(&in_version(&self.kind, &object.value));
        }
        self.selector.matches(&object.value)
    }

    /// Queues what happened since the last look.
    fn catch_up(&mut self) {
        match self.state.store.changes(&self.kind.resource, self.seen) {
            Some(events) => {
                for event in events {
                    self.seen = event.revision;
                    self.take(&event);
                }
            }
            None => {
                let revision = self.state.store.revision();
                let error =
                    ApiError::expired(format!("too old resource version: {} ({revision})", self.seen));
                self.queue.push_back(line(&json!({"type": "ERROR", "object": error.to_value()})));
                self.over = true;
            }
        }
    }

    /// An object that enters or leaves the selection is added or deleted for this watch.
    fn take(&mut self, event: &Event) {
        let was = event.previous.as_ref().is_some_and(|previous| self.matches(previous));
        let is = event.change != Change::Deleted && self.matches(&event.object);
        match (was, is) {
            (false, true) => self.push("ADDED", &event.object),
            (true, true) => self.push("MODIFIED", &event.object),
            (true, false) => self.push("DELETED", &event.object),
            (false, false) => {}
        }
    }

    fn push(&mut self, change: &str, object: &Object) {
        let shown = match self.form {
            Form::Whole if object.value["apiVersion"] == self.kind.api_version() => {
                let mut text = format!("{{\"type\":\"{change}\",\"object\":").into_bytes();
                text.extend_from_slice(&object.bytes());
                text.extend_from_slice(b"}\n");
                self.queue.push_back(Bytes::from(text));
                return;
            }
            Form::Whole => in_version(&self.kind, &object.value),
            Form::Metadata => metadata_of(&object.value),
            Form::Table => {
                let value = in_version(&self.kind, &object.value);
                let mut table = table::table(&self.state, &self.kind, &[&value], &json!({}), &self.query);
                if !self.first_table {
                    table["columnDefinitions"] = Value::Null;
                }
                self.first_table = false;
                table
            }
        };
        self.queue.push_back(line(&json!({"type": change, "object": shown})));
    }

    fn push_bookmark(&mut self, initial: bool) {
        self.next_bookmark = Instant::now() + BOOKMARK_EVERY;
        // Nothing is pending up to the current revision once the log was read.
        self.catch_up();
        if self.over {
            return;
        }
        let revision = self.seen.to_string();
        let (api_version, kind) = match self.form {
            Form::Metadata => ("meta.k8s.io/v1".to_owned(), "PartialObjectMetadata".to_owned()),
            _ => (self.kind.api_version(), self.kind.kind.clone()),
        };
        let mut metadata = json!({"resourceVersion": revision, "creationTimestamp": null});
        if initial {
            metadata["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        self.queue.push_back(line(&json!({"type": "BOOKMARK", "object": {"kind": kind, "apiVersion": api_version, "metadata": metadata}})));
    }
}

fn line(value: &Value) -> Bytes {
    Bytes::from(format!("{value}\n"))
}
