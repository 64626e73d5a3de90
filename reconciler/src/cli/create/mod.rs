//! `create`: objects from flags, to be applied or printed.

mod alert;
mod alert_provider;
mod apply;
mod helm;
mod image;
mod kustomization;
mod notation;
mod receiver;
mod secret;
mod source_bucket;
mod source_git;
mod source_oci;
mod tenant;

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use reconciler_api::Duration;
use serde_json::Value;
use url::Url;

use super::manifest::Manifest;
use super::{Failure, Global, Result, term};
pub(super) use helm::merge;
pub(super) use secret::docker_config;

/// Options of `create`.
#[derive(Args)]
pub(crate) struct Create {
    #[command(subcommand)]
    kind: Kind,
    #[command(flatten)]
    common: Common,
}

/// Flags of every kind of object.
#[derive(Args)]
struct Common {
    /// How often the object is reconciled
    #[arg(long, global = true, default_value = "1m0s")]
    interval: Duration,
    /// Print the object as YAML instead of applying it
    #[arg(long, global = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false)]
    export: bool,
    /// Labels of the object, as key=value
    #[arg(long, global = true, value_delimiter = ',')]
    label: Vec<String>,
}

/// The name of the object.
#[derive(Args, Clone, Debug)]
struct Name {
    /// Name of the object
    #[arg(value_name = "NAME", num_args = 0..)]
    name: Vec<String>,
}

#[derive(Subcommand)]
enum Kind {
    /// A Kustomization
    #[command(visible_alias = "ks")]
    Kustomization(kustomization::Flags),
    /// A HelmRelease
    #[command(visible_alias = "hr")]
    Helmrelease(Box<helm::Release>),
    /// A source
    #[command(subcommand)]
    Source(Source),
    /// A Secret
    #[command(subcommand)]
    Secret(secret::Secret),
    /// An Alert
    Alert(alert::Flags),
    /// A Provider of notifications
    AlertProvider(alert_provider::Flags),
    /// A Receiver of webhooks
    Receiver(receiver::Flags),
    /// An object of image automation
    #[command(subcommand)]
    Image(image::Image),
    /// The namespaces, service account and role binding of a tenant
    Tenant(tenant::Flags),
}

#[derive(Subcommand)]
enum Source {
    /// A GitRepository
    Git(Box<source_git::Flags>),
    /// An OCIRepository
    Oci(source_oci::Flags),
    /// A Bucket
    Bucket(source_bucket::Flags),
    /// A HelmRepository
    Helm(Box<helm::Repository>),
    /// A HelmChart
    Chart(helm::Chart),
}

/// What all objects of one call share.
struct Context<'a> {
    name: &'a str,
    namespace: &'a str,
    interval: Duration,
    labels: BTreeMap<String, String>,
    /// The objects are only printed.
    is_export: bool,
}

/// Flags that make objects.
trait Objects {
    /// The name argument.
    fn name(&self) -> &Name;

    /// The objects, in the order in which they are applied.
    ///
    /// # Errors
    /// A flag is missing or makes no sense.
    fn objects(&self, context: &Context<'_>) -> Result<Vec<Manifest>>;

    /// The Secret that is applied before a source, which then refers to it. `--export` leaves it out, as Flux does.
    ///
    /// # Errors
    /// A flag makes no sense, or a host does not show its key.
    fn credentials(&self, _: &Context<'_>) -> Result<Option<Credentials>> {
        Ok(None)
    }
}

/// The credentials of a source, made from its flags.
struct Credentials {
    secret: Manifest,
    /// What they are for, as messages name it.
    what: &'static str,
    /// Nobody is asked whether the public key was added to the repository.
    is_silent: bool,
}

impl Create {
    /// Applies the objects, or prints them.
    pub(crate) fn run(&self, global: &Global) -> Result {
        let (flags, blank_line): (&dyn Objects, bool) = match &self.kind {
            Kind::Kustomization(flags) => (flags, false),
            Kind::Source(Source::Git(flags)) => (flags.as_ref(), false),
            Kind::Source(Source::Oci(flags)) => (flags, false),
            Kind::Source(Source::Bucket(flags)) => (flags, false),
            Kind::Source(Source::Helm(flags)) => (flags.as_ref(), false),
            Kind::Source(Source::Chart(flags)) => (flags, false),
            Kind::Helmrelease(flags) => (flags.as_ref(), false),
            Kind::Secret(secret) => (secret.flags(), secret.ends_with_blank_line()),
            Kind::Alert(flags) => (flags, false),
            Kind::AlertProvider(flags) => (flags, false),
            Kind::Receiver(flags) => (flags, false),
            Kind::Image(image) => (image.flags(), false),
            Kind::Tenant(flags) => (flags, false),
        };
        let Some((name, others)) = flags.name().name.split_first() else {
            return Err(Failure::usage("name is required"));
        };
        if !is_object_name(name) {
            return Err(Failure::usage(format!(
                "name '{name}' is invalid, it should adhere to standard defined in RFC 1123, the name can only contain alphanumeric characters or '-'"
            )));
        }
        for other in others {
            term::warning(&format!("ignoring the argument '{other}'; does it lack '--'?"));
        }
        let context = Context {
            name,
            namespace: &global.namespace,
            interval: self.common.interval,
            labels: labels(&self.common.label)?,
            is_export: self.common.export,
        };
        let objects = flags.objects(&context)?;
        // Flux says so even before it only prints one.
        if self.common.export && matches!(self.kind, Kind::Source(Source::Chart(_))) {
            term::generate("generating HelmChart source");
        }
        if !self.common.export {
            return apply::apply(global, flags, &context, objects);
        }
        let mut text = String::new();
        for object in &objects {
            text.push_str("---\n");
            text.push_str(&object.yaml()?);
        }
        if blank_line {
            text.push('\n');
        }
        term::print(&text)
    }
}

impl Context<'_> {
    /// An object with the name, namespace and labels of the call.
    fn object(&self, api_version: &str, kind: &str) -> Manifest {
        Manifest::new(api_version, kind, self.name, self.namespace).with("/metadata/labels", self.label_map())
    }

