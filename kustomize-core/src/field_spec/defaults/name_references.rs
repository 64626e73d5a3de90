//! Default fields that hold names of other resources.

use super::find;
use crate::field_spec::{FieldSpec, NameReference, Table};
use crate::resource::Gvk;
use crate::yaml::Str;

pub(super) static NAME_REFERENCE: [NameReference; 16] = [
    target("storage.k8s.io", "v1", "StorageClass", &STORAGE_CLASS),
    target("", "v1", "ServiceAccount", &SERVICE_ACCOUNT),
    target("rbac.authorization.k8s.io", "", "Role", &ROLE),
    target("rbac.authorization.k8s.io", "", "ClusterRole", &CLUSTER_ROLE),
    target("", "v1", "ConfigMap", &CONFIG_MAP),
    target("", "v1", "Secret", &SECRET),
    target("", "v1", "Service", &SERVICE),
    target("scheduling.k8s.io", "v1", "PriorityClass", &PRIORITY_CLASS),
    target("", "v1", "PersistentVolume", &PERSISTENT_VOLUME),
    target("", "v1", "PersistentVolumeClaim", &PERSISTENT_VOLUME_CLAIM),
    target("", "", "Deployment", &DEPLOYMENT),
    target("", "", "StatefulSet", &STATEFUL_SET),
    target("admissionregistration.k8s.io", "", "ValidatingAdmissionPolicy", &VALIDATING_ADMISSION_POLICY),
    target("networking.k8s.io/v1", "v1", "IngressClass", &INGRESS_CLASS),
    target("", "", "ReplicaSet", &REPLICA_SET),
    target("", "", "ReplicationController", &REPLICATION_CONTROLLER),
];

const fn target(
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    referrers: &'static [FieldSpec],
) -> NameReference {
    let target =
        Gvk { group: Str::new_static(group), version: Str::new_static(version), kind: Str::new_static(kind) };
    NameReference { target, referrers: Table::fixed(referrers) }
}

static STORAGE_CLASS: [FieldSpec; 3] = [
    find("", "", "PersistentVolume", "spec/storageClassName"),
    find("", "", "PersistentVolumeClaim", "spec/storageClassName"),
    find("", "", "StatefulSet", "spec/volumeClaimTemplates/spec/storageClassName"),
];

static SERVICE_ACCOUNT: [FieldSpec; 9] = [
    find("rbac.authorization.k8s.io", "", "RoleBinding", "subjects"),
    find("rbac.authorization.k8s.io", "", "ClusterRoleBinding", "subjects"),
    find("", "", "Pod", "spec/serviceAccountName"),
    find("", "", "StatefulSet", "spec/template/spec/serviceAccountName"),
    find("", "", "Deployment", "spec/template/spec/serviceAccountName"),
    find("", "", "ReplicationController", "spec/template/spec/serviceAccountName"),
    find("", "", "CronJob", "spec/jobTemplate/spec/template/spec/serviceAccountName"),
    find("", "", "Job", "spec/template/spec/serviceAccountName"),
    find("", "", "DaemonSet", "spec/template/spec/serviceAccountName"),
];

static ROLE: [FieldSpec; 1] = [find("rbac.authorization.k8s.io", "", "RoleBinding", "roleRef/name")];

static CLUSTER_ROLE: [FieldSpec; 2] = [
    find("rbac.authorization.k8s.io", "", "RoleBinding", "roleRef/name"),
    find("rbac.authorization.k8s.io", "", "ClusterRoleBinding", "roleRef/name"),
];

