//! Arithmetic on `/`-separated paths, with the meaning of Go's `path/filepath`.

/// The shortest path that names the same place without looking at any disk (Go's `Clean`).
#[must_use]
pub fn clean(path: &str) -> String {
    if is_clean_from_root(path) {
        return path.to_owned();
    }
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => match parts.last() {
                Some(&last) if last != ".." => {
                    parts.pop();
                }
                _ if rooted => {}
                _ => parts.push(".."),
            },
            _ => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

/// Whether a path starts at the root and has nothing to clean, like most.
fn is_clean_from_root(path: &str) -> bool {
    let Some(below) = path.strip_prefix('/') else { return false };
    below.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

/// Both paths joined and cleaned; an absolute second path is taken below the first, as in Go.
#[must_use]
pub fn join(base: &str, path: &str) -> String {
    match (base.is_empty(), path.is_empty()) {
        (true, true) => String::new(),
        (true, false) => clean(path),
        (false, true) => clean(base),
        (false, false) => clean(&format!("{base}/{path}")),
    }
}

/// Whether a path starts at the root.
#[must_use]
pub fn is_absolute(path: &str) -> bool {
    path.starts_with('/')
}

/// The directory that a cleaned path stands in.
#[must_use]
pub fn parent(path: &str) -> &str {
    match path.rfind('/') {
        Some(0) => "/",
        Some(at) => &path[..at],
        None => ".",
    }
}

/// A cleaned path and the directories above it, up to the root or `.`.
///
/// ```
/// use kustomize_core::host::path::ancestors;
///
/// assert_eq!(ancestors("/a/b").collect::<Vec<_>>(), ["/a/b", "/a", "/"]);
/// ```
pub fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| Some(parent(path)).filter(|parent| parent.len() < path.len()))
}

/// The last part of a path.
#[must_use]
pub fn base_name(path: &str) -> &str {
    let trimmed = path.trim_end_matches('/');
    if trimmed.is_empty() && !path.is_empty() {
        return "/";
    }
    trimmed.rsplit('/').next().unwrap_or(trimmed)
}

/// Whether `path` is `root` or below it; both absolute and cleaned.
#[must_use]
pub fn is_within(root: &str, path: &str) -> bool {
    root == "/" || path == root || path.strip_prefix(root).is_some_and(|rest| rest.starts_with('/'))
}

/// `path` as seen from `base` (Go's `Rel`); both absolute or both relative, and cleaned.
#[must_use]
pub fn relative(base: &str, path: &str) -> String {
    if let Some(below) = path.strip_prefix(base).and_then(|below| below.strip_prefix('/')) {
        return below.to_owned();
    }
    let split =
        |path| -> Vec<&str> { str::split(path, '/').filter(|part| !matches!(*part, "" | ".")).collect() };
    let (base, path) = (split(base), split(path));
    let common = base.iter().zip(&path).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n("..", base.len() - common);
    let parts: Vec<&str> = up.chain(path[common..].iter().copied()).collect();
    if parts.is_empty() { ".".to_owned() } else { parts.join("/") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cleans_like_go() {
        for (given, wanted) in [
            ("", "."),
            ("/", "/"),
            ("a//b/./c/..", "a/b"),
            ("../a", "../a"),
            ("/../a", "/a"),
            ("/a/b", "/a/b"),
            ("/a/b/", "/a/b"),
            ("/a/./b", "/a/b"),
            ("/a/b/..", "/a"),
            ("/.a/..b/c..", "/.a/..b/c.."),
            ("a/../..", ".."),
        ] {
            assert_eq!(clean(given), wanted, "{given}");
        }
    }

    #[test]
    fn within_needs_a_whole_part() {
        assert!(is_within("/a/b", "/a/b/c"));
        assert!(!is_within("/a/b", "/a/bc"));
        for (base, path, wanted) in [
            ("/a/b", "/a/c/d", "../c/d"),
            ("/a/b", "/a/bc", "../bc"),
            ("/a/b", "/a/b/c/d", "c/d"),
            ("/a/b", "/a/b", "."),
            ("/a/b", "/", "../.."),
            ("/", "/a/b", "a/b"),
            (".", "a", "a"),
        ] {
            assert_eq!(relative(base, path), wanted, "{path} from {base}");
        }
    }
}
