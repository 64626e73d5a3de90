//! Who names whom: name references and vars.

mod candidates;
mod name_reference;
mod names;
mod referents;
mod referral;
mod referrer_fields;
mod resolve_vars;
mod role_binding;
#[cfg(test)]
mod tests;
mod var_expansion;
mod var_value;
mod vars;

pub(crate) use name_reference::fix_names;
pub(crate) use names::Names;
pub(crate) use resolve_vars::resolve_vars;
pub(crate) use vars::{VarSet, bind_vars};
