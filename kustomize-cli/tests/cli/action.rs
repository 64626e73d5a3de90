//! The action of GitHub Actions, which runs in the checkout of a pull request.

use std::fs;

#[test]
fn cargo_does_not_run_in_the_checkout() {
    let action = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../action.yml")).unwrap();
    let steps: Vec<&str> = action.split("\n    - ").collect();
    let of_cargo: Vec<&&str> = steps.iter().filter(|step| step.contains("run: cargo ")).collect();
    assert!(!of_cargo.is_empty(), "{action}");
    // rustup would run what rust-toolchain.toml of the checkout names.
    for step in of_cargo {
        assert!(step.contains("\n      working-directory: ${{ github.action_path }}\n"), "{step}");
    }
}
