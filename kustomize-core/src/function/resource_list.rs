//! What functions read: a `ResourceList`, the KRM functions specification's envelope.

use super::bookkeeping::set_annotation;
use crate::error::BuildError;
use crate::resource::Resource;
use crate::yaml::print;

const LOCAL_CONFIG: &str = "config.kubernetes.io/local-config";

/// The configuration as functions see it. Some give it back among the resources; the annotation
/// keeps it out of the build's output.
pub(super) fn local_config(config: &Resource) -> Resource {
    let mut config = config.clone();
    set_annotation(&mut config, LOCAL_CONFIG, "true");
    config
}

/// The envelope with resources and configuration, in kustomize's order of fields. Where there
/// are no resources, the configuration is one: functions that make resources expect to be given
/// some.
pub(super) fn write(config: &Resource, resources: &[Resource]) -> Result<Vec<u8>, BuildError> {
    let mut list = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n".to_owned();
    let mut item = String::new();
    let alone = std::slice::from_ref(config);
    for (index, resource) in if resources.is_empty() { alone } else { resources }.iter().enumerate() {
        let mut resource = resource.clone();
        number(&mut resource, index);
        item.clear();
        print(&resource.node, &mut item)?;
        indent(&item, "- ", &mut list);
    }
    list.push_str("functionConfig:\n");
    item.clear();
    print(&config.node, &mut item)?;
    indent(&item, "  ", &mut list);
    Ok(list.into_bytes())
}

/// The place of a resource in the list, in the annotations that functions look for.
fn number(resource: &mut Resource, index: usize) {
    for (annotation, number) in [
        ("config.k8s.io/id", index + 1),
        ("config.kubernetes.io/index", index),
        ("internal.config.kubernetes.io/annotations-migration-resource-id", index),
        ("internal.config.kubernetes.io/id", index + 1),
        ("internal.config.kubernetes.io/index", index),
    ] {
        set_annotation(resource, annotation, &number.to_string());
    }
}

/// Appends YAML two columns further to the right, with something in these columns of its first line.
fn indent(yaml: &str, first: &str, out: &mut String) {
    let mut margin = first;
    for line in yaml.lines() {
        if !line.is_empty() {
            out.push_str(margin);
            out.push_str(line);
        }
        out.push('\n');
        margin = "  ";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_their_distance() {
        let mut out = String::new();
        indent("a: |\n  b\n\n  c\n", "- ", &mut out);
        assert_eq!(out, "- a: |\n    b\n\n    c\n");
    }
}
