//! The flags with which `kubectl` and `flux` change how a cluster is reached. Every command has them, except where it
//! has a flag of the same name that means something else.

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};
use kube::config::{
    AuthInfo, Context, KubeConfigOptions, Kubeconfig, NamedAuthInfo, NamedCluster, NamedContext,
};

use super::{Failure, Result};

/// What makes a command take the namespace from the kubeconfig, as `--ns-follows-kube-context` does.
const FOLLOWS: &str = "FLUX_NS_FOLLOWS_KUBE_CONTEXT";
/// The name of what the flags describe, in a kubeconfig that is made for it.
const NAME: &str = "flags";

/// Flags with one value, whose name in help is in the middle.
const TEXTS: [(&str, &str, &str); 14] = [
    ("connection.as", "USER", "User to act as; a service account is system:serviceaccount:NAMESPACE:NAME"),
    ("connection.as-uid", "UID", "UID to act as"),
    ("connection.cache-dir", "DIRECTORY", "Accepted for compatibility: nothing is cached"),
    ("connection.certificate-authority", "FILE", "File with the CA certificate of the API server"),
    ("connection.client-certificate", "FILE", "File with the client certificate for the API server"),
    ("connection.client-key", "FILE", "File with the key of the client certificate"),
    ("connection.cluster", "NAME", "Cluster of the kubeconfig to use"),
    ("connection.kube-api-burst", "NUMBER", "Accepted for compatibility: requests are not rate-limited"),
    ("connection.kube-api-qps", "NUMBER", "Accepted for compatibility: requests are not rate-limited"),
    ("connection.request-timeout", "DURATION", "Accepted for compatibility: see --timeout"),
    ("connection.server", "ADDRESS", "Address of the API server"),
    ("connection.tls-server-name", "NAME", "Name to expect in the API server's certificate"),
    ("connection.token", "TOKEN", "Token for the API server"),
    ("connection.user", "NAME", "User of the kubeconfig to use"),
];
/// Flags with any number of values.
const LISTS: [(&str, &str, &str); 2] = [
    ("connection.as-group", "GROUP", "Group to act as; can be repeated"),
    ("connection.as-user-extra", "KEY=VALUE", "Extra information about the user to act as; can be repeated"),
];
/// Flags that are given or not.
const SWITCHES: [(&str, &str); 3] = [
    ("connection.disable-compression", "Do not ask the API server to compress its answers"),
    ("connection.insecure-skip-tls-verify", "Do not check the API server's certificate"),
    (
        "connection.ns-follows-kube-context",
        "Take the namespace from the kubeconfig's context unless --namespace is given",
    ),
];

/// What the names of the arguments begin with, since commands have arguments of their own with the same words.
const PREFIX: &str = "connection.";

/// The name of a flag among the arguments of a command.
fn id(flag: &str) -> String {
    format!("{PREFIX}{flag}")
}

/// Gives a command and all below it the flags.
pub(crate) fn add(command: Command) -> Command {
    let valued = |action: ArgAction| {
        move |&(name, value, help): &(&'static str, &'static str, &'static str)| {
            (name, Arg::new(name).action(action.clone()).value_name(value).help(help))
        }
    };
    let text = TEXTS.iter().map(valued(ArgAction::Set));
    let list = LISTS.iter().map(valued(ArgAction::Append));
    let switch =
        SWITCHES.iter().map(|&(name, help)| (name, Arg::new(name).action(ArgAction::SetTrue).help(help)));
    let mut command = command;
    for (name, argument) in text.chain(list).chain(switch) {
        let flag = name.trim_start_matches(PREFIX);
        if command.get_arguments().any(|own| own.get_long() == Some(flag)) {
            continue;
        }
        let argument = argument.long(flag).help_heading("Connection to the cluster");
        command = command.arg(argument.hide_short_help(true));
    }
    command.mut_subcommands(add)
}

