//! Several events in one message, for providers whose messages people read.
//!
//! One commit can break many objects for the same reason, and an hour without a connection leaves a long
//! queue. People are told once for each cause, and get a list where there is much to say. Programs get every
//! event as it is.

use std::collections::{BTreeMap, HashSet};

use sha2::{Digest, Sha256};

use super::{Event, InvolvedObject, Severity};

/// How many causes get a message each before they are put into a list.
const SEPARATE: usize = 5;
/// How many causes a list holds.
const LIST: usize = 20;
/// How many objects are named for a cause.
const NAMED: usize = 20;
/// How much of a message a list shows, in characters.
const LINE: usize = 200;
/// What a recovery starts with; the duration differs between objects.
const RECOVERED: &str = "Recovered after ";

/// Whether people read what the provider is sent.
#[must_use]
pub fn is_for_people(provider: &str) -> bool {
    matches!(
        provider,
        "slack"
            | "discord"
            | "msteams"
            | "rocket"
            | "googlechat"
            | "webex"
            | "telegram"
            | "lark"
            | "matrix"
            | "zulip"
    )
}

/// What events of several objects have in common if they say the same: message, revision and severity.
#[must_use]
pub fn cause(event: &Event) -> String {
    let message = match event.message.strip_prefix(RECOVERED).and_then(|rest| rest.split_once(": ")) {
        Some((_, rest)) => rest,
        None => &event.message,
    };
    let revision = event.metadata.get(&(event.prefix() + "revision")).map_or("", String::as_str);
    let mut digest = Sha256::new();
    for part in [message, revision, if event.severity == Severity::Error { "error" } else { "info" }] {
        digest.update(part.as_bytes());
        digest.update([0]);
    }
    digest.finalize().iter().take(16).fold(String::new(), |key, byte| key + &format!("{byte:02x}"))
}

/// The start of a queue that one message can carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Which events of the queue it carries.
    pub taken: Vec<usize>,
    /// The causes of what it carries.
    pub causes: Vec<String>,
    /// The message.
    pub event: Event,
}

/// Events with one cause.
struct Group<'a> {
    cause: String,
    first: &'a Event,
    taken: Vec<usize>,
    others: Vec<&'a InvolvedObject>,
}

/// Puts the start of a queue, oldest first, into one message of an alert; nothing if the queue is empty.
///
/// Events with the same cause become one. No event overtakes an earlier one of the same object. If there are
/// more than five causes, up to twenty of them become a list.
#[must_use]
pub fn batch(events: &[&Event], alert: &InvolvedObject) -> Option<Batch> {
    let mut groups = group(events);
    if groups.len() > SEPARATE {
        groups.truncate(LIST);
        return Some(list(&groups, alert));
    }
    let group = groups.into_iter().next()?;
    let mut event = group.first.clone();
    if !group.others.is_empty() {
        event.message = format!("{}\n\nThe same goes for {}", event.message, names(&group.others));
    }
    Some(Batch { taken: group.taken, causes: vec![group.cause], event })
}

fn group<'a>(events: &[&'a Event]) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    let mut by_cause: BTreeMap<String, usize> = BTreeMap::new();
    // Objects with an event that does not go into a group before it: their later events have to wait.
    let mut waiting: HashSet<(&str, &str, &str)> = HashSet::new();
    for (index, event) in events.iter().enumerate() {
        let object = &event.involved_object;
        let is_first = waiting.insert((&object.kind, &object.namespace, &object.name));
        let cause = cause(event);
        match by_cause.get(&cause).and_then(|found| groups.get_mut(*found)) {
            Some(group) if is_first => {
                group.taken.push(index);
                group.others.push(object);
            }
            _ => {
                by_cause.insert(cause.clone(), groups.len());
                groups.push(Group { cause, first: event, taken: vec![index], others: Vec::new() });
            }
        }
    }
    groups
}

