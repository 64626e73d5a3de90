//! Go's templates, with values that print and have fields as Go's structs do, and the functions of Sprig.
//!
//! The library knows maps only. Structs are maps with hidden entries, and keys that are structs are texts of
//! a form of their own; the parsed template is rewritten so that every field access and all that is
//! printed goes through functions that know them.

mod functions;
mod rewrite;
mod structure;

use gotmpl::parse::Parser;
use gotmpl::{FuncMap, Template};
use thiserror::Error;

pub use gotmpl::Value;
pub use structure::{key, structure};

/// Why a template makes no text.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TemplateError {
    /// It is no template.
    #[error("{0}")]
    Syntax(String),
    /// It fails for this data.
    #[error("{0}")]
    Execution(String),
}

/// Makes a text of a template and data. The name is that of the template in errors.
pub fn render(name: &str, text: &str, data: &Value) -> Result<String, TemplateError> {
    let failed = |failure: gotmpl::TemplateError| TemplateError::Syntax(without_column(name, &failure));
    let parser = Parser::with_name(Some(name), text, "{{", "}}").map_err(failed)?;
    let (body, defines) = parser.parse().map_err(failed)?;
    let mut functions = FuncMap::new();
    functions::add_to(&mut functions);
    structure::add_to(&mut functions);
    let rewriter = rewrite::Rewriter::new(name, text, &functions);
    let mut template = Template::new(name).add_parse_tree(name, rewriter.list(body)?);
    for define in defines {
        if !define.body.is_empty_tree() || template.lookup(&define.name).is_none() {
            template = template.add_parse_tree(&define.name, rewriter.list(define.body)?);
        }
    }
    template
        .funcs(functions)
        .execute_template_to_string(name, data)
        .map_err(|failure| TemplateError::Execution(execution(name, &failure)))
}

/// Go's parser gives the line only.
fn without_column(name: &str, failure: &gotmpl::TemplateError) -> String {
    match failure {
        gotmpl::TemplateError::Lex { line, message, .. }
        | gotmpl::TemplateError::Parse { line, message, .. } => {
            format!("template: {name}:{line}: {message}")
        }
        other => format!("template: {name}: {other}"),
    }
}

/// Failures that functions report already say where they are.
fn execution(name: &str, failure: &gotmpl::TemplateError) -> String {
    match failure {
        gotmpl::TemplateError::Exec(message) if message.starts_with("template: ") => message.clone(),
        gotmpl::TemplateError::Exec(message) => format!("template: {name}: {message}"),
        other => format!("template: {name}: {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{TemplateError, Value, key, render, structure};

    fn data() -> Value {
        let object = key("x.Id", "{Deployment a}", &[("Kind", "Deployment"), ("Name", "a")]);
        let other = key("x.Id", "{Deployment b}", &[("Kind", "Deployment"), ("Name", "b")]);
        let change =
            structure("x.Change", "{1 2}", vec![("Old", Value::from("1")), ("New", Value::from("2"))]);
        let objects = [(other, Value::from(vec![])), (object, Value::from(vec![change]))];
        let objects = Value::from(objects.into_iter().collect::<std::collections::BTreeMap<String, Value>>());
        structure("x.Data", "data", vec![("Objects", objects), ("Name", Value::from("name"))])
    }

    #[test]
    fn structs_have_fields_and_print_as_in_go() -> Result<(), TemplateError> {
        let cases = [
            ("{{ . }} {{ .Name | upper }} {{ $.Name }}", "data NAME name"),
            (
                "{{ range $id, $all := .Objects }}{{ $id.Kind }}/{{ $id.Name }}{{ range $all }} {{ .Old }}>{{ .New }}{{ end }};{{ end }}",
                "Deployment/a 1>2;Deployment/b;",
            ),
            (
                "{{ range $id, $_ := .Objects }}{{ printf \"%s\" $id }}{{ end }}",
                "{Deployment a}{Deployment b}",
            ),
            ("{{ with .Objects }}{{ len . }}{{ end }}{{ if eq .Name \"name\" }}!{{ end }}", "2!"),
            ("{{ define \"x\" }}<{{ .Name }}>{{ end }}{{ template \"x\" . }}", "<name>"),
            ("{{ $x := .Name }}{{ $x = $x | trunc 2 }}{{ $x }}", "na"),
        ];
        for (text, wanted) in cases {
            assert_eq!(render("t", text, &data())?, wanted, "{text}");
        }
        Ok(())
    }

    #[test]
    fn failures_read_as_in_go() {
        let cases = [
            (
                "{{ .Foo }}",
                "template: t:1:3: executing \"t\" at <.Foo>: can't evaluate field Foo in type x.Data",
            ),
            (
                "\n{{ .Name.Foo.Bar }}",
                "template: t:2:8: executing \"t\" at <.Name.Foo.Bar>: can't evaluate field Foo in type string",
            ),
            ("{{ foo }}", "template: t:1: function \"foo\" not defined"),
            ("{{ .Name", "template: t:1: unclosed action"),
        ];
        for (text, wanted) in cases {
            let failure = render("t", text, &data()).map_err(|failure| failure.to_string());
            assert_eq!(failure, Err(wanted.to_owned()), "{text}");
        }
    }
}
