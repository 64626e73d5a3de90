//! CustomResourceDefinitions such as controller-gen writes: deep, and mostly descriptions.

use std::fmt::Write as _;

/// A stream of `count` CustomResourceDefinitions, some 70 KB each.
#[must_use]
pub fn crds(count: usize) -> String {
    let mut text = String::new();
    for number in 0..count {
        // Writing to a string does not fail.
        let _ = write!(text, "{}", HEAD.replace("KIND", &format!("Widget{number}")));
        properties(&mut text, 12, 3);
    }
    text
}

const HEAD: &str = "\
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  annotations:
    controller-gen.kubebuilder.io/version: v0.21.0
  name: KIND.example.com
spec:
  group: example.com
  names:
    kind: KIND
    plural: KINDs
  scope: Namespaced
  versions:
  - additionalPrinterColumns:
    - description: Time duration since creation
      jsonPath: .metadata.creationTimestamp
      name: Age
      type: date
    name: v1
    schema:
      openAPIV3Schema:
";

/// The fields of one object, and those of the objects and lists in it.
fn properties(text: &mut String, indent: usize, levels: usize) {
    let at = |further: usize| " ".repeat(indent + further);
    let (here, field, value, line) = (at(0), at(2), at(4), at(6));
    // Writing to a string does not fail.
    let _ = write!(
        text,
        "\
{here}properties:
{field}apiVersion:
{value}description: |-
{line}APIVersion defines the versioned schema of this representation of an object.
{line}Servers should convert recognized schemas to the latest internal value, and
{line}may reject unrecognized values.
{line}More info: https://example.com/conventions.md#resources
{value}type: string
{field}certificateValidityPeriodDays:
{value}description: |-
{line}certificateValidityPeriodDays specifies the validity period for certificates.
{line}If not specified, a default of 365 days (1 year) is used.
{value}format: int32
{value}maximum: 1095
{value}minimum: 1
{value}type: integer
{field}mode:
{value}default: Enabled
{value}description: mode says what is done, and 'Disabled' that nothing is.
{value}enum:
{value}- Enabled
{value}- Disabled
{value}type: string
{field}selector:
{value}additionalProperties:
{line}type: string
{value}description: selector is a map of {{key,value}} pairs.
{value}type: object
{value}x-kubernetes-map-type: atomic
"
    );
    if levels > 0 {
        for name in ["nested", "other", "template"] {
            let _ = writeln!(text, "{field}{name}:\n{value}description: {name} holds further fields.");
            properties(text, indent + 4, levels - 1);
        }
        let _ = writeln!(text, "{field}items:\n{value}items:");
        properties(text, indent + 6, levels - 1);
        let _ = writeln!(text, "{value}type: array");
    }
    let _ = writeln!(text, "{here}required:\n{here}- mode\n{here}type: object");
}
