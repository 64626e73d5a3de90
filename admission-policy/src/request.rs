//! What is about to be done to an object.

use serde_json::{Value, json};

/// What is done to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// It is made.
    Create,
    /// It is changed.
    Update,
    /// It is removed.
    Delete,
}

impl Operation {
    /// The name in rules and requests.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Operation::Create => "CREATE",
            Operation::Update => "UPDATE",
            Operation::Delete => "DELETE",
        }
    }
}

/// Who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserInfo {
    /// The name.
    pub username: String,
    /// The groups.
    pub groups: Vec<String>,
}

/// What is about to be done to an object.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// What is done.
    pub operation: Operation,
    /// The object as it will be; nothing if it is removed.
    pub object: Option<&'a Value>,
    /// The object as it was; nothing if it is made.
    pub old_object: Option<&'a Value>,
    /// The name of the kind in paths, such as `deployments`.
    pub resource: &'a str,
    /// The part of the object that the request is about, such as `status`; empty for the whole.
    pub subresource: &'a str,
    /// Whether nothing is kept.
    pub dry_run: bool,
    /// Who asks.
    pub user: UserInfo,
}

impl<'a> Request<'a> {
    /// A request about a whole object by nobody in particular. If the object is removed, it is the one
    /// that was.
    #[must_use]
    pub fn new(operation: Operation, object: &'a Value, resource: &'a str) -> Self {
        let is_gone = operation == Operation::Delete;
        Request {
            operation,
            object: (!is_gone).then_some(object),
            old_object: is_gone.then_some(object),
            resource,
            subresource: "",
            dry_run: false,
            user: UserInfo::default(),
        }
    }

    /// The object, or the one that was.
    fn subject(&self) -> &Value {
        self.object.or(self.old_object).unwrap_or(&Value::Null)
    }

    fn text(&self, pointer: &str) -> &str {
        self.subject().pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// The group of the object's kind; empty for the core group.
    #[must_use]
    pub fn group(&self) -> &str {
        self.text("/apiVersion").split_once('/').map_or("", |(group, _)| group)
    }

    /// The version of the object's kind.
    #[must_use]
    pub fn version(&self) -> &str {
        let api_version = self.text("/apiVersion");
        api_version.split_once('/').map_or(api_version, |(_, version)| version)
    }

    /// The object's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.text("/metadata/name")
    }

    /// The object's namespace; empty without.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.text("/metadata/namespace")
    }

    /// The kind of the object.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.text("/kind")
    }

    /// The request as expressions see it, and what webhooks are sent besides objects.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let kind = json!({"group": self.group(), "version": self.version(), "kind": self.kind()});
        let resource = json!({"group": self.group(), "version": self.version(), "resource": self.resource});
        json!({
            "kind": kind, "resource": resource, "subResource": self.subresource,
            "requestKind": kind, "requestResource": resource, "requestSubResource": self.subresource,
            "name": self.name(), "namespace": self.namespace(), "operation": self.operation.as_str(),
            "userInfo": {"username": self.user.username, "groups": self.user.groups},
            "dryRun": self.dry_run, "options": {},
        })
    }
}
