//! Steps that are not there yet; each is refused.

use crate::context::Context;
use crate::error::{BuildError, ErrorKind};
use crate::generate::Generator;
use crate::resource::{Resource, ResourceSet};
use crate::transform::Transformer;

macro_rules! pending {
    ($($name:ident)*) => {$(
        pub(super) struct $name;
        impl $name {
            pub(super) fn make() -> Result<Self, BuildError> {
                Err(BuildError::new(ErrorKind::NotAllowed, concat!(stringify!($name), " is not there yet")))
            }
        }
        impl Transformer for $name {
            fn transform(&self, _: &mut ResourceSet, _: &Context<'_>) -> Result<(), BuildError> {
                Self::make().map(|_| ())
            }
        }
        impl Generator for $name {
            fn generate(&self, _: &Context<'_>) -> Result<Vec<Resource>, BuildError> {
                Self::make().map(|_| Vec::new())
            }
        }
    )*};
}

pending! {
    HashTransformer ConfigMapGenerator SecretGenerator
}
