//! Makes `kustomize-core/src/schema/table.rs` from kustomize's Kubernetes OpenAPI bundle.
//!
//! Only what merging needs survives: which kinds are cluster-scoped, which lists merge by which
//! keys, and the fields that lead there. Types that lead to the same places are made one, the way
//! the states of an automaton are minimised.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;

use serde_json::Value;

use crate::Failure;

const OUTPUT: &str = "kustomize-core/src/schema/table.rs";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The bundle: JSON, unpacked; `-` is standard input
    file: String,
}

/// Reads the bundle and writes the table.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let file = args.file.as_str();
    let text = read(file)?;
    let bundle: Value = serde_json::from_str(&text).map_err(|error| format!("{file}: {error}"))?;
    let table = Table::build(&bundle)?.render()?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("xtask stands in no workspace")?;
    let output = root.join(OUTPUT);
    std::fs::write(&output, table).map_err(|error| format!("{}: {error}", output.display()))?;
    Ok(())
}

fn read(file: &str) -> Result<String, String> {
    if file != "-" {
        return std::fs::read_to_string(file).map_err(|error| format!("{file}: {error}"));
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(|error| format!("standard input: {error}"))?;
    Ok(text)
}

/// A type of the schema: where its fields, its other values and its elements lead.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Shape {
    fields: BTreeMap<String, usize>,
    /// Type of the values of a map with free keys.
    values: Option<usize>,
    /// Merge keys and type of the elements, for lists that merge.
    list: Option<(Vec<String>, usize)>,
}

/// A kind: its scope, if known, and its type, if that leads to a list that merges.
#[derive(Default)]
struct Kind {
    cluster: Option<bool>,
    shape: Option<usize>,
}

struct Table {
    shapes: Vec<Shape>,
    kinds: BTreeMap<(String, String), Kind>,
    /// Types by the names of their definitions, to which custom schemas may refer.
    definitions: BTreeMap<String, usize>,
}

impl Table {
    fn build(bundle: &Value) -> Result<Table, String> {
        let mut walk = Walk { definitions: &bundle["definitions"], shapes: Vec::new(), seen: HashMap::new() };
        let mut kinds = BTreeMap::new();
        for resource in bundle["resources"].as_array().ok_or("no resources in the bundle")? {
            let text = |field: &str| resource[field].as_str().map(str::to_owned);
            let (Some(kind), Some(version)) = (text("kind"), text("apiVersion")) else { continue };
            let shape = match text("definition") {
                Some(name) => Some(walk.shape(&bundle["definitions"][&name])?),
                None => None,
            };
            let cluster = text("scope").map(|scope| scope == "Cluster");
            kinds.insert((kind, version), Kind { cluster, shape });
        }
        let mut definitions = BTreeMap::new();
        for (name, definition) in bundle["definitions"].as_object().into_iter().flatten() {
            definitions.insert(name.clone(), walk.shape(definition)?);
        }
        let mut table = Table { shapes: walk.shapes, kinds, definitions };
        table.drop_what_does_not_merge();
        table.minimise();
        Ok(table)
    }

    /// Kinds and definitions that lead to no list that merges are as good as unknown.
    fn drop_what_does_not_merge(&mut self) {
        let mut merges: Vec<bool> = self.shapes.iter().map(|shape| shape.list.is_some()).collect();
        loop {
            let next: Vec<bool> =
                self.shapes.iter().map(|s| s.list.is_some() || targets(s).any(|at| merges[at])).collect();
            if next == merges {
                break;
            }
            merges = next;
        }
        for kind in self.kinds.values_mut() {
            kind.shape = kind.shape.filter(|&at| merges[at]);
        }
        self.kinds.retain(|_, kind| kind.shape.is_some() || kind.cluster.is_some());
        self.definitions.retain(|_, at| merges[*at]);
    }

    /// Makes types that lead to the same places one, and drops those that nothing leads to.
    fn minimise(&mut self) {
        let mut class = vec![0; self.shapes.len()];
        let mut count = 1;
        let classes = loop {
            let renamed: Vec<Shape> = self.shapes.iter().map(|shape| rename(shape, &class)).collect();
            let distinct: BTreeSet<&Shape> = renamed.iter().collect();
            let number: BTreeMap<&Shape, usize> =
                distinct.iter().enumerate().map(|(at, s)| (*s, at)).collect();
            class = renamed.iter().map(|shape| number[shape]).collect();
            if number.len() == count {
                break number.len();
            }
            count = number.len();
        };
        let mut shapes = vec![Shape::default(); classes];
        for (at, shape) in self.shapes.iter().enumerate() {
            shapes[class[at]] = rename(shape, &class);
        }
        self.shapes = shapes;
        self.rename_roots(&class);
        self.drop_unreachable();
    }

