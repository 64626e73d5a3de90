use super::*;
use crate::host::{Host, MemoryHost};
use crate::options::BuildOptions;

/// Runs a check with a loader at `target` of a tree in memory.
fn at(target: &str, files: &[&str], check: impl FnOnce(&Loader<'_>)) {
    let host: MemoryHost = files.iter().map(|path| (*path, *path)).collect();
    let options = BuildOptions::default();
    let store = crate::store::Store::for_one_build();
    let recorder = crate::store::Recorder::new(&host, &store);
    let cx = BuildContext::new(&recorder, &options, crate::parallel::Threads::for_one_build());
    check(&Loader::new_root(&cx, target, "/site").unwrap());
}

fn host_kind(error: &BuildError) -> HostError {
    match error.kind() {
        ErrorKind::Host(error) => error.clone(),
        other => panic!("{other:?}: {error}"),
    }
}

#[test]
fn files_at_or_below_the_root_load() {
    at("app", &["/site/app/a.yaml", "/site/app/sub/b", "/site/appendix/c"], |loader| {
        for path in ["a.yaml", "./a.yaml", "a.yaml/", "sub/../a.yaml", "/site/app/a.yaml"] {
            assert_eq!(loader.bytes(path).unwrap(), b"/site/app/a.yaml", "{path}");
        }
        let (file, text) = loader.text("sub/b").unwrap();
        assert_eq!(&*text, "/site/app/sub/b");
        assert_eq!(loader.context().sources.get(file).unwrap().name, "app/sub/b");
        assert_eq!(host_kind(&loader.bytes("sub").unwrap_err()), HostError::IsDirectory);
        assert_eq!(host_kind(&loader.bytes("").unwrap_err()), HostError::IsDirectory);
        assert_eq!(*loader.bytes("../appendix/c").unwrap_err().kind(), ErrorKind::Restriction);
        let error = loader.bytes("a.yml").unwrap_err();
        assert_eq!(host_kind(&error), HostError::NotFound);
        assert_eq!(error.help(), Some("did you mean 'a.yaml'?"));
    });
}

#[test]
fn bases_are_directories_elsewhere() {
    let files = ["/site/app/x", "/site/app/sub/deep/x", "/site/base/x", "/site/app-base/x"];
    at("app/sub", &files, |loader| {
        assert_eq!(loader.child("../../base/").unwrap().root(), "/site/base");
        assert_eq!(loader.child("deep").unwrap().display_root(), "app/sub/deep");
        assert_eq!(host_kind(&loader.child("../none").err().unwrap()), HostError::NotFound);
        assert_eq!(host_kind(&loader.child("deep/x").err().unwrap()), HostError::NotDirectory);
        for path in ["", "/site/base", ".", "..", "../../", "deep/.."] {
            let error = loader.child(path).err().unwrap();
            assert_eq!(*error.kind(), ErrorKind::Restriction, "{path}: {error}");
        }
        let base = loader.child("../../base").unwrap();
        let error = base.child("../app/sub").err().unwrap();
        assert!(error.to_string().ends_with("app/sub → base → app/sub"), "{error}");
        assert!(base.child("../app-base").is_ok());
        assert!(base.child("../app").is_err());
    });
}

#[test]
fn exactly_one_kustomization_file() {
    let files = ["/site/kustomization.yml", "/site/two/Kustomization", "/site/two/kustomization.yaml"];
    at(".", &files, |loader| {
        let found = loader.find_kustomization().unwrap();
        assert_eq!((found.name, &*found.text), ("kustomization.yml", "/site/kustomization.yml"));
        let error = loader.child("two").unwrap().find_kustomization().unwrap_err();
        assert!(error.to_string().contains("kustomization.yaml and Kustomization"), "{error}");
    });
    for (files, help) in [
        (["/site/kustomisation.yaml", "/site/x"], "rename kustomisation.yaml to kustomization.yaml"),
        (["/site/base/kustomization.yaml", "/site/x"], "these directories in it have one: base"),
        (["/site/b", "/site/a"], "there is no YAML in it: is it the right directory?"),
        (["/site/b.yaml", "/site/README"], "write one that lists its `resources`: b.yaml"),
    ] {
        at("/site", &files, |loader| {
            let error = loader.find_kustomization().unwrap_err();
            assert_eq!(*error.kind(), ErrorKind::Kustomization);
            assert_eq!(error.help(), Some(help));
        });
    }
}

#[test]
fn nothing_remote_unless_allowed() {
    at("app", &["/site/app/x"], |loader| {
        for path in ["https://example.com/a.yaml", "HTTP://example.com/a"] {
            assert_eq!(*loader.bytes(path).unwrap_err().kind(), ErrorKind::NotAllowed, "{path}");
        }
        for path in ["https://example.com/org/repo", "github.com/org/repo", "git@example.com:org/repo"] {
            assert_eq!(*loader.child(path).err().unwrap().kind(), ErrorKind::NotAllowed, "{path}");
        }
    });
}

#[test]
fn one_error_for_what_is_neither_file_nor_base() {
    at("app", &["/site/app/x", "/site/secret", "/site/app/dir/y"], |loader| {
        let error =
            |path: &str| neither(path, loader.text(path).unwrap_err(), loader.child(path).err().unwrap());
        assert_eq!(error("z").to_string(), "there is no file or directory 'z'");
        assert!(error("../secret").to_string().contains("is not in or below"));
        assert!(error("..").to_string().contains("holds the directory"));
        assert!(error("/site/secret").to_string().contains("is not in or below"));
        assert_eq!(
            error("me@org/repo/x").help(),
            Some("a directory of this name would be written './me@org/repo/x'")
        );
    });
}

#[test]
fn texts_are_utf8_or_marked_utf16() {
    let host = MemoryHost::from_iter([
        ("/a", b"\xff\xfea\0:\0".to_vec()),
        ("/b", b"\xfe\xff\0a\0:".to_vec()),
        ("/c", b"a: \xff".to_vec()),
    ]);
    let options = BuildOptions::default();
    let store = crate::store::Store::for_one_build();
    let recorder = crate::store::Recorder::new(&host, &store);
    let cx = BuildContext::new(&recorder, &options, crate::parallel::Threads::for_one_build());
    let loader = Loader::new_root(&cx, "/", "/").unwrap();
    for path in ["a", "b"] {
        assert_eq!(&*loader.text(path).unwrap().1, "a:");
    }
    assert_eq!(*loader.text("c").unwrap_err().kind(), ErrorKind::Syntax);
}

#[cfg(unix)]
#[test]
fn links_are_resolved_before_the_root_is_checked() {
    use std::os::unix::fs::symlink;
    let host = crate::host::TestHost;
    let scratch = Scratch::new(&host).unwrap();
    let top = scratch.path();
    for path in ["app/real.yaml", "outside/secret.yaml", "outside/kustomization.yaml"] {
        host.write_scratch(&format!("{top}/{path}"), b"a: b").unwrap();
    }
    symlink("real.yaml", format!("{top}/app/inside.yaml")).unwrap();
    symlink("../outside/secret.yaml", format!("{top}/app/leak.yaml")).unwrap();
    symlink("../outside", format!("{top}/app/dir")).unwrap();
    symlink("nowhere", format!("{top}/app/dangling")).unwrap();
    symlink("loop", format!("{top}/app/loop")).unwrap();
    symlink("app", format!("{top}/alias")).unwrap();
    let options = BuildOptions::default();
    let store = crate::store::Store::for_one_build();
    let recorder = crate::store::Recorder::new(&host, &store);
    let cx = BuildContext::new(&recorder, &options, crate::parallel::Threads::for_one_build());
    let loader = Loader::new_root(&cx, "alias", top).unwrap();
    assert_eq!(loader.root(), format!("{top}/app"));
    assert!(loader.bytes("inside.yaml").is_ok());
    for path in ["leak.yaml", "dir/secret.yaml"] {
        let error = loader.bytes(path).unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Restriction, "{path}: {error}");
        assert!(error.to_string().contains("it resolves to outside/secret.yaml"), "{error}");
    }
    assert_eq!(host_kind(&loader.bytes("dangling").unwrap_err()), HostError::NotFound);
    assert!(loader.bytes("loop").is_err());
    // A base behind a link is where the link leads.
    assert_eq!(loader.child("dir").unwrap().root(), format!("{top}/outside"));
    assert!(loader.child("../alias").is_err());

    let options = BuildOptions { load_restrictor: LoadRestrictor::None, ..options.clone() };
    let store = crate::store::Store::for_one_build();
    let recorder = crate::store::Recorder::new(&host, &store);
    let cx = BuildContext::new(&recorder, &options, crate::parallel::Threads::for_one_build());
    let loader = Loader::new_root(&cx, "app", top).unwrap();
    assert!(loader.bytes("leak.yaml").is_ok());
    assert!(loader.bytes("../outside/secret.yaml").is_ok());
}
