//! The recursion over bases, components and overlays: the only place that knows the order of things.
