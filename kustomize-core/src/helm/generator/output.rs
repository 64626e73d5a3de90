//! What helm writes.

use super::generator_error;
use crate::context::Context;
use crate::error::BuildError;
use crate::resource::{Resource, parse_resources};
use crate::yaml::{Map, Node, SourceText};

/// The major version in what `helm version` says: the first number with a dot and a digit behind it.
pub(super) fn major_version(text: &str) -> Option<&str> {
    let is_digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
    let bytes = text.as_bytes();
    let mut from = 0;
    while let Some(start) = (from..bytes.len()).find(|&at| is_digit(bytes.get(at))) {
        let end = (start..bytes.len()).find(|&at| !is_digit(bytes.get(at))).unwrap_or(bytes.len());
        if bytes.get(end) == Some(&b'.') && is_digit(bytes.get(end + 1)) {
            return text.get(start..end);
        }
        from = end;
    }
    None
}

/// The resources of a rendered chart.
pub(super) fn resources(cx: &Context, chart: &str, output: Vec<u8>) -> Result<Vec<Resource>, BuildError> {
    let text: SourceText =
        String::from_utf8(output).map_err(|_| generator_error("helm's output is not UTF-8 text"))?.into();
    let file = cx.sources.add(format!("output of helm template {chart}"), text.clone(), None);
    parse_resources(&text, file)
}

/// Marks what helm made: the namespace transformer leaves it alone, as helm has put it into its
/// namespace already. Removed at the end of the build.
pub(super) fn mark(resource: &mut Resource) {
    let annotations = resource.metadata_mut().get_or_insert_with("annotations", || Node::map(Map::new()));
    if annotations.as_map().is_none() {
        *annotations = Node::map(Map::new());
    }
    if let Some(map) = annotations.as_map_mut() {
        map.insert("internal.config.kubernetes.io/helm-generated", Node::string("true"));
    }
}

#[cfg(test)]
mod tests {
    use super::major_version;

    #[test]
    fn versions_are_found() {
        for (said, major) in [
            ("v3.14.0+g3fc9f4b\n", Some("3")),
            ("WARNING: 12 things\nv4.0.1", Some("4")),
            ("Client: v2.16", Some("2")),
            ("3.x", None),
            ("", None),
        ] {
            assert_eq!(major_version(said), major, "{said}");
        }
    }
}
