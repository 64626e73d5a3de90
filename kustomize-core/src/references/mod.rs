//! Who names whom: name references and vars.