static CONFIG_MAP: [FieldSpec; 52] = [
    find("", "v1", "Pod", "spec/volumes/configMap/name"),
    find("", "v1", "Pod", "spec/containers/env/valueFrom/configMapKeyRef/name"),
    find("", "v1", "Pod", "spec/initContainers/env/valueFrom/configMapKeyRef/name"),
    find("", "v1", "Pod", "spec/containers/envFrom/configMapRef/name"),
    find("", "v1", "Pod", "spec/initContainers/envFrom/configMapRef/name"),
    find("", "v1", "Pod", "spec/volumes/projected/sources/configMap/name"),
    find("", "", "PodTemplate", "template/spec/volumes/configMap/name"),
    find("", "", "PodTemplate", "template/spec/containers/env/valueFrom/configMapKeyRef/name"),
    find("", "", "PodTemplate", "template/spec/initContainers/env/valueFrom/configMapKeyRef/name"),
    find("", "", "PodTemplate", "template/spec/containers/envFrom/configMapRef/name"),
    find("", "", "PodTemplate", "template/spec/initContainers/envFrom/configMapRef/name"),
    find("", "", "PodTemplate", "template/spec/volumes/projected/sources/configMap/name"),
    find("", "", "Deployment", "spec/template/spec/volumes/configMap/name"),
    find("", "", "Deployment", "spec/template/spec/containers/env/valueFrom/configMapKeyRef/name"),
    find("", "", "Deployment", "spec/template/spec/initContainers/env/valueFrom/configMapKeyRef/name"),
    find("", "", "Deployment", "spec/template/spec/containers/envFrom/configMapRef/name"),
    find("", "", "Deployment", "spec/template/spec/initContainers/envFrom/configMapRef/name"),
    find("", "", "Deployment", "spec/template/spec/volumes/projected/sources/configMap/name"),
    find("", "", "ReplicaSet", "spec/template/spec/volumes/configMap/name"),
    find("", "", "ReplicaSet", "spec/template/spec/containers/env/valueFrom/configMapKeyRef/name"),
    find("", "", "ReplicaSet", "spec/template/spec/initContainers/env/valueFrom/configMapKeyRef/name"),
    find("", "", "ReplicaSet", "spec/template/spec/containers/envFrom/configMapRef/name"),
    find("", "", "ReplicaSet", "spec/template/spec/initContainers/envFrom/configMapRef/name"),
    find("", "", "ReplicaSet", "spec/template/spec/volumes/projected/sources/configMap/name"),
    find("", "", "DaemonSet", "spec/template/spec/volumes/configMap/name"),
    find("", "", "DaemonSet", "spec/template/spec/containers/env/valueFrom/configMapKeyRef/name"),
    find("", "", "DaemonSet", "spec/template/spec/initContainers/env/valueFrom/configMapKeyRef/name"),
    find("", "", "DaemonSet", "spec/template/spec/containers/envFrom/configMapRef/name"),
    find("", "", "DaemonSet", "spec/template/spec/initContainers/envFrom/configMapRef/name"),
    find("", "", "DaemonSet", "spec/template/spec/volumes/projected/sources/configMap/name"),
    find("", "", "StatefulSet", "spec/template/spec/volumes/configMap/name"),
    find("", "", "StatefulSet", "spec/template/spec/containers/env/valueFrom/configMapKeyRef/name"),
    find("", "", "StatefulSet", "spec/template/spec/initContainers/env/valueFrom/configMapKeyRef/name"),
    find("", "", "StatefulSet", "spec/template/spec/containers/envFrom/configMapRef/name"),
    find("", "", "StatefulSet", "spec/template/spec/initContainers/envFrom/configMapRef/name"),
    find("", "", "StatefulSet", "spec/template/spec/volumes/projected/sources/configMap/name"),
    find("", "", "Job", "spec/template/spec/volumes/configMap/name"),
    find("", "", "Job", "spec/template/spec/containers/env/valueFrom/configMapKeyRef/name"),
    find("", "", "Job", "spec/template/spec/initContainers/env/valueFrom/configMapKeyRef/name"),
    find("", "", "Job", "spec/template/spec/containers/envFrom/configMapRef/name"),
    find("", "", "Job", "spec/template/spec/initContainers/envFrom/configMapRef/name"),
    find("", "", "Job", "spec/template/spec/volumes/projected/sources/configMap/name"),
    find("", "", "CronJob", "spec/jobTemplate/spec/template/spec/volumes/configMap/name"),
    find("", "", "CronJob", "spec/jobTemplate/spec/template/spec/volumes/projected/sources/configMap/name"),
    find(
        "",
        "",
        "CronJob",
        "spec/jobTemplate/spec/template/spec/containers/env/valueFrom/configMapKeyRef/name",
    ),
    find(
        "",
        "",
        "CronJob",
        "spec/jobTemplate/spec/template/spec/initContainers/env/valueFrom/configMapKeyRef/name",
    ),
    find("", "", "CronJob", "spec/jobTemplate/spec/template/spec/containers/envFrom/configMapRef/name"),
    find("", "", "CronJob", "spec/jobTemplate/spec/template/spec/initContainers/envFrom/configMapRef/name"),
    find("", "", "Node", "spec/configSource/configMap"),
    find("", "", "Role", "rules/resourceNames"),
    find("", "", "ClusterRole", "rules/resourceNames"),
    find("", "", "Ingress", "metadata/annotations/nginx.ingress.kubernetes.io\\/fastcgi-params-configmap"),
];