    fn drop_unreachable(&mut self) {
        let mut number: BTreeMap<usize, usize> = BTreeMap::new();
        let mut order = Vec::new();
        let mut todo: Vec<usize> = self
            .kinds
            .values()
            .filter_map(|kind| kind.shape)
            .chain(self.definitions.values().copied())
            .collect();
        while let Some(at) = todo.pop() {
            if number.contains_key(&at) {
                continue;
            }
            number.insert(at, order.len());
            order.push(at);
            todo.extend(targets(&self.shapes[at]));
        }
        let class: Vec<usize> =
            (0..self.shapes.len()).map(|at| number.get(&at).copied().unwrap_or(0)).collect();
        self.shapes = order.iter().map(|&at| rename(&self.shapes[at], &class)).collect();
        self.rename_roots(&class);
    }

    fn rename_roots(&mut self, class: &[usize]) {
        for kind in self.kinds.values_mut() {
            kind.shape = kind.shape.map(|at| class[at]);
        }
        for at in self.definitions.values_mut() {
            *at = class[*at];
        }
    }

    fn render(&self) -> Result<String, String> {
        let names: BTreeSet<&str> =
            self.shapes.iter().flat_map(|shape| shape.fields.keys().map(String::as_str)).collect();
        let names: Vec<&str> = names.into_iter().collect();
        let key_lists: BTreeSet<&Vec<String>> =
            self.shapes.iter().filter_map(|shape| shape.list.as_ref().map(|(keys, _)| keys)).collect();
        let key_lists: Vec<&Vec<String>> = key_lists.into_iter().collect();
        if names.len() > 255 || self.shapes.len() > 255 || key_lists.len() > 255 {
            return Err("the table has outgrown its bytes: widen the numbers in it".to_owned());
        }
        let mut fields = Vec::new();
        let mut types = String::new();
        let mut first = 0;
        for shape in &self.shapes {
            for (name, target) in &shape.fields {
                let name = names.binary_search(&name.as_str()).unwrap_or_default();
                fields.push(format!("({name}, {target})"));
            }
            let keys = shape.list.as_ref().map_or_else(none, |(keys, _)| {
                key_lists.binary_search(&keys).map_or_else(|_| none(), |at| at.to_string())
            });
            let rest = shape.list.as_ref().map(|(_, element)| *element).or(shape.values);
            let rest = rest.map_or_else(none, |at| at.to_string());
            let count = shape.fields.len();
            let _ = writeln!(
                types,
                "    Type {{ first: {first}, fields: {count}, keys: {keys}, rest: {rest} }},"
            );
            first += count;
        }
        let mut kinds = String::new();
        for ((kind, version), entry) in &self.kinds {
            let scope = match entry.cluster {
                Some(true) => "Cluster",
                Some(false) => "Namespaced",
                None => "Unknown",
            };
            let shape = entry.shape.map_or_else(none, |at| at.to_string());
            let _ = writeln!(
                kinds,
                "    Kind {{ kind: {kind:?}, api_version: {version:?}, scope: Scope::{scope}, shape: {shape} }},"
            );
        }
        let mut definitions = String::new();
        for (name, shape) in &self.definitions {
            let _ = writeln!(definitions, "    ({name:?}, {shape}),");
        }
        let fields = lines(&fields);
        let names = lines(&names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>());
        let keys = lines(&key_lists.iter().map(|keys| format!("&{keys:?}")).collect::<Vec<_>>());
        Ok(format!(
            "//! The built-in schema: generated by `cargo xtask schema-table`, not edited by hand.\n\n\
             use super::builtin::{{Kind, NONE, Scope, Type}};\n\n\
             /// Kinds, by name and then by `apiVersion`.\n\
             #[rustfmt::skip]\npub(super) static KINDS: &[Kind] = &[\n{kinds}];\n\n\
             /// Types by the names of their definitions, sorted.\n\
             #[rustfmt::skip]\npub(super) static DEFINITIONS: &[(&str, u8)] = &[\n{definitions}];\n\n\
             /// Types: a range of [`FIELDS`], merge keys in [`KEYS`], the type of elements or of values.\n\
             #[rustfmt::skip]\npub(super) static TYPES: &[Type] = &[\n{types}];\n\n\
             /// Fields of types, each run sorted by name: index in [`NAMES`], index in [`TYPES`].\n\
             #[rustfmt::skip]\npub(super) static FIELDS: &[(u8, u8)] = &[\n{fields}];\n\n\
             /// Names of fields, sorted.\n\
             #[rustfmt::skip]\npub(super) static NAMES: &[&str] = &[\n{names}];\n\n\
             /// Merge keys of lists.\n\
             #[rustfmt::skip]\npub(super) static KEYS: &[&[&str]] = &[\n{keys}];\n"
        ))
    }
}

