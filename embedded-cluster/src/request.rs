//! What a request asks for: its path, its query, its headers.

use http::{HeaderMap, Method, header};

/// A path below a resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) resource: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) subresource: String,
}

impl Target {
    /// Reads `/api/v1/...` and `/apis/GROUP/VERSION/...`. `None` for any other path.
    pub(crate) fn parse(path: &str) -> Option<Target> {
        let parts: Vec<String> = path.split('/').filter(|part| !part.is_empty()).map(decode).collect();
        let mut parts = parts.into_iter();
        let (group, version) = match parts.next()?.as_str() {
            "api" => (String::new(), parts.next()?),
            "apis" => (parts.next()?, parts.next()?),
            _ => return None,
        };
        let mut target = Target { group, version, ..Target::default() };
        target.resource = parts.next()?;
        if target.resource == "namespaces" {
            let Some(name) = parts.next() else { return Some(target) };
            match parts.next() {
                None => target.name = name,
                Some(next) if target.group.is_empty() && (next == "status" || next == "finalize") => {
                    target.name = name;
                    target.subresource = next;
                }
                Some(next) => {
                    target.namespace = name;
                    target.resource = next;
                    target.name = parts.next().unwrap_or_default();
                    target.subresource = parts.next().unwrap_or_default();
                }
            }
        } else {
            target.name = parts.next().unwrap_or_default();
            target.subresource = parts.next().unwrap_or_default();
        }
        parts.next().is_none().then_some(target)
    }
}

/// Percent-decoding; what is not valid stays.
pub(crate) fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digits = bytes.get(at + 1..at + 3).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if bytes[at] == b'%' => {
                out.push(byte);
                at += 3;
            }
            _ => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The query of a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(query: Option<&str>) -> Query {
        let pairs = query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        Query(
            pairs
                .map(|pair| {
                    let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                    (decode(&key.replace('+', " ")), decode(&value.replace('+', " ")))
                })
                .collect(),
        )
    }

    /// The value of that name, unless it is empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(key, _)| key == name)?;
        (!value.is_empty()).then_some(value)
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.0.iter().any(|(key, value)| key == name && matches!(value.as_str(), "true" | "1" | ""))
    }

    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.get(name)?.parse().ok()
    }
}

/// How the answer shall look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Whole,
    /// `PartialObjectMetadata`.
    Metadata,
    Table,
}

/// Reads the `Accept` header; of what is acceptable, the first that we can make counts.
pub(crate) fn wanted_form(headers: &HeaderMap) -> Form {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    for range in accept.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default();
        if kind != "application/json" && kind != "*/*" && kind != "application/*" {
            continue;
        }
        match parts.find_map(|part| part.strip_prefix("as=")) {
            None => return Form::Whole,
            Some("PartialObjectMetadata" | "PartialObjectMetadataList") => return Form::Metadata,
            Some("Table") => return Form::Table,
            Some(_) => {}
        }
    }
    Form::Whole
}

/// The verb that authorization sees.
pub(crate) fn verb(method: &Method, target: &Target, query: &Query) -> &'static str {
    match *method {
        Method::POST => "create",
        Method::PUT => "update",
        Method::PATCH => "patch",
        Method::DELETE if target.name.is_empty() => "deletecollection",
        Method::DELETE => "delete",
        _ if query.flag("watch") => "watch",
        _ if target.name.is_empty() => "list",
        _ => "get",
    }
}
