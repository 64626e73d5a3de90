//! What `install` and `bootstrap` put into a cluster.

use serde_json::{Map, Value, json};

use super::create::docker_config;
use super::manifest::to_yaml;
use super::{Failure, Result, term};

/// The controllers that run unless told otherwise.
pub(crate) const COMPONENTS: [&str; 2] = ["source-controller", "kustomize-controller"];
/// Words of Flux for controllers, of which those that do not exist here are left out with a warning.
pub(crate) const KNOWN: [&str; 7] = [
    "source-controller",
    "kustomize-controller",
    "helm-controller",
    "notification-controller",
    "image-reflector-controller",
    "image-automation-controller",
    "source-watcher",
];
/// The name of the deployment and its service account.
pub(crate) const NAME: &str = "reconciler";

/// Whether one of our controllers does what this controller of Flux does.
pub(crate) fn is_replaced(name: &str) -> bool {
    // Some cannot be picked alone.
    name == COMPONENTS[1]
        || format!("{},{name}", COMPONENTS[0]).parse::<reconciler::controller::Selection>().is_ok()
}

/// The name of the Service for artifacts, which is that of Flux.
const ARTIFACTS: &str = "source-controller";

/// How the reconciler is installed.
#[derive(clap::Args)]
pub(crate) struct Flags {
    /// Controllers to run, instead of the default ones
    #[arg(long, value_delimiter = ',', value_parser = component)]
    components: Vec<String>,
    /// Controllers to run besides
    #[arg(long, value_delimiter = ',', value_parser = component)]
    components_extra: Vec<String>,
    /// Image of the reconciler; by default the one in --registry with the version of this program
    #[arg(long, default_value = "")]
    image: String,
    /// Registry and path of the image
    #[arg(long, default_value = "ghcr.io/kustomize-rs")]
    registry: String,
    /// Secret with credentials for the image's registry
    #[arg(long, default_value = "")]
    image_pull_secret: String,
    /// Credentials for the image's registry as USER:PASSWORD, stored in the Secret of --image-pull-secret
    #[arg(long, default_value = "")]
    registry_creds: String,
    /// Reconcile objects in all namespaces; if false, only in --namespace
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = true, action = clap::ArgAction::Set)]
    watch_all_namespaces: bool,
    /// What the controllers log: debug, info, error
    #[arg(long, default_value = "info", value_parser = log_level)]
    log_level: String,
    /// DNS domain of the cluster
    #[arg(long, default_value = "cluster.local")]
    cluster_domain: String,
    /// Keys of taints that the reconciler tolerates
    #[arg(long, value_delimiter = ',')]
    toleration_keys: Vec<String>,
    /// Replace an installation that another tool manages, without asking
    #[arg(long)]
    pub(crate) force: bool,
    /// Accepted for compatibility: this program installs its own version
    #[arg(long, short = 'v', default_value = "", hide_short_help = true)]
    version: String,
    /// Not available: this program contains the manifests
    #[arg(long, default_value = "", hide = true)]
    manifests: String,
    /// Deny what does not have to reach the reconciler
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = true, action = clap::ArgAction::Set)]
    network_policy: bool,
}

/// Reads a level of the log.
pub(crate) fn log_level(text: &str) -> std::result::Result<String, String> {
    match text {
        "debug" | "info" | "error" => Ok(text.to_owned()),
        "" => Err("no log level given, must be one of: debug, info, error".to_owned()),
        _ => Err(format!("unsupported log level '{text}', must be one of: debug, info, error")),
    }
}

/// Reads a component.
pub(crate) fn component(text: &str) -> std::result::Result<String, String> {
    match KNOWN.contains(&text) {
        true => Ok(text.to_owned()),
        false => Err(format!("component {text} is not available, must be one of: {}", KNOWN.join(", "))),
    }
}

impl Flags {
    /// The controllers that are wanted, and those that are wanted but do not exist here.
    fn controllers(&self) -> (Vec<&str>, Vec<&str>) {
        let given: Vec<&str> = match self.components.is_empty() {
            true => COMPONENTS.to_vec(),
            false => self.components.iter().map(String::as_str).collect(),
        };
        let mut wanted: Vec<&str> = Vec::new();
        for name in given.into_iter().chain(self.components_extra.iter().map(String::as_str)) {
            if !wanted.contains(&name) {
                wanted.push(name);
            }
        }
        wanted.into_iter().partition(|name| is_replaced(name))
    }

