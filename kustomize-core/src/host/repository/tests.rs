use std::time::Duration;

use super::*;

/// What kustomize makes of a path, observed in its own tests and by asking it.
fn check(written: &str, clone_url: &str, path: &str, reference: &str) {
    let spec = RepositorySpec::parse(written).unwrap_or_else(|error| panic!("{written}: {error}"));
    assert_eq!(spec.clone_url(), clone_url, "URL of {written}");
    assert_eq!(spec.path, path, "path of {written}");
    assert_eq!(spec.query.reference, reference, "ref of {written}");
}

#[test]
fn hosts_are_told_from_paths() {
    for (host, wanted) in [
        ("gitHub.com/", "https://github.com/"),
        ("github.com:", "https://github.com/"),
        ("http://github.com/", "https://github.com/"),
        ("hTTps://github.com/", "https://github.com/"),
        ("https://fabrikops2.visualstudio.com/", "https://fabrikops2.visualstudio.com/"),
        ("ssh://git.example.com:7999/", "ssh://git.example.com:7999/"),
        ("git::https://gitlab.com/", "https://gitlab.com/"),
        ("git::http://git.example.com/", "http://git.example.com/"),
        ("git@github.com:", "git@github.com:"),
        ("git@github.com/", "git@github.com:"),
        ("git::git@github.com:", "git@github.com:"),
        ("org-12345@github.com/", "org-12345@github.com:"),
        ("ssh://github.com/", "github.com:"),
    ] {
        for path in ["", "README.md", "foo/krusty.txt"] {
            for reference in ["", "group/version", "v0.1.0"] {
                let slash = if path.is_empty() { "" } else { "/" };
                let query = if reference.is_empty() { "" } else { "?ref=" };
                let written = format!("{host}someOrg/someRepo{slash}{path}{query}{reference}");
                check(&written, &format!("{wanted}someOrg/someRepo"), path, reference);
            }
        }
    }
}

#[test]
fn markers_end_the_repository() {
    #[rustfmt::skip]
    let table = [
        ("git@gitlab2.sqtools.ru:infra/k/thanos-base.git?ref=v0.1.0", "git@gitlab2.sqtools.ru:infra/k/thanos-base.git", "", "v0.1.0"),
        ("git@bitbucket.org:company/project.git//path?ref=branch", "git@bitbucket.org:company/project.git", "path", "branch"),
        ("git@bitbucket.org/company/project.git//path", "git@bitbucket.org/company/project.git", "path", ""),
        ("https://h.com/collection/project/_git/repos", "https://h.com/collection/project/_git/repos", "", ""),
        ("https://h.com/collection/project/_git/repos/dir/a?version=v1.0.0", "https://h.com/collection/project/_git/repos", "dir/a", "v1.0.0"),
        ("https://u@dev.azure.com/org/project/_git/repo//path/to", "https://u@dev.azure.com/org/project/_git/repo", "path/to", ""),
        ("https://github.com/k/kustomize//examples/dev/?ref=v1.0.6", "https://github.com/k/kustomize", "examples/dev/", "v1.0.6"),
        ("https://example.org/path/to/repo//examples/dev", "https://example.org/path/to/repo", "examples/dev", ""),
        ("https://example.org/path/to/repo.git/examples/dev", "https://example.org/path/to/repo.git", "examples/dev", ""),
        ("file://a/b/c/someRepo.git/somepath?ref=someBranch", "file://a/b/c/someRepo.git", "somepath", "someBranch"),
        ("file:///a/b/c/someRepo?ref=someBranch", "file:///a/b/c/someRepo", "", "someBranch"),
        ("file:///", "file:///", "", ""),
        ("file://git@home/path/to/repository.git//path", "file://git@home/path/to/repository.git", "path", ""),
        ("http://git@home.com/path/to/repository.git//path", "http://git@home.com/path/to/repository.git", "path", ""),
        ("ssh://git@ssh.github.com:443/U-N/R-Y.git", "ssh://git@ssh.github.com:443/U-N/R-Y.git", "", ""),
        ("git@gitlab.com/user:name/R-Y.git/path", "git@gitlab.com/user:name/R-Y.git", "path", ""),
        ("git@gist.github.com:bc7947cb727d7f9217e7862d961a1ffd.git", "git@gist.github.com:bc7947cb727d7f9217e7862d961a1ffd.git", "", ""),
        ("https://authority/org/repo/?ref=includes_git/for_some_reason", "https://authority/org/repo", "", "includes_git/for_some_reason"),
        ("https://authority/org/repo/%-invalid-uri/url.Parse", "https://authority/org/repo", "%-invalid-uri/url.Parse", ""),
        // A quirk: `.git` counts wherever it stands.
        ("https://github.com/org/my.github.io/path", "https://github.com/org/my.git", "hub.io/path", ""),
    ];
    for (written, clone_url, path, reference) in table {
        check(written, clone_url, path, reference);
    }
}

