//! Strategic merge and JSON patches, on nodes.
