//! What somebody who mistyped a path may have meant.

use crate::host::{EntryKind, Host, HostError, path};
use crate::kustomization::FILE_NAMES;
use crate::suggest::closest;

/// What files of configuration end with.
const EXTENSIONS: [&str; 3] = [".yaml", ".yml", ".json"];

/// `did you mean …?`, if something that is spelled much like the path stands where it leads.
/// `written` is the path as its author wrote it.
pub(super) fn did_you_mean(host: &dyn Host, absolute: &str, written: &str) -> Option<String> {
    let absolute = path::clean(absolute);
    // The slip may be in a directory on the way.
    let mut wrong = absolute.as_str();
    let names = loop {
        let directory = path::parent(wrong);
        match host.list(directory) {
            Ok(names) => break names,
            Err(HostError::NotFound) if directory != wrong => wrong = directory,
            Err(_) => return None,
        }
    };
    let wanted = path::base_name(wrong);
    let names: Vec<String> = names.into_iter().filter(|name| is_plausible(name, wanted)).collect();
    let similar = most_similar(wanted, &names)?;
    let rest = absolute.get(wrong.len()..).unwrap_or_default();
    host.kind(&format!("{}{rest}", path::join(path::parent(wrong), similar))).ok()?;
    let before = before_last(written, rest.matches('/').count() + 1).unwrap_or_default();
    Some(format!("did you mean '{before}{similar}{rest}'?"))
}

/// What is written before the last `count` parts of a path; none where these lead up again.
fn before_last(written: &str, count: usize) -> Option<&str> {
    let written = written.trim_end_matches('/');
    let parts: Vec<&str> = written.split('/').collect();
    let (kept, replaced) = parts.split_at_checked(parts.len().checked_sub(count)?)?;
    if replaced.iter().any(|part| matches!(*part, "" | "." | "..")) {
        return None;
    }
    written.get(..kept.iter().map(|part| part.len() + 1).sum())
}

/// Whether somebody could have meant this entry of a directory: not what is hidden, no
/// kustomization (it is named by its directory), and no program or text where configuration is wanted.
fn is_plausible(name: &str, wanted: &str) -> bool {
    let is_configuration = |name: &str| stem(name) != name;
    let wants_configuration = is_configuration(wanted) || !wanted.contains('.');
    let is_candidate = !wants_configuration || is_configuration(name) || !name.contains('.');
    is_candidate && (!name.starts_with('.') || wanted.starts_with('.')) && !FILE_NAMES.contains(&name)
}

/// The name that is spelled most like the one that was wanted. The extension does not count:
/// `a.yaml` is not `b.yaml`, but may be `a.yml`.
pub(super) fn most_similar<'a>(wanted: &str, names: &'a [String]) -> Option<&'a str> {
    let others = || names.iter().map(String::as_str).filter(|name| *name != wanted);
    let similar = closest(stem(wanted), others().map(stem))?;
    others().find(|name| stem(name) == similar)
}

/// Files of configuration among the names, no kustomizations.
pub(super) fn configuration(names: &[String]) -> Vec<&str> {
    let is_configuration = |name: &&str| stem(name) != *name && !name.starts_with('.');
    names.iter().map(String::as_str).filter(is_configuration).collect()
}

/// The nearest directory above a place that can be built, as it is written.
pub(super) fn kustomization_above(host: &dyn Host, absolute: &str, written: &str) -> Option<String> {
    let (absolute, written) = (path::clean(absolute), path::clean(written));
    let (mut place, mut name) = (absolute.as_str(), written.as_str());
    while !matches!(name, "." | "/") && path::base_name(name) != ".." {
        (place, name) = (path::parent(place), path::parent(name));
        if has_kustomization(host, place) {
            return Some(name.to_owned());
        }
    }
    None
}

/// Whether a directory has a kustomization file.
pub(super) fn has_kustomization(host: &dyn Host, directory: &str) -> bool {
    FILE_NAMES.iter().any(|file| host.kind(&path::join(directory, file)) == Ok(EntryKind::File))
}

fn stem(name: &str) -> &str {
    EXTENSIONS.iter().find_map(|extension| name.strip_suffix(extension)).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::MemoryHost;

    #[test]
    fn names_that_differ_little_are_suggested() {
        let names = ["service.yaml", "Deployment.yml", "a.yaml"].map(str::to_owned);
        assert_eq!(most_similar("deploymnet.yaml", &names), Some("Deployment.yml"));
        assert_eq!(most_similar("service", &names), Some("service.yaml"));
        assert_eq!(most_similar("ingress.yaml", &names), None);
    }

    #[test]
    fn suggestions_can_be_written_in_place_of_what_was_meant() {
        let files = [
            "/site/base/app/service.yaml",
            "/site/base/app/kustomization.yaml",
            "/site/base/app/servise.sh",
            "/site/base/app/.service.yaml",
            "/site/base/app/settings.conf",
        ];
        let host: MemoryHost = files.iter().map(|path| (*path, "")).collect();
        for (written, meant) in [
            ("../base/app/servce.yaml", Some("../base/app/service.yaml")),
            ("../base/app/servise.yml", Some("../base/app/service.yaml")),
            ("../bsae/app/", Some("../base/app")),
            ("../bsae/app/service.yaml", Some("../base/app/service.yaml")),
            ("./../bsae/", Some("./../base")),
            ("/site/bsae", Some("/site/base")),
            ("../base/app/settings.cnf", Some("../base/app/settings.conf")),
            // Nothing of the kind, or nothing that would do.
            ("../bsae/other", None),
            ("../base/app/kustomisation.yaml", None),
            ("../nowhere", None),
        ] {
            let found = did_you_mean(&host, &path::join("/site/prod", written), written);
            let absolute = path::is_absolute(written).then(|| did_you_mean(&host, written, written));
            let expected = meant.map(|meant| format!("did you mean '{meant}'?"));
            assert_eq!(absolute.unwrap_or(found), expected, "{written}");
        }
    }
}
