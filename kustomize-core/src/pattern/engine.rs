//! What matches. In WebAssembly, which is downloaded, it is an engine a tenth the size, without the
//! tables of Unicode: `\p{…}`, and ignoring the case of letters beyond ASCII, are refused there.

#[cfg(not(target_family = "wasm"))]
pub(super) use full::Engine;
#[cfg(target_family = "wasm")]
pub(super) use lite::Engine;

/// How deep groups may be nested in Go.
const NESTING: u32 = 1000;

#[cfg(not(target_family = "wasm"))]
pub(super) mod full {
    use regex::{Regex, RegexBuilder};

    #[derive(Clone, Debug)]
    pub(crate) struct Engine(Regex);

    impl Engine {
        pub(crate) fn new(pattern: &str) -> Result<Self, String> {
            RegexBuilder::new(pattern).nest_limit(super::NESTING).build().map(Engine).map_err(|error| {
                let text = error.to_string();
                let reason = text.lines().last().unwrap_or_default();
                reason.trim_start_matches("error: ").to_owned()
            })
        }

        pub(crate) fn is_match(&self, text: &str) -> bool {
            self.0.is_match(text)
        }
    }
}

#[cfg(any(test, target_family = "wasm"))]
pub(super) mod lite {
    use regex_lite::{Regex, RegexBuilder};

    #[derive(Clone, Debug)]
    pub(crate) struct Engine(Regex);

    impl Engine {
        pub(crate) fn new(pattern: &str) -> Result<Self, String> {
            if ignores_case(pattern) && !pattern.is_ascii() {
                return Err("ignoring the case of letters beyond ASCII is not possible here".to_owned());
            }
            RegexBuilder::new(pattern)
                .nest_limit(super::NESTING)
                .build()
                .map(Engine)
                .map_err(|error| error.to_string())
        }

        pub(crate) fn is_match(&self, text: &str) -> bool {
            self.0.is_match(text)
        }
    }

    /// Whether some group says `(?i`, among other flags or alone.
    fn ignores_case(pattern: &str) -> bool {
        pattern
            .split("(?")
            .skip(1)
            .any(|group| group.chars().take_while(|flag| flag.is_alphabetic()).any(|flag| flag == 'i'))
    }
}
