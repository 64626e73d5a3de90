//! What somebody who mistyped a path may have meant.

use crate::host::{Host, path};
use crate::suggest::closest;

/// Name, in quotes, of an entry that stands where the path leads and is spelled much like it.
pub(super) fn similar_entry(host: &dyn Host, absolute: &str) -> Option<String> {
    let absolute = path::clean(absolute);
    let names = host.list(path::parent(&absolute)).ok()?;
    let similar = most_similar(path::base_name(&absolute), &names)?;
    Some(format!("'{similar}'"))
}

/// The name that is spelled most like the one that was wanted. The extension does not count:
/// `a.yaml` is not `b.yaml`, but may be `a.yml`.
pub(super) fn most_similar<'a>(wanted: &str, names: &'a [String]) -> Option<&'a str> {
    let others = || names.iter().map(String::as_str).filter(|name| *name != wanted);
    let similar = closest(stem(wanted), others().map(stem))?;
    others().find(|name| stem(name) == similar)
}

fn stem(name: &str) -> &str {
    [".yaml", ".yml", ".json"].iter().find_map(|extension| name.strip_suffix(extension)).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_little_are_suggested() {
        let names = ["service.yaml", "Deployment.yml", "a.yaml"].map(str::to_owned);
        assert_eq!(most_similar("deploymnet.yaml", &names), Some("Deployment.yml"));
        assert_eq!(most_similar("service", &names), Some("service.yaml"));
        assert_eq!(most_similar("ingress.yaml", &names), None);
    }
}
