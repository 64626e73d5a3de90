//! Overlays with files that are fetched over HTTP.

#![cfg(feature = "fetch")]
#![allow(clippy::unwrap_used)] // a test that unwraps in vain has failed

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;

use kustomize_insta::{BuildOptions, assert_overlay};

#[test]
fn remote_files_are_fetched_where_options_say_so() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(directory.path().join(name), text).unwrap();
    write("kustomization.yaml", &format!("resources: ['http://{address}/pod.yaml']\n"));
    write("kustomization.snap.yaml", "apiVersion: v1\nkind: Pod\nmetadata:\n  name: far\n");
    let answering = std::thread::spawn(move || {
        let (mut asked, _) = server.accept().unwrap();
        let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: far}\n";
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", pod.len());
        let _ = asked.read(&mut [0; 4096]).unwrap();
        asked.write_all(format!("{head}{pod}").as_bytes()).unwrap();
    });
    assert_overlay!(directory.path(), BuildOptions { enable_remote: true, ..BuildOptions::default() });
    answering.join().unwrap();
}
