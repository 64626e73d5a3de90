//! Hash maps and sets. They keep the order of insertion, so that what is iterated over is the same
//! in every run, and hash with foldhash, which is several times faster than the standard hasher and
//! seeded at random.

/// An [`indexmap::IndexMap`] with a fast hasher.
pub(crate) type IndexMap<K, V> = indexmap::IndexMap<K, V, foldhash::fast::RandomState>;

/// An [`indexmap::IndexSet`] with a fast hasher.
pub(crate) type IndexSet<T> = indexmap::IndexSet<T, foldhash::fast::RandomState>;
