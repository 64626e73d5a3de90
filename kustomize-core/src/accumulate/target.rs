//! One kustomization: reading its file, and the order in which its parts take effect.

use super::accumulator::Accumulator;
use super::{generators, resources, transformers};
use crate::build_context::BuildContext;
use crate::error::{BuildError, ErrorKind};
use crate::field_spec::{TransformerConfig, configurations, crds};
use crate::kustomization::{self, Kustomization};
use crate::loader::Loader;
use crate::references;
use crate::resource::Origin;
use crate::schema::Schema;
use crate::yaml::decode::Spanned;
use crate::yaml::reader::{read_config, read_config_strict};
use crate::yaml::{FileId, Node, Pos, SourceText};

/// A kustomization that is being accumulated: kustomize's `KustTarget`.
pub(super) struct Target<'a> {
    pub(super) loader: Loader<'a>,
    pub(super) kustomization: Kustomization,
    /// Name of the kustomization file in the loader's root.
    pub(super) file_name: &'static str,
    /// Where this kustomization stands, seen from the root of the build; kept only when the root's
    /// `buildMetadata` asks for something.
    pub(super) origin: Option<Origin>,
    /// Namespace that helm charts inherit from an overlay.
    pub(super) helm_namespace: String,
}

impl<'a> Target<'a> {
    /// Reads the kustomization file of a directory.
    pub(super) fn load(cx: &BuildContext<'a>, loader: Loader<'a>) -> Result<Self, BuildError> {
        cx.cancellation.check()?;
        let file = loader.find_kustomization()?;
        let root = read_config(&file.text, file.file)?;
        let kustomization = kustomization::parse(root.as_ref(), Pos::new(file.file, 0), cx)?;
        Ok(Target {
            loader,
            kustomization,
            file_name: file.name,
            origin: None,
            helm_namespace: String::new(),
        })
    }

    /// Puts this kustomization's `openapi` in force, unless one is already: the first that is met
    /// from the root down counts, and a later one is not even looked at.
    pub(super) fn put_schema_in_force(&self, cx: &BuildContext<'_>) -> Result<(), BuildError> {
        let openapi = &self.kustomization.openapi;
        let document = match openapi.get("path") {
            Some(path) => Some(self.text(path)?),
            None => None,
        };
        if cx.has_custom_schema() {
            return Ok(());
        }
        let file = document.as_ref().map(|(file, _)| *file);
        let version = openapi.get("version").map(|version| version.as_str());
        let key = format!("{version:?} {file:?} {:?}", cx.schema().asked());
        let document = match document {
            Some((file, text)) => Some(read_config(&text, file)?.unwrap_or_else(Node::null)),
            None => None,
        };
        if let Some(schema) = Schema::from_field(openapi, document.as_ref(), cx.schema())? {
            cx.set_schema(schema, key);
        }
        Ok(())
    }

    /// Namespace that helm charts in its bases inherit.
    pub(super) fn helm_namespace_below(&self) -> &str {
        match self.kustomization.namespace.as_str() {
            "" => &self.helm_namespace,
            namespace => namespace,
        }
    }

    /// Everything below and in this kustomization, transformed.
    pub(super) fn accumulate(&mut self, cx: &BuildContext<'a>) -> Result<Accumulator, BuildError> {
        self.accumulate_into(cx, Accumulator::default())
    }

    /// The same, on top of what a parent has gathered: how components work.
    pub(super) fn accumulate_into(
        &mut self,
        cx: &BuildContext<'a>,
        mut accumulator: Accumulator,
    ) -> Result<Accumulator, BuildError> {
        let paths = std::mem::take(&mut self.kustomization.resources);
        resources::accumulate(cx, self, &mut accumulator, &paths)?;
        self.merge_configurations(&mut accumulator)?;
        generators::run(cx, self, &mut accumulator)?;
        let components = std::mem::take(&mut self.kustomization.components);
        accumulator.lineage.is_opaque |= !components.is_empty();
        for component in &components {
            accumulator = resources::accumulate_component(cx, self, accumulator, component)?;
        }
        transformers::run(cx, self, &mut accumulator)?;
        transformers::validate(cx, self, &mut accumulator)?;
        accumulator.lineage.is_opaque |= !self.kustomization.vars.is_empty();
        references::bind_vars(&mut accumulator.set, &self.kustomization.vars, cx)?;
        accumulator.vars.merge(&self.kustomization.vars)?;
        Ok(accumulator)
    }

    /// Puts the field specs of this kustomization over those of its bases. The files of a kind are
    /// merged with each other first, then with the defaults: see [`TransformerConfig::merge_all`].
    fn merge_configurations(&self, accumulator: &mut Accumulator) -> Result<(), BuildError> {
        let mut custom = Vec::new();
        for path in &self.kustomization.configurations {
            let (file, text) = self.text(path)?;
            custom.push(configurations::load(read_config_strict(&text, file)?.as_ref())?);
        }
        let config = TransformerConfig::default_config().merge(&TransformerConfig::merge_all(custom)?)?;
        accumulator.config = accumulator.config.merge(&config)?;
        let mut definitions = Vec::new();
        for path in &self.kustomization.crds {
            let (file, text) = self.text(path)?;
            if text.is_empty() {
                // kustomize falls over it.
                let error = BuildError::new(ErrorKind::Transformer, "the file is empty");
                return Err(error.at(Pos::new(file, 0)));
            }
            definitions.push(crds::load(read_config(&text, file)?.as_ref())?);
        }
        accumulator.config = accumulator.config.merge(&TransformerConfig::merge_all(definitions)?)?;
        Ok(())
    }

    fn text(&self, path: &Spanned<String>) -> Result<(FileId, SourceText), BuildError> {
        self.loader.text(path).map_err(|error| error.at(path.pos))
    }

    /// An error unless the kind is what the place asks for.
    pub(super) fn expect_kind(&self, component: bool, pos: Pos) -> Result<(), BuildError> {
        let is_component = self.kustomization.kind == "Component";
        let root = self.loader.root();
        let (message, help) = match (component, is_component) {
            (true, false) => (
                format!("{root} is a {}, not a Component", self.kustomization.kind),
                "list it under `resources`, or give it `kind: Component` and \
                 `apiVersion: kustomize.config.k8s.io/v1alpha1`",
            ),
            (false, true) => {
                (format!("{root} is a Component"), "list it under `components` instead of `resources`")
            }
            _ => return Ok(()),
        };
        Err(BuildError::new(ErrorKind::Kustomization, message).at(pos).with_help(help))
    }
}