static SECRET: [FieldSpec; 70] = [
    find("", "v1", "Pod", "spec/volumes/secret/secretName"),
    find("", "v1", "Pod", "spec/containers/env/valueFrom/secretKeyRef/name"),
    find("", "v1", "Pod", "spec/initContainers/env/valueFrom/secretKeyRef/name"),
    find("", "v1", "Pod", "spec/containers/envFrom/secretRef/name"),
    find("", "v1", "Pod", "spec/initContainers/envFrom/secretRef/name"),
    find("", "v1", "Pod", "spec/imagePullSecrets/name"),
    find("", "v1", "Pod", "spec/volumes/projected/sources/secret/name"),
    find("", "", "PodTemplate", "template/spec/volumes/secret/secretName"),
    find("", "", "PodTemplate", "template/spec/containers/env/valueFrom/secretKeyRef/name"),
    find("", "", "PodTemplate", "template/spec/initContainers/env/valueFrom/secretKeyRef/name"),
    find("", "", "PodTemplate", "template/spec/containers/envFrom/secretRef/name"),
    find("", "", "PodTemplate", "template/spec/initContainers/envFrom/secretRef/name"),
    find("", "", "PodTemplate", "template/spec/imagePullSecrets/name"),
    find("", "", "PodTemplate", "template/spec/volumes/projected/sources/secret/name"),
    find("", "", "Deployment", "spec/template/spec/volumes/secret/secretName"),
    find("", "", "Deployment", "spec/template/spec/containers/env/valueFrom/secretKeyRef/name"),
    find("", "", "Deployment", "spec/template/spec/initContainers/env/valueFrom/secretKeyRef/name"),
    find("", "", "Deployment", "spec/template/spec/containers/envFrom/secretRef/name"),
    find("", "", "Deployment", "spec/template/spec/initContainers/envFrom/secretRef/name"),
    find("", "", "Deployment", "spec/template/spec/imagePullSecrets/name"),
    find("", "", "Deployment", "spec/template/spec/volumes/projected/sources/secret/name"),
    find("", "", "ReplicaSet", "spec/template/spec/volumes/secret/secretName"),
    find("", "", "ReplicaSet", "spec/template/spec/containers/env/valueFrom/secretKeyRef/name"),
    find("", "", "ReplicaSet", "spec/template/spec/initContainers/env/valueFrom/secretKeyRef/name"),
    find("", "", "ReplicaSet", "spec/template/spec/containers/envFrom/secretRef/name"),
    find("", "", "ReplicaSet", "spec/template/spec/initContainers/envFrom/secretRef/name"),
    find("", "", "ReplicaSet", "spec/template/spec/imagePullSecrets/name"),
    find("", "", "ReplicaSet", "spec/template/spec/volumes/projected/sources/secret/name"),
    find("", "", "DaemonSet", "spec/template/spec/volumes/secret/secretName"),
    find("", "", "DaemonSet", "spec/template/spec/containers/env/valueFrom/secretKeyRef/name"),
    find("", "", "DaemonSet", "spec/template/spec/initContainers/env/valueFrom/secretKeyRef/name"),
    find("", "", "DaemonSet", "spec/template/spec/containers/envFrom/secretRef/name"),
    find("", "", "DaemonSet", "spec/template/spec/initContainers/envFrom/secretRef/name"),
    find("", "", "DaemonSet", "spec/template/spec/imagePullSecrets/name"),
    find("", "", "DaemonSet", "spec/template/spec/volumes/projected/sources/secret/name"),
    find("", "", "StatefulSet", "spec/template/spec/volumes/secret/secretName"),
    find("", "", "StatefulSet", "spec/template/spec/containers/env/valueFrom/secretKeyRef/name"),
    find("", "", "StatefulSet", "spec/template/spec/initContainers/env/valueFrom/secretKeyRef/name"),
    find("", "", "StatefulSet", "spec/template/spec/containers/envFrom/secretRef/name"),
    find("", "", "StatefulSet", "spec/template/spec/initContainers/envFrom/secretRef/name"),
    find("", "", "StatefulSet", "spec/template/spec/imagePullSecrets/name"),
    find("", "", "StatefulSet", "spec/template/spec/volumes/projected/sources/secret/name"),
    find("", "", "Job", "spec/template/spec/volumes/secret/secretName"),
    find("", "", "Job", "spec/template/spec/containers/env/valueFrom/secretKeyRef/name"),
    find("", "", "Job", "spec/template/spec/initContainers/env/valueFrom/secretKeyRef/name"),
    find("", "", "Job", "spec/template/spec/containers/envFrom/secretRef/name"),
    find("", "", "Job", "spec/template/spec/initContainers/envFrom/secretRef/name"),
    find("", "", "Job", "spec/template/spec/imagePullSecrets/name"),
    find("", "", "Job", "spec/template/spec/volumes/projected/sources/secret/name"),
    find("", "", "CronJob", "spec/jobTemplate/spec/template/spec/volumes/secret/secretName"),
    find("", "", "CronJob", "spec/jobTemplate/spec/template/spec/volumes/projected/sources/secret/name"),
    find("", "", "CronJob", "spec/jobTemplate/spec/template/spec/containers/env/valueFrom/secretKeyRef/name"),
    find(
        "",
        "",
        "CronJob",
        "spec/jobTemplate/spec/template/spec/initContainers/env/valueFrom/secretKeyRef/name",
    ),
    find("", "", "CronJob", "spec/jobTemplate/spec/template/spec/containers/envFrom/secretRef/name"),
    find("", "", "CronJob", "spec/jobTemplate/spec/template/spec/initContainers/envFrom/secretRef/name"),
    find("", "", "CronJob", "spec/jobTemplate/spec/template/spec/imagePullSecrets/name"),
    find("", "", "Ingress", "spec/tls/secretName"),
    find("", "", "Ingress", "metadata/annotations/ingress.kubernetes.io\\/auth-secret"),
    find("", "", "Ingress", "metadata/annotations/nginx.ingress.kubernetes.io\\/auth-secret"),
    find("", "", "Ingress", "metadata/annotations/nginx.ingress.kubernetes.io\\/auth-tls-secret"),
    find("", "", "Ingress", "spec/tls/secretName"),
    find("", "", "ServiceAccount", "imagePullSecrets/name"),
    find("", "", "StorageClass", "parameters/secretName"),
    find("", "", "StorageClass", "parameters/adminSecretName"),
    find("", "", "StorageClass", "parameters/userSecretName"),
    find("", "", "StorageClass", "parameters/secretRef"),
    find("", "", "Role", "rules/resourceNames"),
    find("", "", "ClusterRole", "rules/resourceNames"),
    find(
        "serving.knative.dev",
        "v1",
        "Service",
        "spec/template/spec/containers/env/valueFrom/secretKeyRef/name",
    ),
    find("", "", "PersistentVolume", "spec/azureFile/secretName"),
];

