//! Which controllers run.

use std::str::FromStr;

/// Which controllers run: all, unless some are named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection(Vec<&'static str>);

/// The controllers that there are.
const KNOWN: [&str; 5] = [SOURCE, KUSTOMIZE, NOTIFICATION, REFLECTOR, AUTOMATION];
pub(super) const SOURCE: &str = "source-controller";
pub(super) const KUSTOMIZE: &str = "kustomize-controller";
pub(super) const NOTIFICATION: &str = "notification-controller";
pub(super) const REFLECTOR: &str = "image-reflector-controller";
pub(super) const AUTOMATION: &str = "image-automation-controller";

impl Default for Selection {
    fn default() -> Self {
        Selection(KNOWN.to_vec())
    }
}

impl Selection {
    /// Whether a controller runs.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains(&name)
    }
}

/// Controllers that cannot be picked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectionError {
    /// There is no such controller.
    #[error("there is no controller {0:?}, only {known}", known = KNOWN.join(", "))]
    Unknown(String),
    /// What is fetched is not handed over between processes.
    #[error("{0} reads sources in this process: source-controller has to run too")]
    NoSources(&'static str),
}

impl FromStr for Selection {
    type Err = SelectionError;

    /// Reads names divided by commas.
    fn from_str(text: &str) -> Result<Self, SelectionError> {
        let find = |name: &str| {
            let found = KNOWN.into_iter().find(|known| *known == name);
            found.ok_or_else(|| SelectionError::Unknown(name.to_owned()))
        };
        let names = text.split(',').map(str::trim).map(find).collect::<Result<Vec<_>, _>>()?;
        let selection = Selection(names);
        let reader = [KUSTOMIZE, AUTOMATION].into_iter().find(|reader| selection.has(reader));
        match reader {
            Some(reader) if !selection.has(SOURCE) => Err(SelectionError::NoSources(reader)),
            _ => Ok(selection),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known() {
        assert_eq!(KNOWN.join(", ").parse(), Ok(Selection::default()));
        assert_eq!("x".parse::<Selection>(), Err(SelectionError::Unknown("x".to_owned())));
        assert_eq!("kustomize-controller".parse::<Selection>(), Err(SelectionError::NoSources(KUSTOMIZE)));
    }
}
