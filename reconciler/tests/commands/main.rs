//! Commands on an embedded cluster that listens on a loopback port, or on the one that `KUBECONFIG` names, with
//! controllers in a process of their own.

mod artifacts;
mod bootstrap;
mod connection;
mod diff;
#[cfg(unix)]
mod forge;
mod install;
mod migrate;
#[path = "../../../flux-cases/src/registry.rs"]
mod registry;
#[cfg(unix)]
#[path = "../remotes/server.rs"]
#[expect(dead_code, reason = "the tests of remotes use the rest")]
mod server;
mod signing;
#[cfg(unix)]
#[path = "../remotes/ssh_server.rs"]
#[expect(dead_code, reason = "the tests of remotes use the rest")]
mod ssh_server;
mod stage;
mod trigger;
mod uninstall;
#[cfg(unix)]
#[path = "../remotes/world.rs"]
#[expect(dead_code, reason = "the tests of remotes use the rest")]
mod world;
