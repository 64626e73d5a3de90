//! What a GitOps reconciler decides, as functions without I/O.