static SERVICE: [FieldSpec; 8] = [
    find("apps", "", "StatefulSet", "spec/serviceName"),
    find("", "", "Ingress", "spec/rules/http/paths/backend/serviceName"),
    find("", "", "Ingress", "spec/backend/serviceName"),
    find("", "", "Ingress", "spec/rules/http/paths/backend/service/name"),
    find("", "", "Ingress", "spec/defaultBackend/service/name"),
    find("apiregistration.k8s.io", "", "APIService", "spec/service/name"),
    find(
        "admissionregistration.k8s.io",
        "",
        "ValidatingWebhookConfiguration",
        "webhooks/clientConfig/service",
    ),
    find("admissionregistration.k8s.io", "", "MutatingWebhookConfiguration", "webhooks/clientConfig/service"),
];

static PRIORITY_CLASS: [FieldSpec; 7] = [
    find("", "", "Pod", "spec/priorityClassName"),
    find("", "", "StatefulSet", "spec/template/spec/priorityClassName"),
    find("", "", "Deployment", "spec/template/spec/priorityClassName"),
    find("", "", "ReplicationController", "spec/template/spec/priorityClassName"),
    find("", "", "CronJob", "spec/jobTemplate/spec/template/spec/priorityClassName"),
    find("", "", "Job", "spec/template/spec/priorityClassName"),
    find("", "", "DaemonSet", "spec/template/spec/priorityClassName"),
];