    /// Whether a controller is left out without a word: it is not among those that run, which nobody has picked.
    pub(crate) fn forgets(&self, name: &str) -> bool {
        self.components.is_empty() && !self.controllers().0.contains(&name)
    }

    /// Controllers that were asked for and do not exist here.
    fn missing(&self) -> Vec<&str> {
        self.controllers().1
    }

    /// Refuses what makes no sense, before anything is changed; says what has no effect.
    pub(crate) fn check(&self) -> Result {
        if !self.manifests.is_empty() {
            return Err(Failure::usage(
                "--manifests is not available: the manifests of Flux's controllers do not fit; change what \
                 `install --export` prints instead",
            ));
        }
        if !self.registry_creds.is_empty() && self.image_pull_secret.is_empty() {
            return Err(Failure::usage("--registry-creds requires --image-pull-secret to be set"));
        }
        if !self.registry_creds.is_empty() && !self.registry_creds.contains(':') {
            return Err(Failure::usage("invalid --registry-creds format, expected 'user:password'"));
        }
        let own = env!("CARGO_PKG_VERSION");
        if !["", "latest", own].contains(&self.version.trim_start_matches('v')) {
            term::warning(&format!(
                "--version {} has no effect: this program installs its own version, v{own}",
                self.version
            ));
        }
        for name in self.missing() {
            term::warning(&format!("{name} is not part of this reconciler, and left out"));
        }
        Ok(())
    }

    fn image(&self) -> String {
        match self.image.as_str() {
            "" => {
                let registry = self.registry.trim_end_matches('/');
                format!("{registry}/reconciler:v{}", env!("CARGO_PKG_VERSION"))
            }
            image => image.to_owned(),
        }
    }

    /// The Secret for pulling the image, if there are credentials for it.
    pub(crate) fn pull_secret(&self, namespace: &str) -> Option<Value> {
        let (user, password) = self.registry_creds.split_once(':')?;
        let image = self.image();
        let registry = image.rsplit_once('/').map_or(image.as_str(), |(registry, _)| registry);
        Some(json!({
            "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/dockerconfigjson",
            "metadata": {"name": self.image_pull_secret, "namespace": namespace},
            "stringData": {".dockerconfigjson": docker_config(registry, user, password)},
        }))
    }

    /// The objects, in the order in which they are applied.
    pub(crate) fn objects(&self, namespace: &str) -> Result<Vec<Value>> {
        self.objects_beside(namespace, false)
    }

    /// The same; artifacts are served where other controllers look for them, if there are others.
    pub(crate) fn objects_beside(&self, namespace: &str, has_others: bool) -> Result<Vec<Value>> {
        let mut objects = vec![object("v1", "Namespace", namespace, "", namespace)];
        set(&mut objects[0], &["metadata", "labels", "pod-security.kubernetes.io/warn"], "restricted".into());
        for crd in reconciler_api::crds() {
            let mut crd = serde_json::to_value(crd)
                .map_err(|error| Failure::failed(format!("a definition: {error}")))?;
            label(&mut crd, namespace);
            objects.push(crd);
        }
        objects.push(object("v1", "ServiceAccount", NAME, namespace, namespace));
        objects.extend(roles(namespace));
        if self.network_policy {
            objects.extend(network_policies(namespace));
        }
        let mut deployment = self.deployment(namespace);
        if has_others {
            serve_artifacts(&mut deployment, namespace, &self.cluster_domain);
            objects.push(artifact_service(namespace));
        }
        objects.push(deployment);
        Ok(objects)
    }