    fn label_map(&self) -> Value {
        self.labels.iter().map(|(key, value)| (key.clone(), Value::from(value.clone()))).collect()
    }

    /// The interval as Flux writes it.
    fn interval(&self) -> String {
        self.interval.to_string()
    }
}

/// Whether a name is one that Flux lets objects have.
fn is_object_name(name: &str) -> bool {
    let letter = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    let whole = name.chars().all(|other| letter(other) || other == '-');
    (2..=63).contains(&name.len()) && whole && name.starts_with(letter) && name.ends_with(letter)
}

/// Labels from `key=value`.
fn labels(given: &[String]) -> Result<BTreeMap<String, String>> {
    let mut labels = BTreeMap::new();
    for label in given {
        let Some((key, value)) = label.split_once('=').filter(|(_, value)| !value.contains('=')) else {
            return Err(Failure::usage(format!("invalid label format '{label}', must be key=value")));
        };
        let part = |text: &str| {
            let inner = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
            let outer = |letter: char| letter.is_ascii_alphanumeric();
            text.len() <= 63 && text.chars().all(inner) && text.starts_with(outer) && text.ends_with(outer)
        };
        let (prefix, name) = key.split_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
        if !part(name) || prefix.is_some_and(|prefix| prefix.is_empty() || prefix.len() > 253) {
            return Err(Failure::usage(format!("invalid label '{key}'")));
        }
        if !value.is_empty() && !part(value) {
            return Err(Failure::usage(format!("invalid label value '{value}'")));
        }
        labels.insert(key.to_owned(), value.to_owned());
    }
    Ok(labels)
}

/// A reference `KIND/NAME.NAMESPACE`, of which kind and namespace may be absent.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ObjectReference {
    kind: String,
    name: String,
    namespace: String,
}

impl ObjectReference {
    fn parse(text: &str) -> Self {
        let (kind, rest) = text.split_once('/').unwrap_or(("", text));
        let (name, namespace) = rest.split_once('.').unwrap_or((rest, ""));
        ObjectReference { kind: kind.to_owned(), name: name.to_owned(), namespace: namespace.to_owned() }
    }

    fn value(&self) -> Value {
        Manifest(Value::Null)
            .with("/kind", self.kind.as_str())
            .with("/name", self.name.as_str())
            .with("/namespace", self.namespace.as_str())
            .0
    }
}

/// Reads the address of a git repository, `--url`.
pub(super) fn git_url(text: &str) -> Result<Url> {
    if text.is_empty() {
        return Err(Failure::usage("url is required"));
    }
    let failed = |reason: &dyn std::fmt::Display| {
        Failure::usage(format!("git URL parse failed: parse \"{text}\": {reason}"))
    };
    Url::parse(text).map_err(|error| match (error, text.split_once(':')) {
        // git takes these, the kind GitRepository does not.
        (url::ParseError::RelativeUrlWithoutBase, Some((host, path))) if host.contains('@') => {
            failed(&format!("write ssh://{host}/{}", path.trim_start_matches('/')))
        }
        (url::ParseError::RelativeUrlWithoutBase, _) => Failure::usage(format!(
            "git URL scheme '' not supported, can be: ssh, http and https; '{text}' has to be an address such as \
             https://host/org/repository"
        )),
        (error, _) => failed(&error),
    })
}

/// The entry of a list whose letters are the same, whatever their case.
fn canonical(kinds: &[&'static str], given: &str) -> Option<&'static str> {
    kinds.iter().find(|kind| kind.eq_ignore_ascii_case(given)).copied()
}

/// Reads a file that a flag names.
fn read_file(what: &str, path: &str) -> Result<String> {
    let reason = |error: &std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    };
    std::fs::read_to_string(path)
        .map_err(|error| Failure::failed(format!("unable to read {what}: open {path}: {}", reason(&error))))
}

/// Reads a file with a key, a certificate or the like, which is of no use when it is empty: a Secret without it would
/// fail much later.
fn read_credential(what: &str, path: &str) -> Result<String> {
    let text = read_file(what, path)?;
    match text.trim().is_empty() {
        true => Err(Failure::failed(format!("unable to read {what}: {path} is empty"))),
        false => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::{ObjectReference, is_object_name, labels};

    #[test]
    fn names_are_those_of_hosts() {
        assert!(is_object_name("apps-staging"));
        for bad in ["", "a", "-a", "a-", "A1", "a_b", &"a".repeat(64)] {
            assert!(!is_object_name(bad), "{bad}");
        }
    }

    #[test]
    fn labels_need_a_key_and_a_value() {
        assert!(labels(&["app.kubernetes.io/name=x".to_owned(), "empty=".to_owned()]).is_ok());
        for bad in ["a", "a=b=c", "=b", "a=-", "/a=b"] {
            assert!(labels(&[bad.to_owned()]).is_err(), "{bad}");
        }
    }

    #[test]
    fn references_may_lack_kind_and_namespace() {
        let parts = |text| {
            let ObjectReference { kind, name, namespace } = ObjectReference::parse(text);
            [kind, name, namespace]
        };
        assert_eq!(parts("apps"), ["", "apps", ""]);
        assert_eq!(parts("Bucket/apps.other"), ["Bucket", "apps", "other"]);
    }
}