/// How a cluster is reached, beyond its kubeconfig.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connection {
    cluster: Option<String>,
    user: Option<String>,
    server: Option<String>,
    tls_server_name: Option<String>,
    certificate_authority: Option<String>,
    client_certificate: Option<String>,
    client_key: Option<String>,
    token: Option<String>,
    as_user: Option<String>,
    as_uid: Option<String>,
    as_groups: Vec<String>,
    as_extra: Vec<(String, String)>,
    is_insecure: bool,
    is_uncompressed: bool,
    /// The namespace is that of the kubeconfig's context.
    follows_context: bool,
}

impl Connection {
    /// Reads the flags of a command line, which can stand at any of its words.
    ///
    /// # Errors
    /// A value makes no sense.
    pub(crate) fn of(matches: &ArgMatches) -> Result<Self> {
        let mut levels = vec![matches];
        while let Some((_, inner)) = levels.last().and_then(|level| level.subcommand()) {
            levels.push(inner);
        }
        // The last word wins.
        levels.reverse();
        let text = |flag: &str| {
            let name = id(flag);
            let found = levels.iter().find_map(|level| level.try_get_one::<String>(&name).ok().flatten());
            found.filter(|value| !value.is_empty()).cloned()
        };
        let list = |flag: &str| -> Vec<String> {
            let name = id(flag);
            let found = levels.iter().filter_map(|level| level.try_get_many::<String>(&name).ok().flatten());
            found.flatten().cloned().collect()
        };
        let switch = |flag: &str| {
            let name = id(flag);
            levels.iter().any(|level| matches!(level.try_get_one::<bool>(&name), Ok(Some(true))))
        };
        let pair = |text: String| match text.split_once('=') {
            Some((key, value)) => Ok((key.to_owned(), value.to_owned())),
            None => Err(Failure::usage(format!("--as-user-extra {text} has to be KEY=VALUE"))),
        };
        let has_namespace = matches.value_source("namespace") == Some(ValueSource::CommandLine);
        let follows = switch("ns-follows-kube-context")
            || std::env::var_os(FOLLOWS).is_some_and(|value| !value.is_empty());
        let connection = Connection {
            cluster: text("cluster"),
            user: text("user"),
            server: text("server"),
            tls_server_name: text("tls-server-name"),
            certificate_authority: text("certificate-authority"),
            client_certificate: text("client-certificate"),
            client_key: text("client-key"),
            token: text("token"),
            as_user: text("as"),
            as_uid: text("as-uid"),
            as_groups: list("as-group"),
            as_extra: list("as-user-extra").into_iter().map(pair).collect::<Result<_>>()?,
            is_insecure: switch("insecure-skip-tls-verify"),
            is_uncompressed: switch("disable-compression"),
            follows_context: follows && !has_namespace,
        };
        let acts_further = connection.as_uid.is_some()
            || !connection.as_groups.is_empty()
            || !connection.as_extra.is_empty();
        if acts_further && connection.as_user.is_none() {
            return Err(Failure::usage("--as-uid, --as-group and --as-user-extra need --as"));
        }
        if connection.is_insecure && connection.certificate_authority.is_some() {
            return Err(Failure::usage(
                "--certificate-authority and --insecure-skip-tls-verify cannot be used together",
            ));
        }
        if connection.client_certificate.is_some() != connection.client_key.is_some() {
            return Err(Failure::usage("--client-certificate and --client-key need each other"));
        }
        Ok(connection)
    }

    /// Whether a cluster is described without a kubeconfig.
    pub(crate) fn has_server(&self) -> bool {
        self.server.is_some()
    }

    /// Which entries of a kubeconfig are used.
    pub(crate) fn options(&self, context: Option<&str>) -> KubeConfigOptions {
        KubeConfigOptions {
            context: context.map(str::to_owned),
            cluster: self.cluster.clone(),
            user: self.user.clone(),
        }
    }

    /// The namespace of a kubeconfig's context, if it is to be used and there is one.
    pub(crate) fn namespace(&self, file: &Kubeconfig, context: Option<&str>) -> Option<String> {
        self.follows_context
            .then(|| chosen(file, context)?.namespace.filter(|name| !name.is_empty()))
            .flatten()
    }

    /// Whether the namespace depends on the kubeconfig.
    pub(crate) fn follows_context(&self) -> bool {
        self.follows_context
    }