/// A message that lists groups.
fn list(groups: &[Group<'_>], alert: &InvolvedObject) -> Batch {
    let mut lines = vec![format!("{} messages:", groups.len())];
    for group in groups {
        let first_line = group.first.message.lines().next().unwrap_or_default();
        let shown: String = first_line.chars().take(LINE).collect();
        let more = if first_line.chars().count() > LINE { "…" } else { "" };
        let others = match group.others.len() {
            0 => String::new(),
            count => format!(" and {count} more"),
        };
        lines.push(format!("- {}{others}: {shown}{more}", group.first.subject()));
    }
    let is_bad = groups.iter().any(|group| group.first.severity == Severity::Error);
    let last = groups.last().map(|group| group.first);
    let event = Event {
        involved_object: alert.clone(),
        severity: if is_bad { Severity::Error } else { Severity::Info },
        timestamp: last.map(|event| event.timestamp.clone()).unwrap_or_default(),
        message: lines.join("\n"),
        reason: "Digest".to_owned(),
        reporting_controller: "notification-controller".to_owned(),
        ..Event::default()
    };
    let mut taken: Vec<usize> = groups.iter().flat_map(|group| group.taken.iter().copied()).collect();
    taken.sort_unstable();
    Batch { taken, causes: groups.iter().map(|group| group.cause.clone()).collect(), event }
}

/// Objects in a sentence.
fn names(objects: &[&InvolvedObject]) -> String {
    let named = objects
        .iter()
        .take(NAMED)
        .map(|object| format!("{}/{}.{}", object.kind.to_lowercase(), object.name, object.namespace));
    let mut text = named.collect::<Vec<_>>().join(", ");
    if objects.len() > NAMED {
        text.push_str(&format!(" and {} more", objects.len() - NAMED));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(name: &str) -> InvolvedObject {
        InvolvedObject {
            api_version: "kustomize.toolkit.fluxcd.io/v1".to_owned(),
            kind: "Kustomization".to_owned(),
            name: name.to_owned(),
            namespace: "apps".to_owned(),
            ..InvolvedObject::default()
        }
    }

    fn event(name: &str, severity: Severity, message: &str) -> Event {
        Event { involved_object: object(name), severity, message: message.to_owned(), ..Event::default() }
    }

    fn sent(events: &[Event]) -> Vec<(Vec<usize>, String)> {
        let mut queue: Vec<(usize, &Event)> = events.iter().enumerate().collect();
        let mut sent = Vec::new();
        while let Some(batch) =
            batch(&queue.iter().map(|(_, event)| *event).collect::<Vec<_>>(), &object("alert"))
        {
            let taken: Vec<usize> =
                batch.taken.iter().filter_map(|index| queue.get(*index)).map(|(index, _)| *index).collect();
            queue.retain(|(index, _)| !taken.contains(index));
            sent.push((taken, batch.event.message));
        }
        sent
    }

    #[test]
    fn one_message_for_a_cause() {
        let broken = |name| event(name, Severity::Error, "base/a.yaml:1:1: no map\n   1 | a");
        let events = [broken("a"), event("x", Severity::Error, "else"), broken("b"), broken("c")];
        let wanted = "base/a.yaml:1:1: no map\n   1 | a\n\nThe same goes for kustomization/b.apps, kustomization/c.apps";
        assert_eq!(sent(&events), [(vec![0, 2, 3], wanted.to_owned()), (vec![1], "else".to_owned())]);
    }

    #[test]
    fn recoveries_at_one_revision_are_one() {
        let events = [
            event("a", Severity::Info, "Recovered after 5s: Applied revision: main"),
            event("b", Severity::Info, "Recovered after 1m0s: Applied revision: main"),
        ];
        let wanted = "Recovered after 5s: Applied revision: main\n\nThe same goes for kustomization/b.apps";
        assert_eq!(sent(&events), [(vec![0, 1], wanted.to_owned())]);
    }

    #[test]
    fn no_event_overtakes_one_of_its_object() {
        let events = [
            event("a", Severity::Error, "bad"),
            event("b", Severity::Info, "good"),
            event("b", Severity::Error, "bad"),
        ];
        let messages: Vec<Vec<usize>> = sent(&events).into_iter().map(|(taken, _)| taken).collect();
        assert_eq!(messages, [[0], [1], [2]]);
    }

    #[test]
    fn many_causes_become_a_list_and_none_is_lost() {
        let events: Vec<Event> =
            (0..100).map(|number| event("a", Severity::Error, &format!("cause {number}\nmore"))).collect();
        let sent = sent(&events);
        assert_eq!(sent.len(), 5);
        assert!(sent[0].1.starts_with("20 messages:\n- kustomization/a.apps: cause 0\n- "), "{}", sent[0].1);
        let text: String = sent.iter().map(|(_, message)| message.as_str()).collect();
        assert!((0..100).all(|number| text.contains(&format!("cause {number}"))));
    }
}
