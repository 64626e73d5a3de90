use std::time::{Duration, Instant};

use super::*;

#[test]
fn scratch_is_private_and_confined() {
    let host = OsHost::new();
    let directory = host.scratch_directory().unwrap();
    host.write_scratch(&format!("{directory}/a/b"), b"text").unwrap();
    assert_eq!(host.read(&format!("{directory}/a/b")).unwrap(), b"text");
    assert!(host.write_scratch(&format!("{directory}/../escaped"), b"").is_err());
    host.remove_scratch("/");
    host.remove_scratch(&directory);
    assert_eq!(host.kind(&directory), Err(HostError::NotFound));
}

#[test]
fn large_files_and_devices_are_not_read() {
    let host = OsHost::new().max_file_size(3);
    let scratch = host.scratch_directory().unwrap();
    let path = format!("{scratch}/file");
    host.write_scratch(&path, b"four").unwrap();
    assert_eq!(host.read(&path), Err(HostError::TooLarge { limit: 3 }));
    #[cfg(unix)]
    {
        let socket = format!("{scratch}/socket");
        let _listens = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for path in ["/dev/zero", &socket] {
            assert_eq!(host.read(path), Err(HostError::NotRegular), "{path}");
        }
    }
    assert_eq!(host.read(&scratch), Err(HostError::IsDirectory));
}

#[cfg(target_os = "linux")]
#[test]
fn files_that_do_not_know_their_size_are_read() {
    let command = OsHost::new().read("/proc/self/cmdline").unwrap();
    assert!(!command.is_empty());
    assert_eq!(
        OsHost::new().max_file_size(1).read("/proc/self/cmdline"),
        Err(HostError::TooLarge { limit: 1 })
    );
}

#[test]
fn does_only_what_it_was_told_it_may() {
    let host = OsHost::new();
    assert!(matches!(host.run(&Command::new("true", "/")), Err(HostError::Refused { .. })));
    let repository = Repository::new("https://example.com/a/b");
    assert!(matches!(host.clone_repository(&repository), Err(HostError::Refused { .. })));
    assert!(matches!(host.fetch("https://example.com"), Err(HostError::Refused { .. })));
}

#[cfg(unix)]
#[test]
fn runs_programs_with_input_and_a_limit() {
    let host = OsHost::new().allow_programs();
    let mut command = Command::new("sh", "/");
    command.arguments = vec!["-c".into(), "cat; echo $NAME; echo oh >&2; exit 3".into()];
    command.environment = vec![("NAME".into(), "value".into())];
    // More than a pipe holds: reading and writing must go on at the same time.
    command.input = vec![b'x'; 1 << 20];
    let output = host.run(&command).unwrap();
    assert_eq!(output.status, Some(3));
    assert!(output.stdout.ends_with(b"xvalue\n"));
    assert_eq!(output.last_words(), "oh");

    let mut sleeping = Command::new("sleep", "/");
    sleeping.arguments = vec!["10".into()];
    let started = Instant::now();
    let limit = Duration::from_millis(50);
    let ended = process::run_within(&sleeping, Some(limit), &[]);
    assert_eq!(ended.unwrap_err(), HostError::TimedOut { limit });
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn git_gets_no_options_from_outside() {
    let host = OsHost::new().allow_git();
    for (url, reference) in [("--upload-pack=x", ""), ("file:///nowhere", "--upload-pack=x")] {
        let mut repository = Repository::new(url);
        repository.reference = reference.to_owned();
        let error = host.clone_repository(&repository).unwrap_err();
        assert!(error.to_string().contains("starts with '-'"), "{error}");
    }
}

#[test]
fn a_file_that_is_being_written_is_not_read_in_between() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let host = OsHost::new();
    let scratch = host.scratch_directory().unwrap();
    let path = format!("{scratch}/file");
    let texts = [vec![b'a'; 3000], vec![b'b'; 2000]];
    host.write_scratch(&path, &texts[0]).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for text in texts.iter().cycle() {
                if done.load(Ordering::Relaxed) {
                    break;
                }
                // As an editor does it, with a moment in between.
                std::fs::write(&path, "").unwrap();
                std::thread::sleep(Duration::from_micros(200));
                std::fs::write(&path, text).unwrap();
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        let all_whole = (0..300).all(|_| texts.contains(&host.read(&path).unwrap()));
        done.store(true, Ordering::Relaxed);
        assert!(all_whole);
    });
}

#[test]
fn empty_files_are_read() {
    let host = OsHost::new();
    let scratch = host.scratch_directory().unwrap();
    let path = format!("{scratch}/file");
    host.write_scratch(&path, b"").unwrap();
    assert_eq!(host.read(&path), Ok(Vec::new()));
}