    /// The kubeconfig with what the flags change in what it describes. What names nothing in it is left for the
    /// reader to report.
    pub(crate) fn apply(&self, file: Kubeconfig, options: &mut KubeConfigOptions) -> Kubeconfig {
        let context = chosen(&file, options.context.as_deref());
        if !self.changes() || (context.is_none() && !self.has_server()) {
            return file;
        }
        let context = context.unwrap_or_default();
        let name = options.cluster.as_ref().unwrap_or(&context.cluster);
        let found = file.clusters.iter().find(|known| known.name == *name);
        if found.is_none() && !self.has_server() {
            return file;
        }
        let mut cluster = found.and_then(|known| known.cluster.clone()).unwrap_or_default();
        let name = options.user.as_ref().or(context.user.as_ref());
        let found = file.auth_infos.iter().find(|known| Some(&known.name) == name);
        if found.is_none() && name.is_some_and(|name| !name.is_empty()) {
            return file;
        }
        let mut user = found.and_then(|known| known.auth_info.clone()).unwrap_or_default();
        if let Some(server) = &self.server {
            let address = if server.contains("://") { server.clone() } else { format!("https://{server}") };
            cluster.server = Some(address);
            // That was the name of the other server.
            cluster.tls_server_name = None;
        }
        if self.is_insecure || self.certificate_authority.is_some() {
            cluster.insecure_skip_tls_verify = Some(self.is_insecure);
            cluster.certificate_authority.clone_from(&self.certificate_authority);
            cluster.certificate_authority_data = None;
        }
        if self.tls_server_name.is_some() {
            cluster.tls_server_name.clone_from(&self.tls_server_name);
        }
        if self.is_uncompressed {
            cluster.disable_compression = Some(true);
        }
        self.authenticate(&mut user);
        *options = KubeConfigOptions::default();
        let mut made = file;
        made.clusters =
            vec![NamedCluster { name: NAME.to_owned(), cluster: Some(cluster), ..Default::default() }];
        made.auth_infos =
            vec![NamedAuthInfo { name: NAME.to_owned(), auth_info: Some(user), ..Default::default() }];
        let context = Context { cluster: NAME.to_owned(), user: Some(NAME.to_owned()), ..context };
        made.contexts =
            vec![NamedContext { name: NAME.to_owned(), context: Some(context), ..Default::default() }];
        made.current_context = Some(NAME.to_owned());
        made
    }

    fn authenticate(&self, user: &mut AuthInfo) {
        // A token or certificate that is given replaces whatever else the user has, which the server may prefer.
        if self.token.is_some() || self.client_certificate.is_some() {
            *user = AuthInfo {
                impersonate: user.impersonate.take(),
                impersonate_uid: user.impersonate_uid.take(),
                impersonate_groups: user.impersonate_groups.take(),
                impersonate_user_extra: user.impersonate_user_extra.take(),
                token: self.token.clone().map(Into::into),
                client_certificate: self.client_certificate.clone(),
                client_key: self.client_key.clone(),
                ..AuthInfo::default()
            };
        }
        if let Some(name) = &self.as_user {
            user.impersonate = Some(name.clone());
            user.impersonate_uid.clone_from(&self.as_uid);
            user.impersonate_groups = (!self.as_groups.is_empty()).then(|| self.as_groups.clone());
            let mut extra: std::collections::HashMap<String, Vec<String>> = Default::default();
            for (key, value) in &self.as_extra {
                extra.entry(key.clone()).or_default().push(value.clone());
            }
            user.impersonate_user_extra = (!extra.is_empty()).then_some(extra);
        }
    }

    fn changes(&self) -> bool {
        let texts = [
            &self.server,
            &self.tls_server_name,
            &self.certificate_authority,
            &self.client_certificate,
            &self.token,
            &self.as_user,
        ];
        texts.iter().any(|text| text.is_some()) || self.is_insecure || self.is_uncompressed
    }
}

