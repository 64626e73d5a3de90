//! Lets the module be linked without libpython on macOS, where linkers have to be asked for that.

fn main() {
    pyo3_build_config::add_extension_module_link_args();
}
