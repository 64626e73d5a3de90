//! Reasons in conditions and events, by the kinds that use them.

/// Everything is as it should be.
pub const SUCCEEDED: &str = "Succeeded";
/// Something went wrong that has no reason of its own.
pub const FAILURE: &str = "Failure";
/// Work is under way.
pub const PROGRESSING: &str = "Progressing";
/// Work failed and is tried again.
pub const PROGRESSING_WITH_RETRY: &str = "ProgressingWithRetry";
/// Something that this object needs is not ready.
pub const DEPENDENCY_NOT_READY: &str = "DependencyNotReady";
/// A reference across namespaces or an account is not allowed.
pub const ACCESS_DENIED: &str = "AccessDenied";
/// The object is suspended.
pub const SUSPENDED: &str = "Suspended";
/// The object cannot be read as its kind, or has a field that is not supported.
pub const INVALID_SPEC: &str = "InvalidSpec";

/// Sources: there is a new artifact. Only in events.
pub const NEW_ARTIFACT: &str = "NewArtifact";
/// Sources: the artifact is the one that is wanted.
pub const ARTIFACT_UP_TO_DATE: &str = "ArtifactUpToDate";
/// Sources: there is a newer revision.
pub const NEW_REVISION: &str = "NewRevision";
/// GitRepository, ImageUpdateAutomation: git failed.
pub const GIT_OPERATION_FAILED: &str = "GitOperationFailed";
/// OCIRepository: the layer is missing, or its content cannot be used.
pub const OCI_LAYER_OPERATION_FAILED: &str = "OCIArtifactLayerOperationFailed";
/// Sources: the files could not be stored.
pub const ARCHIVE_OPERATION_FAILED: &str = "ArchiveOperationFailed";
/// OCIRepository: the artifact could not be pulled.
pub const OCI_ARTIFACT_PULL_FAILED: &str = "OCIArtifactPullFailed";
/// Bucket: the store failed.
pub const BUCKET_OPERATION_FAILED: &str = "BucketOperationFailed";
/// Sources, ImageRepository: the credentials are missing or refused.
pub const AUTHENTICATION_FAILED: &str = "AuthenticationFailed";
/// Sources: a signature is missing or wrong.
pub const VERIFICATION_ERROR: &str = "VerificationError";
/// Sources: the provider of credentials cannot be used as the spec has it.
pub const INVALID_PROVIDER_CONFIGURATION: &str = "InvalidProviderConfiguration";
/// Sources: the URL cannot be used.
pub const URL_INVALID: &str = "URLInvalid";

/// Kustomization: everything is applied and healthy.
pub const RECONCILIATION_SUCCEEDED: &str = "ReconciliationSucceeded";
/// Kustomization: applying failed.
pub const RECONCILIATION_FAILED: &str = "ReconciliationFailed";
/// Kustomization: rendering failed.
pub const BUILD_FAILED: &str = "BuildFailed";
/// Kustomization: the source or the path in it cannot be had.
pub const ARTIFACT_FAILED: &str = "ArtifactFailed";
/// Kustomization: others have changed objects, which is only reported. Events have it, conditions do not.
pub const DRIFT_DETECTED: &str = "DriftDetected";
/// Kustomization: fields of the kustomization file do not exist and are ignored. Events have it, conditions
/// do not.
pub const UNKNOWN_FIELD: &str = "UnknownField";
/// Kustomization: something did not become healthy.
pub const HEALTH_CHECK_FAILED: &str = "HealthCheckFailed";
/// Kustomization: a revision failed its health checks, and the one before it was applied again.
pub const ROLLED_BACK: &str = "RolledBack";
/// Kustomization: a revision failed its health checks, and the one before it could not be applied again.
pub const ROLLBACK_FAILED: &str = "RollbackFailed";
/// Kustomization: waiting was given up for a newer revision.
pub const HEALTH_CHECK_CANCELED: &str = "HealthCheckCanceled";
/// Kustomization: something could not be deleted.
pub const PRUNE_FAILED: &str = "PruneFailed";
/// Kustomization: an expression cannot be compiled.
pub const INVALID_CEL_EXPRESSION: &str = "InvalidCELExpression";

/// ImagePolicy: the policy cannot be used.
pub const INVALID_POLICY: &str = "InvalidPolicy";
/// ImageRepository: the image's name cannot be used.
pub const IMAGE_URL_INVALID: &str = "ImageURLInvalid";
/// ImageRepository, OCIRepository: the registry could not be read.
pub const READ_OPERATION_FAILED: &str = "ReadOperationFailed";
/// ImagePolicy: an interval is needed and missing.
pub const INTERVAL_NOT_CONFIGURED: &str = "IntervalNotConfigured";

/// ImageUpdateAutomation: writing the update failed.
pub const UPDATE_FAILED: &str = "UpdateFailed";
/// ImageUpdateAutomation: the selector cannot be used.
pub const INVALID_POLICY_SELECTOR: &str = "InvalidPolicySelector";
/// ImageUpdateAutomation: there is no such strategy.
pub const INVALID_UPDATE_STRATEGY: &str = "InvalidUpdateStrategy";
/// ImageUpdateAutomation: the source cannot be used.
pub const INVALID_SOURCE_CONFIGURATION: &str = "InvalidSourceConfiguration";
/// ImageUpdateAutomation: the source could not be prepared.
pub const SOURCE_MANAGER_FAILED: &str = "SourceManagerFailed";
/// ImageUpdateAutomation: a pull request could not be opened, changed or closed.
pub const PULL_REQUEST_FAILED: &str = "PullRequestFailed";
/// ImageUpdateAutomation: policies refuse an update.
pub const UPDATE_REFUSED: &str = "UpdateRefused";
/// ImageUpdateAutomation: the commit template uses a field that is gone.
pub const REMOVED_TEMPLATE_FIELD: &str = "RemovedTemplateField";

/// Alert: a regular expression cannot be compiled.
pub const INVALID_CONFIG: &str = "InvalidConfig";

/// Receiver: the token is missing.
pub const TOKEN_NOT_FOUND: &str = "TokenNotFound";
/// Receiver: the configuration cannot be used.
pub const VALIDATION_FAILED: &str = "ValidationFailed";
