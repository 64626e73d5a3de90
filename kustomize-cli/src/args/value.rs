//! Values of flags that clap does not read as Go's flags do.

use std::path::Path;

use clap::builder::{OsStringValueParser, PossibleValue, PossibleValuesParser, TypedValueParser};
use kustomize_core::LoadRestrictor;
use kustomize_host::OsHost;

/// A path or URL as the library writes it.
pub(super) fn path() -> impl TypedValueParser<Value = String> {
    OsStringValueParser::new()
        .try_map(|given| OsHost::path(Path::new(&given)).ok_or("the path is not Unicode text"))
}

/// The two names of kustomize; an empty value means the default there, and here.
pub(super) fn load_restrictor() -> impl TypedValueParser<Value = LoadRestrictor> {
    PossibleValuesParser::new([
        PossibleValue::new("LoadRestrictionsRootOnly"),
        PossibleValue::new("LoadRestrictionsNone"),
        PossibleValue::new("").hide(true),
    ])
    .map(|name| if name == "LoadRestrictionsNone" { LoadRestrictor::None } else { LoadRestrictor::RootOnly })
}

/// A truth value as Go's flags spell it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bool;

impl TypedValueParser for Bool {
    type Value = bool;

    fn parse_ref(
        &self,
        command: &clap::Command,
        _argument: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<bool, clap::Error> {
        match value.to_str() {
            Some("1" | "t" | "T" | "true" | "TRUE" | "True") => Ok(true),
            Some("0" | "f" | "F" | "false" | "FALSE" | "False") => Ok(false),
            _ => Err(clap::Error::raw(
                clap::error::ErrorKind::InvalidValue,
                format!("'{}' is neither true nor false\n", value.display()),
            )
            .with_cmd(command)),
        }
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(["true", "false"].into_iter().map(PossibleValue::new)))
    }
}