    /// The Deployment: not root, nothing writable but two volumes, no capabilities.
    fn deployment(&self, namespace: &str) -> Value {
        let mut deployment = object("apps/v1", "Deployment", NAME, namespace, namespace);
        let probe = |path: &str| json!({"httpGet": {"path": path, "port": "healthz"}});
        let controllers = self.controllers().0.join(",");
        let mut pod = json!({
            "serviceAccountName": NAME,
            "terminationGracePeriodSeconds": 60,
            "priorityClassName": "system-cluster-critical",
            "nodeSelector": {"kubernetes.io/os": "linux"},
            "securityContext": {"fsGroup": 1337},
            "containers": [{
                "name": "manager",
                "image": self.image(),
                "imagePullPolicy": "IfNotPresent",
                "args": [
                    "run",
                    "--namespace=$(RUNTIME_NAMESPACE)",
                    // Someone may ask for more replicas, and a node that is cut off may go on with its pod.
                    "--enable-leader-election",
                    format!("--controllers={controllers}"),
                    "--data=/data",
                    "--metrics-addr=:8080",
                    "--health-addr=:9440",
                ],
                "env": [{
                    "name": "RUNTIME_NAMESPACE",
                    "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}},
                }],
                "ports": [
                    {"name": "http-prom", "containerPort": 8080, "protocol": "TCP"},
                    {"name": "healthz", "containerPort": 9440, "protocol": "TCP"},
                ],
                "livenessProbe": probe("/healthz"),
                "readinessProbe": probe("/readyz"),
                "resources": {
                    "limits": {"cpu": "1000m", "memory": "1Gi"},
                    "requests": {"cpu": "100m", "memory": "64Mi"},
                },
                "securityContext": {
                    "allowPrivilegeEscalation": false,
                    "capabilities": {"drop": ["ALL"]},
                    "readOnlyRootFilesystem": true,
                    "runAsNonRoot": true,
                    "runAsUser": 65532,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "volumeMounts": [
                    {"name": "data", "mountPath": "/data"},
                    {"name": "tmp", "mountPath": "/tmp"},
                ],
            }],
            "volumes": [{"name": "data", "emptyDir": {}}, {"name": "tmp", "emptyDir": {}}],
        });
        let mut more = Vec::new();
        if !self.watch_all_namespaces {
            more.push("--watch-all-namespaces=false".to_owned());
        }
        if self.log_level != "info" {
            more.push(format!("--log-level={}", self.log_level));
        }
        if let Some(arguments) = pod["containers"][0]["args"].as_array_mut() {
            arguments.extend(more.into_iter().map(Value::from));
        }
        if !self.toleration_keys.is_empty() {
            let tolerations =
                self.toleration_keys.iter().map(|key| json!({"key": key, "operator": "Exists"}));
            pod["tolerations"] = tolerations.collect();
        }
        if !self.image_pull_secret.is_empty() {
            pod["imagePullSecrets"] = json!([{"name": self.image_pull_secret}]);
        }
        deployment["spec"] = json!({
            "replicas": 1,
            "strategy": {"type": "Recreate"},
            "selector": {"matchLabels": {"app": NAME}},
            "template": {
                "metadata": {
                    "labels": {"app": NAME, "app.kubernetes.io/part-of": "flux"},
                    "annotations": {"prometheus.io/scrape": "true", "prometheus.io/port": "8080"},
                },
                "spec": pod,
            },
        });
        deployment
    }
}

/// Lets a Deployment serve artifacts.
fn serve_artifacts(deployment: &mut Value, namespace: &str, domain: &str) {
    let container = deployment.pointer_mut("/spec/template/spec/containers/0");
    let Some(container) = container else { return };
    let more = [
        ("args", json!("--storage-addr=:9090")),
        ("args", json!(format!("--storage-adv-addr={ARTIFACTS}.{namespace}.svc.{domain}."))),
        ("ports", json!({"name": "http", "containerPort": 9090, "protocol": "TCP"})),
    ];
    for (field, value) in more {
        if let Some(list) = container[field].as_array_mut() {
            list.push(value);
        }
    }
}

/// The Service under whose name Flux's controllers look for artifacts.
fn artifact_service(namespace: &str) -> Value {
    let mut service = object("v1", "Service", ARTIFACTS, namespace, namespace);
    service["spec"] = json!({
        "type": "ClusterIP",
        "selector": {"app": NAME},
        "ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": "http"}],
    });
    service
}

