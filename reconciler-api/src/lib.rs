//! Flux's kinds as Rust types, and the custom resource definitions made from them.
//!
//! One file holds one kind. What several kinds share (conditions, artifacts, references,
//! durations) has a file of its own. The types follow Flux's schema field by field, so an object
//! written for Flux can be read, changed and written back without a loss.

#![deny(missing_docs)]
#![forbid(unsafe_code)]

pub mod alert;
pub mod annotation;
pub mod artifact;
pub mod bucket;
pub mod condition;
mod crd;
pub mod delivery;
mod duration;
pub mod external_artifact;
pub mod git_repository;
pub mod image_policy;
pub mod image_repository;
pub mod image_update_automation;
pub mod kustomization;
pub mod oci_repository;
pub mod provider;
pub mod reason;
pub mod receiver;
pub mod reference;
mod time;

pub use alert::{Alert, AlertSpec};
pub use artifact::Artifact;
pub use bucket::{Bucket, BucketSpec, BucketStatus};
pub use condition::{Condition, ConditionStatus, HasConditions};
pub use crd::crds;
pub use delivery::{Delivery, DeliveryStatus};
pub use duration::{Duration, ParseDurationError};
pub use external_artifact::{ExternalArtifact, ExternalArtifactSpec, ExternalArtifactStatus};
pub use git_repository::{GitRepository, GitRepositorySpec, GitRepositoryStatus};
pub use image_policy::{ImagePolicy, ImagePolicySpec, ImagePolicyStatus};
pub use image_repository::{ImageRepository, ImageRepositorySpec, ImageRepositoryStatus};
pub use image_update_automation::{
    ImageUpdateAutomation, ImageUpdateAutomationSpec, ImageUpdateAutomationStatus,
};
pub use kustomization::{Kustomization, KustomizationSpec, KustomizationStatus};
pub use oci_repository::{OCIRepository, OCIRepositorySpec, OCIRepositoryStatus};
pub use provider::{Provider, ProviderSpec};
pub use receiver::{Receiver, ReceiverSpec, ReceiverStatus};
pub use reference::{LocalReference, SecretKeyReference, SourceReference};
pub use time::Time;
