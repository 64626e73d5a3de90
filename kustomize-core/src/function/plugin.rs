//! Plugins as programs.

use super::executable::Executable;
use super::spec::FunctionSpec;
use super::{bookkeeping, disabled, outcome, run};
use crate::context::Context;
use crate::error::BuildError;
use crate::generate::Generator;
use crate::loader::Loader;
use crate::resource::{Resource, ResourceSet};
use crate::transform::Transformer;

/// A generator, transformer or validator that is a program.
pub(crate) struct Plugin<'a> {
    pub(super) loader: Loader<'a>,
    /// What configures it, and is handed to it.
    config: Resource,
    program: Program,
}

enum Program {
    Function(FunctionSpec),
    Executable(Executable),
}

impl<'a> Plugin<'a> {
    /// The plugin that a configuration asks for which is not builtin.
    ///
    /// # Errors
    /// External plugins are not allowed; the annotation that describes a function is wrong; there
    /// is no executable for the kind.
    pub(crate) fn load(loader: Loader<'a>, config: Resource) -> Result<Self, BuildError> {
        let cx = loader.context();
        let about = |error: BuildError| error.about(config.id(cx.schema())).at(config.node.pos);
        if !cx.options.enable_plugins {
            return Err(about(disabled(cx, &config)));
        }
        let program = match FunctionSpec::of(&config, cx).map_err(about)? {
            Some(spec) => Program::Function(spec),
            None => Program::Executable(Executable::find(&loader, &config).map_err(about)?),
        };
        Ok(Plugin { loader, config, program })
    }

    /// What it gives back for these resources; the configuration itself stands in for none.
    fn run(&self, cx: &Context, resources: &[Resource]) -> Result<Vec<Resource>, BuildError> {
        let output = match &self.program {
            Program::Function(spec) => run::function(&self.loader, spec, &self.config, resources)?,
            Program::Executable(executable) => executable.run(&self.loader, &self.config, resources)?,
        };
        outcome::parse(cx, &format!("{} {}", self.config.kind(), self.config.name()), output)
    }

    fn about(&self, error: BuildError) -> BuildError {
        error.about(self.config.id(self.loader.context().schema())).at(self.config.node.pos)
    }
}

impl Generator for Plugin<'_> {
    fn generate(&self, cx: &Context) -> Result<Vec<Resource>, BuildError> {
        let mut resources = self.run(cx, &[]).map_err(|error| self.about(error))?;
        for resource in &mut resources {
            bookkeeping::drop_temporary(resource);
            outcome::take_generator_options(resource).map_err(|error| self.about(error))?;
        }
        Ok(resources)
    }
}

impl Transformer for Plugin<'_> {
    fn transform(&self, set: &mut ResourceSet, cx: &Context) -> Result<(), BuildError> {
        let input: Vec<Resource> =
            set.iter().map(|resource| bookkeeping::written_out(resource, cx.schema())).collect();
        let mut output = self.run(cx, &input).map_err(|error| self.about(error))?;
        drop(input);
        output.iter_mut().for_each(bookkeeping::drop_temporary);
        outcome::update(set, output, cx.schema()).map_err(|error| self.about(error))
    }
}
