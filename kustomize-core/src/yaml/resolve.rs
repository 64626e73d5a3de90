//! What type a plain scalar has.

/// Whether YAML 1.1 (go-yaml v2) would read this unquoted text as anything but a string.
#[must_use]
pub fn is_yaml11_non_string(text: &str) -> bool {
    matches!(text, "null" | "~" | "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n")
        || text.parse::<f64>().is_ok()
}