static PERSISTENT_VOLUME: [FieldSpec; 2] = [
    find("", "", "PersistentVolumeClaim", "spec/volumeName"),
    find("", "", "ClusterRole", "rules/resourceNames"),
];

static PERSISTENT_VOLUME_CLAIM: [FieldSpec; 7] = [
    find("", "", "Pod", "spec/volumes/persistentVolumeClaim/claimName"),
    find("", "", "StatefulSet", "spec/template/spec/volumes/persistentVolumeClaim/claimName"),
    find("", "", "Deployment", "spec/template/spec/volumes/persistentVolumeClaim/claimName"),
    find("", "", "ReplicationController", "spec/template/spec/volumes/persistentVolumeClaim/claimName"),
    find("", "", "CronJob", "spec/jobTemplate/spec/template/spec/volumes/persistentVolumeClaim/claimName"),
    find("", "", "Job", "spec/template/spec/volumes/persistentVolumeClaim/claimName"),
    find("", "", "DaemonSet", "spec/template/spec/volumes/persistentVolumeClaim/claimName"),
];

static DEPLOYMENT: [FieldSpec; 1] = [find("", "", "HorizontalPodAutoscaler", "spec/scaleTargetRef/name")];

static STATEFUL_SET: [FieldSpec; 1] = [find("", "", "HorizontalPodAutoscaler", "spec/scaleTargetRef/name")];

static VALIDATING_ADMISSION_POLICY: [FieldSpec; 1] =
    [find("admissionregistration.k8s.io", "", "ValidatingAdmissionPolicyBinding", "spec/policyName")];

static INGRESS_CLASS: [FieldSpec; 1] = [find("", "", "Ingress", "spec/ingressClassName")];

static REPLICA_SET: [FieldSpec; 1] = [find("", "", "HorizontalPodAutoscaler", "spec/scaleTargetRef/name")];

static REPLICATION_CONTROLLER: [FieldSpec; 1] =
    [find("", "", "HorizontalPodAutoscaler", "spec/scaleTargetRef/name")];
