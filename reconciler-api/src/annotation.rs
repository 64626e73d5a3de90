//! Annotations, labels and finalizers that mean something to the reconciler.

/// The finalizer of all kinds that leave something behind.
pub const FINALIZER: &str = "finalizers.fluxcd.io";
/// Asks for a reconciliation now; its value is a token that status hands back.
pub const RECONCILE_REQUEST: &str = "reconcile.fluxcd.io/requestedAt";
/// Picks the controllers of a shard.
pub const SHARD_KEY: &str = "sharding.fluxcd.io/key";
/// The label of what belongs to a tenant. A namespace that has it is strict.
pub const TENANT: &str = "toolkit.fluxcd.io/tenant";
/// On any object: the strict namespaces whose objects may refer to it, separated by commas, or `*` for all. Flux has no
/// such annotation.
pub const ALLOWED_NAMESPACES: &str = "toolkit.fluxcd.io/allowed-namespaces";
/// What annotations that end up in events start with.
pub const EVENT_PREFIX: &str = "event.toolkit.fluxcd.io/";

/// The label that names the Kustomization an object belongs to.
pub const OWNER_NAME: &str = "kustomize.toolkit.fluxcd.io/name";
/// The label with the namespace of that Kustomization.
pub const OWNER_NAMESPACE: &str = "kustomize.toolkit.fluxcd.io/namespace";

/// How an object is applied: `Override`, `Merge`, `IfNotPresent` or `Ignore`.
pub const SSA: &str = "kustomize.toolkit.fluxcd.io/ssa";
/// On a Kustomization, `warn`: what others change in its objects is only reported. Flux has no such annotation.
pub const DRIFT_DETECTION: &str = "kustomize.toolkit.fluxcd.io/driftDetection";
/// On a Kustomization, `enabled`: the last healthy revision is applied again when a newer one fails its health checks.
/// Flux has no such annotation.
pub const ROLLBACK: &str = "kustomize.toolkit.fluxcd.io/rollback";
/// `enabled`: the object may be deleted and created again.
pub const FORCE: &str = "kustomize.toolkit.fluxcd.io/force";
/// `disabled`: the object is never deleted.
pub const PRUNE: &str = "kustomize.toolkit.fluxcd.io/prune";
/// `disabled`: the object is left alone.
pub const RECONCILE: &str = "kustomize.toolkit.fluxcd.io/reconcile";
/// `disabled`: variables in the object are left alone.
pub const SUBSTITUTE: &str = "kustomize.toolkit.fluxcd.io/substitute";
/// `disabled`: the object is not decrypted.
pub const DECRYPT: &str = "kustomize.toolkit.fluxcd.io/decrypt";

/// Asks an ImageUpdateAutomation for pull requests instead of pushes: `automation` for one with all updates,
/// `policy` for one for each policy.
pub const PULL_REQUEST: &str = "image.toolkit.fluxcd.io/pull-request";
/// The Provider of type github, gitlab or gitea with the login to the forge.
pub const PULL_REQUEST_PROVIDER: &str = "image.toolkit.fluxcd.io/pull-request-provider";
/// Labels of pull requests, separated by commas.
pub const PULL_REQUEST_LABELS: &str = "image.toolkit.fluxcd.io/pull-request-labels";
/// The title of pull requests, in place of one that names the images.
pub const PULL_REQUEST_TITLE: &str = "image.toolkit.fluxcd.io/pull-request-title";
/// The branch of pull requests, in place of one that names the automation.
pub const PULL_REQUEST_BRANCH: &str = "image.toolkit.fluxcd.io/pull-request-branch";

/// On a Kustomization: the directory or file of the source with the policies that are asked before anything is
/// applied. Flux has no such annotation.
pub const KUSTOMIZATION_POLICIES: &str = "kustomize.toolkit.fluxcd.io/policies";
/// The directory or file of the repository with the policies that an ImageUpdateAutomation asks before it commits.
pub const POLICIES: &str = "image.toolkit.fluxcd.io/policies";

/// The Secret with the public keys of which one has to have signed what an ImagePolicy picks.
pub const SIGNED_BY: &str = "image.toolkit.fluxcd.io/signed-by";
/// What the annotations of ImagePolicies and ImageUpdateAutomations start with that say what is wanted.
pub const IMAGE_PREFIX: &str = "image.toolkit.fluxcd.io/";

/// The value that switches something on.
pub const ENABLED: &str = "enabled";
/// The value that lets something be reported only.
pub const WARN: &str = "warn";
/// The value that switches something off.
pub const DISABLED: &str = "disabled";
