//! Who names whom: name references and vars.

mod candidates;
mod field_trie;
mod name_reference;
mod referral;
mod referrer_fields;
mod role_binding;

pub(crate) use name_reference::fix_names;
