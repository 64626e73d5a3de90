//! Requests to providers, beside those that Flux sent.

use std::collections::BTreeMap;

use reconciler_api::AlertSpec;
use reconciler_core::notify::{Event, Notification, NotifyError, Request, Sender, Target, notify};
use serde_json::{Value, json};

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

const RECORDED: &str = include_str!("requests.json");

fn alert() -> Outcome<AlertSpec> {
    Ok(serde_json::from_value(json!({"providerRef": {"name": "provider"}, "eventSources": []}))?)
}

fn target(case: &Value, uid: &Value) -> Target {
    let text = |key: &str| case["target"][key].as_str().unwrap_or_default().to_owned();
    let headers = case["target"]["headers"].as_object().into_iter().flatten();
    let headers = headers.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()));
    Target {
        provider: case["provider"].as_str().unwrap_or_default().to_owned(),
        address: text("address"),
        token: text("token"),
        username: text("username"),
        password: text("password"),
        headers: headers.collect(),
        alert: Sender {
            namespace: "flux-system".to_owned(),
            name: "traces".to_owned(),
            uid: uid.as_str().unwrap_or_default().to_owned(),
        },
        ..Target::default()
    }
}

/// The event with its metadata as a controller gives it.
fn event(case: &Value) -> Outcome<Event> {
    let mut event: Event = serde_json::from_value(case["event"].clone())?;
    let group = "kustomize.toolkit.fluxcd.io";
    event.metadata =
        event.metadata.into_iter().map(|(key, value)| (format!("{group}/{key}"), value)).collect();
    Ok(event)
}

/// All requests for a case.
fn requests(case: &Value, uid: &Value) -> Outcome<Result<Vec<Request>, NotifyError>> {
    let mut exchange = match notify(&target(case, uid), &alert()?, &event(case)?) {
        Ok(Notification::Send(exchange)) => exchange,
        Ok(_) => return Err("it is not sent".into()),
        Err(error) => return Ok(Err(error)),
    };
    Ok(Ok(std::iter::from_fn(|| exchange.next_request().ok().flatten()).collect()))
}

/// A span without its id and its end: Flux's ids are random, and its spans last until they are sent.
fn comparable(mut body: Vec<u8>) -> Outcome<Vec<u8>> {
    /// The fields `trace_id` and `span_id`, and `start_time_unix_nano` and `end_time_unix_nano`, with their lengths.
    const ID: ([u8; 2], [u8; 2]) = ([0x0a, 16], [0x12, 8]);
    const TIME: (u8, u8) = (0x39, 0x41);
    let id = (0..body.len())
        .find(|at| body[*at..].starts_with(&ID.0) && body[*at + 18..].starts_with(&ID.1))
        .ok_or("no ids")?;
    body[id + 20..id + 28].fill(0);
    let end =
        (id..body.len() - 9).find(|at| body[*at] == TIME.0 && body[*at + 9] == TIME.1).ok_or("no times")?;
    body[end + 10..end + 18].fill(0);
    Ok(body)
}

fn bytes(hex: &str) -> Outcome<Vec<u8>> {
    (0..hex.len()).step_by(2).map(|start| Ok(u8::from_str_radix(&hex[start..start + 2], 16)?)).collect()
}

#[test]
fn requests_are_those_of_flux() -> Outcome {
    let recorded: Value = serde_json::from_str(RECORDED)?;
    for case in recorded["cases"].as_array().ok_or("no cases")? {
        let found = match requests(case, &recorded["alertUid"])? {
            Ok(found) => found,
            Err(error) => {
                assert!(case["error"].is_string(), "{error}: {case:#}");
                continue;
            }
        };
        assert!(case["error"].is_null(), "it is sent: {case:#}");
        let wanted = &case["request"];
        let [request] = &*found else {
            assert!(found.is_empty() && wanted.is_null(), "{} requests: {case:#}", found.len());
            continue;
        };
        assert_eq!(request.method.as_str(), wanted["method"], "{case:#}");
        // Flux drops the query of the address of a collector.
        assert_eq!(
            request.url.replace("/traces/?x=1", "/traces/"),
            *wanted["url"].as_str().unwrap_or_default()
        );
        let mut headers: BTreeMap<&str, &str> =
            request.headers.iter().map(|(name, value)| (&**name, &**value)).collect();
        if case["provider"] == "otel" {
            let body = bytes(wanted["body"].as_str().unwrap_or_default())?;
            assert_eq!(comparable(request.body.clone())?, comparable(body)?, "{case:#}");
            // Flux logs in only if there are other headers, and then without a password, too.
            if !wanted["headers"]["x-scope"].is_string() {
                headers.remove("authorization");
            }
        } else {
            assert_eq!(serde_json::from_slice::<Value>(&request.body)?, wanted["body"], "{case:#}");
        }
        let mut wanted = wanted["headers"].clone();
        if wanted["authorization"] == "Bearer" {
            wanted.as_object_mut().map(|headers| headers.remove("authorization"));
        }
        assert_eq!(json!(headers), wanted, "{case:#}");
    }
    Ok(())
}

/// The ids of the trace and of the span of an event.
fn ids(target: &Target, event: &Event) -> Outcome<(Vec<u8>, Vec<u8>)> {
    let Notification::Send(mut exchange) = notify(target, &alert()?, event)? else {
        return Err("it is not sent".into());
    };
    let body = exchange.next_request()?.ok_or("no request")?.body;
    let at = body.windows(2).position(|two| two == [0x0a, 16]).ok_or("no id")?;
    Ok((body[at + 2..at + 18].to_vec(), body[at + 20..at + 28].to_vec()))
}

#[test]
fn traces_follow_a_revision() -> Outcome {
    let recorded: Value = serde_json::from_str(RECORDED)?;
    let case = &recorded["cases"][0];
    let (target, event) = (target(case, &recorded["alertUid"]), event(case)?);
    let (trace, span) = ids(&target, &event)?;
    assert_eq!(ids(&target, &event)?, (trace.clone(), span.clone()), "a second delivery is no second span");
    let (other_trace, other_span) = ids(&target, &Event { message: "other".to_owned(), ..event.clone() })?;
    assert_eq!(other_trace, trace);
    assert_ne!(other_span, span);
    let mut later = event;
    later.metadata.insert("kustomize.toolkit.fluxcd.io/revision".to_owned(), "main@sha1:1".to_owned());
    assert_ne!(ids(&target, &later)?.0, trace);
    Ok(())
}

#[test]
fn clouds_are_refused_with_a_way_out() -> Outcome {
    for (kind, cloud) in
        [("googlepubsub", "Google Cloud"), ("azureeventhub", "Azure"), ("azuredevops", "Azure")]
    {
        let target = Target {
            provider: kind.to_owned(),
            address: "https://dev.azure.com/org/project/_git/repo".to_owned(),
            ..Target::default()
        };
        let event = Event { severity: reconciler_core::notify::Severity::Error, ..Event::default() };
        let error = notify(&target, &alert()?, &event).err().ok_or(kind)?.to_string();
        assert!(error.contains(cloud), "{kind}: {error}");
    }
    Ok(())
}
