//! Service accounts: whom a token belongs to.

use std::sync::Arc;

use serde_json::Value;

use crate::state::State;
use crate::storage::{Name, Object};

/// Who issues tokens, and whom they are for unless a request says otherwise.
pub(crate) const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";

/// A service account that a token belongs to.
pub(crate) struct Account {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) audiences: Vec<Value>,
}

/// Whom a token belongs to. `None` if it is not of this process, has expired, is for another audience than one of
/// `audiences`, or if the service account is gone.
pub(crate) fn account(state: &State, token: &str, audiences: &[Value]) -> Option<Account> {
    let claims = state.tokens.claims(token)?;
    if claims["exp"].as_i64()? <= state.clock.now().as_second() {
        return None;
    }
    let given = claims["aud"].as_array()?;
    let own = [Value::from(ISSUER)];
    let wanted = if audiences.is_empty() { &own } else { audiences };
    let audiences: Vec<Value> = given.iter().filter(|audience| wanted.contains(audience)).cloned().collect();
    let bound = &claims["kubernetes.io"];
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let namespace = text(&bound["namespace"])?;
    let (name, uid) = (text(&bound["serviceaccount"]["name"])?, text(&bound["serviceaccount"]["uid"])?);
    let found = find(state, &namespace, &name)?;
    let is_same = found.value["metadata"]["uid"] == *uid;
    (is_same && !audiences.is_empty()).then_some(Account { namespace, name, uid, audiences })
}

fn find(state: &State, namespace: &str, name: &str) -> Option<Arc<Object>> {
    let name = Name { namespace: namespace.to_owned(), name: name.to_owned() };
    state.store.get(&"serviceaccounts".into(), &name)
}

impl Account {
    pub(crate) fn user(&self) -> String {
        format!("system:serviceaccount:{}:{}", self.namespace, self.name)
    }

    pub(crate) fn groups(&self) -> Vec<String> {
        let all = "system:serviceaccounts";
        vec![all.to_owned(), format!("{all}:{}", self.namespace), "system:authenticated".to_owned()]
    }
}
