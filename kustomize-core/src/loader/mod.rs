//! How paths in a kustomization become files, directories and repositories, and what it may not load.
