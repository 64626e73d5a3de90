//! Policies, and what they find in objects.

use std::fmt;

use admission_policy::{Action, Lookup, Request};
use serde_json::Value;

use crate::Error;
use crate::constraint::{self, Constraint};
use crate::program::{Module, Program};
use crate::worker::{Task, Work, Worker};

/// What a policy has against an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule, as `main.deny`, or the constraint, as `K8sRequiredLabels/owner`.
    pub policy: String,
    /// Why, in the policy's words.
    pub message: String,
    /// What follows.
    pub action: Action,
}

impl Finding {
    /// Whether the object is refused.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        self.action == Action::Deny
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { policy, message, .. } = self;
        let verb = if self.is_denied() { "denied request" } else { "warned" };
        write!(f, "Rego policy '{policy}' {verb}: {message}")
    }
}

/// Modules, templates and constraints.
#[derive(Clone, Debug, Default)]
pub struct Policies {
    programs: Vec<Program>,
    /// Which rules of which program an object is given to.
    users: Vec<(usize, User)>,
}

/// Who wants a program to be evaluated.
#[derive(Clone, Debug)]
enum User {
    /// Modules with `package main`, for every object.
    Main,
    Constraint(Box<Constraint>),
}

impl Policies {
    /// Modules by conftest's convention, and the templates and constraints among objects.
    ///
    /// # Errors
    /// A template or a constraint cannot be read, or needs what is not supported.
    pub fn new(modules: Vec<Module>, objects: &[Value]) -> Result<Self, Error> {
        let mut policies = Policies::default();
        if !modules.is_empty() {
            policies.users.push((0, User::Main));
            policies.programs.push(Program { modules, entry: None });
        }
        for (program, constraints) in constraint::read(objects)? {
            let index = policies.programs.len();
            policies.programs.push(program);
            policies
                .users
                .extend(constraints.into_iter().map(|one| (index, User::Constraint(Box::new(one)))));
        }
        Ok(policies)
    }

    /// Whether nothing is ever found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.users.is_empty()
    }

    /// What the policies have against each of some requests, in their order.
    ///
    /// # Errors
    /// A module has a mistake, fails, or exceeds its limits.
    pub fn check(
        &self,
        worker: &Worker,
        requests: &[Request<'_>],
        lookup: &impl Lookup,
    ) -> Result<Vec<Vec<Finding>>, Error> {
        let mut findings = vec![Vec::new(); requests.len()];
        if self.programs.is_empty() {
            return Ok(findings);
        }
        let (mut tasks, mut owners) = (Vec::new(), Vec::new());
        for (index, request) in requests.iter().enumerate() {
            for (program, user) in &self.users {
                let input = match user {
                    User::Main => request.object.cloned(),
                    User::Constraint(one) => one.matches(request, lookup).then(|| one.input(request)),
                };
                let Some(input) = input else { continue };
                let subject = format!("{} {}", request.kind(), request.name());
                tasks.push(Task { program: *program, input, subject });
                owners.push((index, user));
            }
        }
        let answers = worker.run(&Work { programs: self.programs.clone(), tasks })?;
        for ((index, user), found) in owners.into_iter().zip(answers) {
            if let Some(list) = findings.get_mut(index) {
                list.extend(found.iter().map(|one| user.finding(one)));
            }
        }
        Ok(findings)
    }
}

impl User {
    fn finding(&self, found: &crate::program::Found) -> Finding {
        let message = found.message.clone();
        match self {
            User::Main => {
                let action = if found.rule.starts_with("warn") { Action::Warn } else { Action::Deny };
                Finding { policy: format!("main.{}", found.rule), message, action }
            }
            User::Constraint(one) => {
                Finding { policy: format!("{}/{}", one.kind, one.name), message, action: one.action }
            }
        }
    }
}
