//! Repositories on servers that want to know who asks: over http, https and ssh, and through a proxy.

#[cfg(unix)]
#[path = "../sources/certificates.rs"]
mod certificates;
#[cfg(unix)]
mod github;
#[cfg(unix)]
mod http;
#[cfg(unix)]
mod proxy;
#[cfg(unix)]
mod server;
#[cfg(unix)]
mod ssh;
#[cfg(unix)]
mod ssh_server;
#[cfg(unix)]
mod submodules;

#[cfg(unix)]
#[path = "../walkthrough/stage.rs"]
#[expect(dead_code, reason = "the walk-through uses the rest")]
mod stage;
#[cfg(unix)]
mod world;
