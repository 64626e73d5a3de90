//! The fields of Kubernetes' built-in kinds, as Go's types have them.
//!
//! This is more than the OpenAPI document says: which fields are left out when they are empty, which are pointers, and
//! which number each one has in protobuf.
//!
//! ```
//! use kubernetes_types::{Shape, TYPES};
//!
//! let secret = TYPES.of_kind("v1", "Secret").ok_or("there is no such kind")?;
//! let data = TYPES.field(secret, 2).ok_or("there is no such field")?;
//! assert_eq!(data.name, Some("data"));
//! assert!(matches!(&data.shape, Shape::Map(values) if matches!(**values, Shape::Bytes)));
//! # Ok::<(), &str>(())
//! ```

use std::collections::HashMap;
use std::sync::LazyLock;

/// The types of Kubernetes 1.36. `e2e/cluster/cmd/apitypes` writes the table and explains it.
pub static TYPES: LazyLock<Types> = LazyLock::new(|| Types::read(include_str!("types.txt")));

/// All kinds and types.
#[derive(Debug)]
pub struct Types {
    /// The type of each kind, by `apiVersion Kind`.
    kinds: HashMap<&'static str, TypeId>,
    types: Vec<Vec<Field>>,
}

/// One of [`Types`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypeId(usize);

/// A field of a type.
#[derive(Debug)]
pub struct Field {
    /// Its number in protobuf; 0 if it is not there.
    pub number: u64,
    /// Its name in JSON. Without one, its shape is a type whose fields belong to the type around it.
    pub name: Option<&'static str>,
    /// When it is left out of JSON.
    pub omitted: Omitted,
    /// What it holds.
    pub shape: Shape,
}

/// When a field is left out of JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Omitted {
    /// Never.
    Never,
    /// If it is a null pointer, or an empty text, list or map, or zero. A type without a pointer is never empty.
    IfEmpty,
    /// If its type has nothing that is not zero.
    IfZero,
}

/// What a field holds.
#[derive(Debug)]
pub enum Shape {
    /// Text.
    Text,
    /// A truth value.
    Bool,
    /// A whole number.
    Int,
    /// A number.
    Float,
    /// Bytes, which are Base64 in JSON.
    Bytes,
    /// A list.
    List(Box<Shape>),
    /// A map from texts.
    Map(Box<Shape>),
    /// Something, or nothing.
    Pointer(Box<Shape>),
    /// Another type.
    Type(TypeId),
    /// A quantity, such as `100m`.
    Quantity,
    /// A whole number or text.
    IntOrString,
    /// A time to the second.
    Time,
    /// A time to the microsecond.
    MicroTime,
    /// Any JSON.
    Raw,
}

impl Types {
    /// The type of a kind.
    #[must_use]
    pub fn of_kind(&self, api_version: &str, kind: &str) -> Option<TypeId> {
        self.kinds.get(&*format!("{api_version} {kind}")).copied()
    }

    /// The fields of a type, in Go's order.
    pub fn fields(&self, id: TypeId) -> impl Iterator<Item = &Field> {
        self.types.get(id.0).into_iter().flatten()
    }

    /// The field that has this number in protobuf.
    #[must_use]
    pub fn field(&self, id: TypeId, number: u64) -> Option<&Field> {
        self.fields(id).find(|field| field.number == number && number != 0)
    }

    fn read(table: &'static str) -> Self {
        let (kinds, types) = table.split_once("\n\n").unwrap_or_default();
        let types: Vec<(&str, &str)> = types.lines().filter_map(|line| line.split_once(": ")).collect();
        let ids: HashMap<&str, TypeId> =
            types.iter().enumerate().map(|(index, (name, _))| (*name, TypeId(index))).collect();
        let kinds = kinds.lines().filter_map(|line| {
            let (kind, name) = line.rsplit_once(' ')?;
            Some((kind, *ids.get(name)?))
        });
        let fields = |(_, fields): &(_, &'static str)| {
            fields.split(", ").filter_map(|field| Field::read(field, &ids)).collect()
        };
        Types { kinds: kinds.collect(), types: types.iter().map(fields).collect() }
    }
}

impl Field {
    fn read(field: &'static str, ids: &HashMap<&str, TypeId>) -> Option<Self> {
        let mut words = field.split(' ');
        let (number, name, shape) = (words.next()?.parse().ok()?, words.next()?, words.next()?);
        let (name, omitted) = match (name.strip_suffix('?'), name.strip_suffix('!')) {
            (Some(name), _) => (name, Omitted::IfEmpty),
            (_, Some(name)) => (name, Omitted::IfZero),
            _ => (name, Omitted::Never),
        };
        let name = (name != "-").then_some(name);
        Some(Field { number, name, omitted, shape: Shape::read(shape, ids) })
    }
}

impl Shape {
    fn read(text: &str, ids: &HashMap<&str, TypeId>) -> Self {
        let inner = |rest| Box::new(Shape::read(rest, ids));
        match text.split_at_checked(1) {
            Some(("[", rest)) => return Shape::List(inner(rest)),
            Some(("{", rest)) => return Shape::Map(inner(rest)),
            Some(("*", rest)) => return Shape::Pointer(inner(rest)),
            Some(("=", rest)) => return ids.get(rest).map_or(Shape::Raw, |id| Shape::Type(*id)),
            _ => {}
        }
        match text {
            "s" => Shape::Text,
            "b" => Shape::Bool,
            "i" => Shape::Int,
            "f" => Shape::Float,
            "bytes" => Shape::Bytes,
            "Quantity" => Shape::Quantity,
            "IntOrString" => Shape::IntOrString,
            "Time" => Shape::Time,
            "MicroTime" => Shape::MicroTime,
            _ => Shape::Raw,
        }
    }
}
