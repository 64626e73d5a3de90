//! The values that a chart is rendered with.

use super::{HelmGenerator, aliases, generator_error};
use crate::error::BuildError;
use crate::merge::merge;
use crate::yaml::{Map, Node, print, read, read_config};

/// What wins where both `valuesInline` and the values file say something (`valuesMerge`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Precedence {
    /// `override`: `valuesInline` over the file.
    Inline,
    /// `merge`: the file over `valuesInline`.
    File,
    /// `replace`: `valuesInline` alone.
    InlineAlone,
}

impl Precedence {
    pub(super) fn parse(text: &str) -> Result<Self, BuildError> {
        match text {
            "" | "override" => Ok(Precedence::Inline),
            "merge" => Ok(Precedence::File),
            "replace" => Ok(Precedence::InlineAlone),
            other => {
                let message = format!("valuesMerge is one of merge, override and replace, not '{other}'");
                Err(generator_error(message).field("valuesMerge"))
            }
        }
    }
}

impl HelmGenerator<'_> {
    /// Content of the values file for helm.
    pub(super) fn values(&self) -> Result<Vec<u8>, BuildError> {
        let file = &self.chart.values_file;
        let at = |error: BuildError| error.at(file.pos).field("valuesFile");
        let inline = match &self.chart.values_inline {
            Some(inline) if inline.as_map().is_some_and(|map| !map.is_empty()) => inline,
            _ => return self.loader.bytes(file).map_err(at),
        };
        let mut inline = inline.clone();
        let values = if self.precedence == Precedence::InlineAlone {
            inline
        } else {
            let mut file = self.values_of_file().map_err(at)?;
            aliases::lose(self.loader.context(), &mut file, &mut inline, self.precedence)?;
            match self.precedence {
                Precedence::File => self.merged(inline, &file)?,
                _ => self.merged(file, &inline)?,
            }
        };
        let mut text = String::new();
        print(&values, &mut text)?;
        Ok(text.into_bytes())
    }

    fn values_of_file(&self) -> Result<Node, BuildError> {
        let (file, text) = self.loader.text(&self.chart.values_file)?;
        if let Some(values) = read(&text, file)?.into_iter().next() {
            return Ok(values);
        }
        // A document that is null is no empty text.
        read_config(&text, file)?.ok_or_else(|| {
            let message = "the values file is empty, so that valuesInline cannot be merged with it";
            generator_error(message).with_help("put `{}` into it, or say `valuesMerge: replace`")
        })
    }

    /// One map of values over another.
    fn merged(&self, mut below: Node, above: &Node) -> Result<Node, BuildError> {
        let is_left = merge(&mut below, above, "", self.loader.context().schema(), &[])?;
        Ok(if is_left { below } else { Node::map(Map::new()) })
    }
}
