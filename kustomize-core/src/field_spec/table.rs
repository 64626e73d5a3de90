//! Lists that cost nothing to copy.

use std::ops::Deref;
use std::sync::Arc;

use crate::yaml::decode::{Decode, Decoder, Mismatch};

/// A list that is either compiled in or shared: the default tables are used as they are, and
/// configurations that were merged once are passed from base to overlay without a copy.
#[derive(Debug)]
pub struct Table<T: 'static>(Rows<T>);

#[derive(Debug)]
enum Rows<T: 'static> {
    Fixed(&'static [T]),
    Shared(Arc<Vec<T>>),
}

impl<T> Table<T> {
    /// A list that is compiled in.
    #[must_use]
    pub const fn fixed(rows: &'static [T]) -> Self {
        Table(Rows::Fixed(rows))
    }

    /// Whether it is compiled in.
    pub(super) fn is_fixed(&self) -> bool {
        matches!(self.0, Rows::Fixed(_))
    }

    /// Whether both are the very same list in memory.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        std::ptr::eq::<[T]>(&**self, &**other)
    }
}

impl<T> Clone for Table<T> {
    fn clone(&self) -> Self {
        Table(match &self.0 {
            Rows::Fixed(rows) => Rows::Fixed(rows),
            Rows::Shared(rows) => Rows::Shared(Arc::clone(rows)),
        })
    }
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Table::fixed(&[])
    }
}

impl<T> Deref for Table<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match &self.0 {
            Rows::Fixed(rows) => rows,
            Rows::Shared(rows) => rows,
        }
    }
}

impl<T> From<Vec<T>> for Table<T> {
    fn from(rows: Vec<T>) -> Self {
        Table(Rows::Shared(Arc::new(rows)))
    }
}

impl<T: PartialEq> PartialEq for Table<T> {
    fn eq(&self, other: &Self) -> bool {
        self.is_same(other) || **self == **other
    }
}

impl<T: Eq> Eq for Table<T> {}

impl<'a, T> IntoIterator for &'a Table<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T: Decode + Default> Decode for Table<T> {
    fn decode(&mut self, decoder: Decoder<'_>) -> Result<(), Mismatch> {
        let mut rows: Vec<T> = Vec::new();
        rows.decode(decoder)?;
        *self = rows.into();
        Ok(())
    }
}
