//! Where an artifact stands in a storage, and its URL.

/// A path without `.`, `..` and empty names, which cannot lead above where it begins.
#[must_use]
pub fn path_below(path: &str) -> String {
    let mut names = Vec::new();
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." => {
                names.pop();
            }
            name => names.push(name),
        }
    }
    names.join("/")
}

/// The path of an artifact in a storage: `kind/namespace/name/file`.
#[must_use]
pub fn artifact_path(kind: &str, namespace: &str, name: &str, file: &str) -> String {
    path_below(&format!("{}/{namespace}/{name}/{file}", kind.to_lowercase()))
}

/// The URL of an artifact on a server, which is a host name or the beginning of a URL.
#[must_use]
pub fn artifact_url(server: &str, path: &str) -> String {
    let path = path.trim_start_matches('/');
    if server.starts_with("http://") || server.starts_with("https://") {
        format!("{server}/{path}")
    } else {
        format!("http://{server}/{path}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_below() {
        assert_eq!(path_below("/../a/./b/../../../c"), "c");
        assert_eq!(artifact_path("Bucket", "a", "b", "x.tar.gz"), "bucket/a/b/x.tar.gz");
        assert_eq!(artifact_url("https://files", "/x"), "https://files/x");
    }
}
