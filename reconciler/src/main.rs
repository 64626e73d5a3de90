//! A GitOps reconciler with Flux's kinds.

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
