//! A GitOps reconciler with Flux's kinds.