/// The context of a kubeconfig that is used.
fn chosen(file: &Kubeconfig, context: Option<&str>) -> Option<Context> {
    let name = context.or(file.current_context.as_deref())?;
    file.contexts.iter().find(|known| known.name == name)?.context.clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"{
        "clusters": [
            {"name": "a", "cluster": {"server": "https://a:6443", "certificate-authority-data": "YQ==", "tls-server-name": "x"}},
            {"name": "b", "cluster": {"server": "https://b:6443"}}
        ],
        "users": [{"name": "u", "user": {"client-certificate-data": "YQ==", "client-key-data": "YQ=="}}],
        "contexts": [{"name": "c", "context": {"cluster": "a", "user": "u", "namespace": "apps"}}],
        "current-context": "c"
    }"#;

    fn matches(line: &str) -> ArgMatches {
        let inner = Command::new("receiver").arg(Arg::new("token").long("token"));
        let command = Command::new("x")
            .arg(Arg::new("namespace").long("namespace").default_value("flux-system"))
            .subcommand(Command::new("create").subcommand(inner))
            .subcommand(Command::new("get"));
        add(command).try_get_matches_from(line.split(' ')).unwrap()
    }

    fn connection(line: &str) -> Connection {
        Connection::of(&matches(line)).unwrap()
    }

    fn file() -> Kubeconfig {
        serde_json::from_str(FILE).unwrap()
    }

    fn changed(line: &str) -> Kubeconfig {
        let connection = connection(line);
        let mut options = connection.options(None);
        connection.apply(file(), &mut options)
    }

    #[test]
    fn a_flag_can_stand_before_and_after_the_words_of_a_command() {
        assert_eq!(connection("x --as=a get --as=b").as_user.as_deref(), Some("b"));
        assert_eq!(connection("x --as=a get").as_user.as_deref(), Some("a"));
        assert_eq!(connection("x get --as=a --as-group=g --as-group=h").as_groups, ["g", "h"]);
    }

    #[test]
    fn a_flag_of_the_command_itself_is_not_sent_to_the_cluster() {
        let matches = matches("x create receiver --token=webhook");
        assert_eq!(Connection::of(&matches).unwrap().token, None);
    }

    #[test]
    fn only_what_is_named_changes_in_a_kubeconfig() {
        assert_eq!(changed("x get").contexts[0].name, "c");
        let given = changed("x get --server=other:1 --token=t");
        let cluster = given.clusters[0].cluster.as_ref().unwrap();
        assert_eq!(cluster.server.as_deref(), Some("https://other:1"));
        assert_eq!(cluster.certificate_authority_data.as_deref(), Some("YQ=="));
        assert_eq!(cluster.tls_server_name, None);
        let user = given.auth_infos[0].auth_info.as_ref().unwrap();
        assert!(user.token.is_some() && user.client_certificate_data.is_none());
        let other = changed("x get --cluster=b --as=me --insecure-skip-tls-verify");
        let cluster = other.clusters[0].cluster.as_ref().unwrap();
        assert_eq!(
            (cluster.server.as_deref(), cluster.insecure_skip_tls_verify),
            (Some("https://b:6443"), Some(true))
        );
        let user = other.auth_infos[0].auth_info.as_ref().unwrap();
        assert_eq!(user.impersonate.as_deref(), Some("me"));
        assert!(user.client_certificate_data.is_some());
    }

    #[test]
    fn a_server_needs_no_kubeconfig() {
        let connection = connection("x get --server=http://localhost:1 --token=t");
        let made = connection.apply(Kubeconfig::default(), &mut connection.options(None));
        assert_eq!(
            made.clusters[0].cluster.as_ref().and_then(|found| found.server.as_deref()),
            Some("http://localhost:1")
        );
    }

    #[test]
    fn the_namespace_follows_the_context_unless_one_is_given() {
        let follow = |line: &str| connection(line).namespace(&file(), None);
        assert_eq!(follow("x get --ns-follows-kube-context").as_deref(), Some("apps"));
        assert_eq!(follow("x --namespace=b get --ns-follows-kube-context"), None);
        assert_eq!(follow("x get"), None);
    }

    #[test]
    fn flags_that_need_each_other_are_refused_alone() {
        for line in ["x get --as-group=a", "x get --client-key=a", "x --as=a get --as-user-extra=b"] {
            assert!(Connection::of(&matches(line)).is_err(), "{line}");
        }
    }
}