/// All objects as one file.
pub(crate) fn text(objects: &[Value]) -> Result<String> {
    let mut text = String::new();
    for object in objects {
        text.push_str("---\n");
        text.push_str(&to_yaml(object)?);
    }
    Ok(text)
}

/// What the reconciler may do: its own kinds, and what it needs to know of others. Applying is a role of its
/// own, so that it can be taken away where all Kustomizations have a service account.
fn roles(namespace: &str) -> Vec<Value> {
    let groups =
        ["source", "kustomize", "notification", "image"].map(|name| format!("{name}.toolkit.fluxcd.io"));
    let all = json!(["*"]);
    let rules = json!([
        {"apiGroups": groups, "resources": all, "verbs": all},
        {"apiGroups": [""], "resources": ["namespaces", "secrets", "configmaps", "serviceaccounts"],
            "verbs": ["get", "list", "watch"]},
        {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "patch"]},
        {"apiGroups": [""], "resources": ["serviceaccounts/token"], "verbs": ["create"]},
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"],
            "verbs": ["get", "list", "watch", "create", "update", "patch", "delete"]},
        {"nonResourceURLs": ["/livez/ping"], "verbs": ["head"]},
    ]);
    let rbac = "rbac.authorization.k8s.io/v1";
    let bind = |name: &str, role: &str| {
        let mut binding = object(rbac, "ClusterRoleBinding", &format!("{name}-{namespace}"), "", namespace);
        binding["roleRef"] =
            json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role});
        binding["subjects"] = json!([{"kind": "ServiceAccount", "name": NAME, "namespace": namespace}]);
        binding
    };
    let own = format!("crd-controller-{namespace}");
    let mut role = object(rbac, "ClusterRole", &own, "", namespace);
    role["rules"] = rules;
    let aggregated = |name: &str, level: &[&str], verbs: &[&str]| {
        let mut role = object(rbac, "ClusterRole", &format!("flux-{name}-{namespace}"), "", namespace);
        for level in level {
            let key = format!("rbac.authorization.k8s.io/aggregate-to-{level}");
            set(&mut role, &["metadata", "labels", &key], "true".into());
        }
        role["rules"] = json!([{"apiGroups": groups, "resources": ["*"], "verbs": verbs}]);
        role
    };
    vec![
        role,
        aggregated("view", &["admin", "edit", "view"], &["get", "list", "watch"]),
        aggregated("edit", &["admin", "edit"], &["create", "delete", "deletecollection", "patch", "update"]),
        bind("crd-controller", &own),
        bind("cluster-reconciler", "cluster-admin"),
    ]
}

fn network_policies(namespace: &str) -> [Value; 2] {
    let policy = |name: &str, spec: Value| {
        let mut policy = object("networking.k8s.io/v1", "NetworkPolicy", name, namespace, namespace);
        policy["spec"] = spec;
        policy
    };
    let egress = json!({
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
        "egress": [{}],
        "ingress": [{"from": [{"podSelector": {}}]}],
    });
    let scraping = json!({
        "podSelector": {},
        "policyTypes": ["Ingress"],
        "ingress": [{"from": [{"namespaceSelector": {}}], "ports": [{"port": 8080, "protocol": "TCP"}]}],
    });
    [policy("allow-egress", egress), policy("allow-scraping", scraping)]
}

/// An object with the labels of the installation.
fn object(api_version: &str, kind: &str, name: &str, namespace: &str, instance: &str) -> Value {
    let mut object = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name}});
    if !namespace.is_empty() {
        object["metadata"]["namespace"] = namespace.into();
    }
    label(&mut object, instance);
    object
}

fn label(object: &mut Value, instance: &str) {
    let labels = [
        ("app.kubernetes.io/instance", instance),
        ("app.kubernetes.io/part-of", "flux"),
        ("app.kubernetes.io/version", concat!("v", env!("CARGO_PKG_VERSION"))),
    ];
    for (key, value) in labels {
        set(object, &["metadata", "labels", key], value.into());
    }
}

/// Sets a field whose parents are made.
fn set(object: &mut Value, path: &[&str], value: Value) {
    let mut at = object;
    for step in path {
        if !at.is_object() {
            *at = Value::Object(Map::new());
        }
        at = &mut at[*step];
    }
    *at = value;
}