#[test]
fn other_paths_name_no_repository() {
    use NoRepository::*;
    for (written, why) in [
        ("/tmp", Absolute),
        ("../../tmp", NoScheme),
        ("src/github.com/org/repo/path", NoScheme),
        ("iauhsdiuashduas", NoScheme),
        ("htxxxtp://github.com/", NoScheme),
        ("ssh://git.example.com", NoPath),
        ("https://", NoHost),
        ("git::___", NoScheme),
        ("https://host?ref=group/version/minor_version", NoPath),
        ("https://github.com/org/repo.git//path/../../exits/repo", LeavesRepository),
        ("github.com!org/repo.git//path", NoScheme),
        ("gh:org/repo", NoScheme),
        ("https://github.com/thisisa404.yaml", NoPath),
        ("file:////tmp//path/to/whatever", NoPath),
        ("git@scp://github.com/org/repo.git//path", NoPath),
        ("git@ssh://github.com/org/repo.git//path", NoPath),
        ("", NoScheme),
        ("deployment.yaml", NoScheme),
    ] {
        assert_eq!(RepositorySpec::parse(written), Err(why), "{written}");
    }
}

#[test]
fn queries_say_how_to_clone() {
    let standard = Duration::from_secs(27);
    for (query, reference, submodules, timeout) in [
        ("", "", true, standard),
        ("version=master&ref=v1.0.0", "v1.0.0", true, standard),
        ("version=master&submodules=&timeout=", "master", true, standard),
        ("version=master&submodules=maybe&timeout=jiffy", "master", true, standard),
        ("submodules=false&timeout=0s", "", false, standard),
        ("submodules=T&timeout=0", "", true, standard),
        ("timeout=61", "", true, Duration::from_secs(61)),
        ("timeout=1m1s", "", true, Duration::from_secs(61)),
        ("timeout=1.5h", "", true, Duration::from_secs(5400)),
        ("timeout=-1s", "", true, standard),
        ("ref=a%2Fb+c", "a/b c", true, standard),
        ("ref=a%zz&submodules=false", "", true, standard),
        ("ref=a;b", "", true, standard),
    ] {
        let wanted = query::Query { reference: reference.to_owned(), submodules, timeout };
        assert_eq!(query::Query::parse(query), wanted, "{query}");
    }
}

#[test]
fn origins_have_kustomize_s_placeholder() {
    let origin = |written: &str| RepositorySpec::parse(written).unwrap().origin_path();
    assert_eq!(origin("https://example.com/org/repo"), "notCloned");
    assert_eq!(origin("https://example.com/org/repo//a/./b/"), "a/b");
}

#[test]
fn urls_are_known_by_their_scheme() {
    assert!(is_url("HTTPS://example.com/a.yaml"));
    for path in ["http", "a/http://b", "ftp://a", "httpx://a"] {
        assert!(!is_url(path), "{path}");
    }
}
