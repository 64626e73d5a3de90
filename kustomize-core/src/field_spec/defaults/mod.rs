//! kustomize's default field specs, as data (its `builtinpluginconsts`).
//!
//! They stand in the order that kustomize keeps them in after sorting, quirks and duplicates
//! included; `find` makes nothing, `create` makes what is missing.

mod name_references;
mod var_references;

use super::{FieldPath, FieldSpec, Table, TransformerConfig};
use crate::yaml::{Pos, Str};

/// All of them. `labels` has none of its own.
pub(super) const CONFIG: TransformerConfig = TransformerConfig {
    name_prefix: Table::fixed(&NAME_PREFIX),
    name_suffix: Table::fixed(&NAME_SUFFIX),
    namespace: Table::fixed(&NAMESPACE),
    common_labels: Table::fixed(&COMMON_LABELS),
    labels: Table::fixed(&[]),
    template_labels: Table::fixed(&TEMPLATE_LABELS),
    common_annotations: Table::fixed(&COMMON_ANNOTATIONS),
    name_reference: Table::fixed(&name_references::NAME_REFERENCE),
    var_reference: Table::fixed(&var_references::VAR_REFERENCE),
    images: Table::fixed(&IMAGES),
    replicas: Table::fixed(&REPLICAS),
};

const fn find(
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    path: &'static str,
) -> FieldSpec {
    FieldSpec {
        group: Str::new_static(group),
        version: Str::new_static(version),
        kind: Str::new_static(kind),
        path: FieldPath::new_static(path),
        create: false,
        pos: Pos::NONE,
    }
}

const fn create(
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    path: &'static str,
) -> FieldSpec {
    FieldSpec {
        group: Str::new_static(group),
        version: Str::new_static(version),
        kind: Str::new_static(kind),
        path: FieldPath::new_static(path),
        create: true,
        pos: Pos::NONE,
    }
}

static NAME_PREFIX: [FieldSpec; 1] = [find("", "", "", "metadata/name")];

static NAME_SUFFIX: [FieldSpec; 1] = [find("", "", "", "metadata/name")];

static NAMESPACE: [FieldSpec; 3] = [
    create("", "", "Namespace", "metadata/name"),
    find(
        "apiextensions.k8s.io",
        "",
        "CustomResourceDefinition",
        "spec/conversion/webhook/clientConfig/service/namespace",
    ),
    create("apiregistration.k8s.io", "", "APIService", "spec/service/namespace"),
];