/// Array elements, as many to a line as fit.
fn lines(elements: &[String]) -> String {
    let mut text = String::new();
    let mut width = 0;
    for element in elements {
        if width > 0 && width + element.len() > 100 {
            text.push('\n');
            width = 0;
        }
        let space = if width == 0 { "    " } else { " " };
        let _ = write!(text, "{space}{element},");
        width += space.len() + element.len() + 1;
    }
    text.push('\n');
    text
}

/// What stands for "no type" in the table.
fn none() -> String {
    "NONE".to_owned()
}

fn targets(shape: &Shape) -> impl Iterator<Item = usize> + '_ {
    let list = shape.list.as_ref().map(|(_, element)| *element);
    shape.fields.values().copied().chain(shape.values).chain(list)
}

fn rename(shape: &Shape, class: &[usize]) -> Shape {
    Shape {
        fields: shape.fields.iter().map(|(name, at)| (name.clone(), class[*at])).collect(),
        values: shape.values.map(|at| class[at]),
        list: shape.list.as_ref().map(|(keys, at)| (keys.clone(), class[*at])),
    }
}

/// Turns definitions into shapes, each once.
struct Walk<'a> {
    definitions: &'a Value,
    shapes: Vec<Shape>,
    /// Shape of a schema, by the schema's address.
    seen: HashMap<*const Value, usize>,
}

impl<'a> Walk<'a> {
    fn shape(&mut self, schema: &'a Value) -> Result<usize, String> {
        let schema = self.resolve(schema)?;
        if let Some(&at) = self.seen.get(&std::ptr::from_ref(schema)) {
            return Ok(at);
        }
        let at = self.shapes.len();
        self.seen.insert(std::ptr::from_ref(schema), at);
        self.shapes.push(Shape::default());
        let mut shape = Shape::default();
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            let field = self.resolve(field)?;
            if leads_on(field) {
                shape.fields.insert(name.clone(), self.shape(field)?);
            }
        }
        let values = &schema["additionalProperties"];
        if values.is_object() {
            let values = self.resolve(values)?;
            if leads_on(values) {
                shape.values = Some(self.shape(values)?);
            }
        }
        if schema["type"] == "array" && merges(schema) {
            shape.list = Some((merge_keys(schema), self.shape(&schema["items"])?));
        }
        self.shapes[at] = shape;
        Ok(at)
    }

    fn resolve(&self, mut schema: &'a Value) -> Result<&'a Value, String> {
        while let Some(reference) = schema["$ref"].as_str() {
            let name = reference.rsplit('/').next().unwrap_or_default();
            schema = &self.definitions[name];
            if schema.is_null() {
                return Err(format!("{reference} leads nowhere"));
            }
        }
        Ok(schema)
    }
}

/// Maps lead on, and lists that merge; other lists are taken as they are.
fn leads_on(schema: &Value) -> bool {
    match schema["type"].as_str() {
        Some("array") => merges(schema),
        Some("string" | "integer" | "number" | "boolean") => false,
        _ => true,
    }
}

fn merges(schema: &Value) -> bool {
    let strategy = schema["x-kubernetes-patch-strategy"].as_str().unwrap_or_default();
    strategy.split(',').any(|part| part == "merge")
}

fn merge_keys(schema: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    match schema["x-kubernetes-list-map-keys"].as_array() {
        Some(keys) => keys.iter().filter_map(text).collect(),
        None => text(&schema["x-kubernetes-patch-merge-key"]).into_iter().collect(),
    }
}
