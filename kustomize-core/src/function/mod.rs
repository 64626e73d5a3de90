//! KRM functions: generators, transformers and validators that are programs.