static COMMON_LABELS: [FieldSpec; 32] = [
    create("", "v1", "Service", "spec/selector"),
    find(
        "apps",
        "",
        "Deployment",
        "spec/template/spec/affinity/podAffinity/preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm/labelSelector/matchLabels",
    ),
    find(
        "apps",
        "",
        "Deployment",
        "spec/template/spec/affinity/podAffinity/requiredDuringSchedulingIgnoredDuringExecution/labelSelector/matchLabels",
    ),
    find(
        "apps",
        "",
        "Deployment",
        "spec/template/spec/affinity/podAntiAffinity/preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm/labelSelector/matchLabels",
    ),
    find(
        "apps",
        "",
        "Deployment",
        "spec/template/spec/affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution/labelSelector/matchLabels",
    ),
    find("apps", "", "Deployment", "spec/template/spec/topologySpreadConstraints/labelSelector/matchLabels"),
    create("", "", "Deployment", "spec/template/metadata/labels"),
    create("", "", "Deployment", "spec/selector/matchLabels"),
    create("apps", "", "StatefulSet", "spec/selector/matchLabels"),
    create("apps", "", "StatefulSet", "spec/volumeClaimTemplates[]/metadata/labels"),
    find(
        "apps",
        "",
        "StatefulSet",
        "spec/template/spec/affinity/podAffinity/preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm/labelSelector/matchLabels",
    ),
    find(
        "apps",
        "",
        "StatefulSet",
        "spec/template/spec/affinity/podAffinity/requiredDuringSchedulingIgnoredDuringExecution/labelSelector/matchLabels",
    ),
    find(
        "apps",
        "",
        "StatefulSet",
        "spec/template/spec/affinity/podAntiAffinity/preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm/labelSelector/matchLabels",
    ),
    find(
        "apps",
        "",
        "StatefulSet",
        "spec/template/spec/affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution/labelSelector/matchLabels",
    ),
    find("apps", "", "StatefulSet", "spec/template/spec/topologySpreadConstraints/labelSelector/matchLabels"),
    create("apps", "", "StatefulSet", "spec/template/metadata/labels"),
    create("batch", "", "CronJob", "spec/jobTemplate/metadata/labels"),
    create("batch", "", "CronJob", "spec/jobTemplate/spec/template/metadata/labels"),
    find("batch", "", "CronJob", "spec/jobTemplate/spec/selector/matchLabels"),
    find("policy", "", "PodDisruptionBudget", "spec/selector/matchLabels"),
    find("batch", "", "Job", "spec/selector/matchLabels"),
    create("batch", "", "Job", "spec/template/metadata/labels"),
    find("networking.k8s.io", "", "NetworkPolicy", "spec/egress/to/podSelector/matchLabels"),
    find("networking.k8s.io", "", "NetworkPolicy", "spec/ingress/from/podSelector/matchLabels"),
    find("networking.k8s.io", "", "NetworkPolicy", "spec/podSelector/matchLabels"),
    create("", "v1", "ReplicationController", "spec/template/metadata/labels"),
    create("", "v1", "ReplicationController", "spec/selector"),
    create("", "", "DaemonSet", "spec/template/metadata/labels"),
    create("", "", "DaemonSet", "spec/selector/matchLabels"),
    create("", "", "ReplicaSet", "spec/template/metadata/labels"),
    create("", "", "ReplicaSet", "spec/selector/matchLabels"),
    create("", "", "", "metadata/labels"),
];

static TEMPLATE_LABELS: [FieldSpec; 10] = [
    create("", "", "Deployment", "spec/template/metadata/labels"),
    create("apps", "", "StatefulSet", "spec/template/metadata/labels"),
    create("apps", "", "StatefulSet", "spec/volumeClaimTemplates[]/metadata/labels"),
    create("batch", "", "CronJob", "spec/jobTemplate/metadata/labels"),
    create("batch", "", "CronJob", "spec/jobTemplate/spec/template/metadata/labels"),
    create("batch", "", "Job", "spec/template/metadata/labels"),
    create("", "v1", "ReplicationController", "spec/template/metadata/labels"),
    create("", "", "DaemonSet", "spec/template/metadata/labels"),
    create("", "", "ReplicaSet", "spec/template/metadata/labels"),
    create("", "", "", "metadata/labels"),
];

static COMMON_ANNOTATIONS: [FieldSpec; 9] = [
    create("", "", "Deployment", "spec/template/metadata/annotations"),
    create("", "", "StatefulSet", "spec/template/metadata/annotations"),
    create("batch", "", "CronJob", "spec/jobTemplate/metadata/annotations"),
    create("batch", "", "CronJob", "spec/jobTemplate/spec/template/metadata/annotations"),
    create("batch", "", "Job", "spec/template/metadata/annotations"),
    create("", "v1", "ReplicationController", "spec/template/metadata/annotations"),
    create("", "", "DaemonSet", "spec/template/metadata/annotations"),
    create("", "", "ReplicaSet", "spec/template/metadata/annotations"),
    create("", "", "", "metadata/annotations"),
];

static IMAGES: [FieldSpec; 6] = [
    create("", "", "", "spec/containers[]/image"),
    create("", "", "", "spec/initContainers[]/image"),
    create("", "", "", "spec/volumes[]/image/reference"),
    create("", "", "", "spec/template/spec/containers[]/image"),
    create("", "", "", "spec/template/spec/initContainers[]/image"),
    create("", "", "", "spec/template/spec/volumes[]/image/reference"),
];

static REPLICAS: [FieldSpec; 4] = [
    create("", "", "Deployment", "spec/replicas"),
    create("", "", "StatefulSet", "spec/replicas"),
    create("", "", "ReplicaSet", "spec/replicas"),
    create("", "", "ReplicationController", "spec/replicas"),
];
