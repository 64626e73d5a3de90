//! Rewrites a parsed template so that structs work in it.

use gotmpl::FuncMap;
use gotmpl::parse::{
    ActionNode, BranchNode, CommandNode, Expr, ListNode, Node, PipeNode, Pos, SmolStr, TemplateNode,
};

use super::TemplateError;
use super::structure::{GET, SHOW};

/// Functions of the library, and those of them that print what they are given.
const BUILTIN: [&str; 18] = [
    "and", "call", "eq", "ge", "gt", "html", "index", "js", "le", "len", "lt", "ne", "not", "or", "print",
    "printf", "println", "urlquery",
];
const PRINTING: [&str; 6] = ["html", "js", "print", "printf", "println", "urlquery"];

/// How many bytes of the source an error shows.
const SHOWN: usize = 20;

/// Rewrites the parts of one template.
pub(super) struct Rewriter<'a> {
    name: &'a str,
    text: &'a str,
    functions: &'a FuncMap,
}

impl<'a> Rewriter<'a> {
    /// For a template of this name and text, which may use these functions besides the library's.
    pub(super) fn new(name: &'a str, text: &'a str, functions: &'a FuncMap) -> Self {
        Self { name, text, functions }
    }

    /// Rewrites a list of nodes.
    pub(super) fn list(&self, list: ListNode) -> Result<ListNode, TemplateError> {
        let nodes = list.nodes.into_iter().map(|node| self.node(node)).collect::<Result<_, _>>()?;
        Ok(ListNode { nodes, ..list })
    }

    fn node(&self, node: Node) -> Result<Node, TemplateError> {
        Ok(match node {
            Node::List(list) => Node::List(self.list(list)?),
            Node::Action(action) => {
                let mut pipe = self.pipe(action.pipe)?;
                if pipe.decl.is_empty() {
                    pipe.commands.push(call(action.pos, SHOW, Vec::new()));
                }
                Node::Action(ActionNode { pipe, ..action })
            }
            Node::If(branch) => Node::If(self.branch(branch)?),
            Node::Range(branch) => Node::Range(self.branch(branch)?),
            Node::With(branch) => Node::With(self.branch(branch)?),
            Node::Template(template) => {
                let pipe = template.pipe.map(|pipe| self.pipe(pipe)).transpose()?;
                Node::Template(TemplateNode { pipe, ..template })
            }
            other @ (Node::Text(_) | Node::Define(_) | Node::Break(_) | Node::Continue(_)) => other,
        })
    }

    fn branch(&self, branch: BranchNode) -> Result<BranchNode, TemplateError> {
        Ok(BranchNode {
            pos: branch.pos,
            pipe: self.pipe(branch.pipe)?,
            body: self.list(branch.body)?,
            else_body: branch.else_body.map(|list| self.list(list)).transpose()?,
        })
    }

    fn pipe(&self, pipe: PipeNode) -> Result<PipeNode, TemplateError> {
        let mut commands = Vec::with_capacity(pipe.commands.len());
        for command in pipe.commands {
            let prints = matches!(
                command.args.first(), Some(Expr::Identifier(_, name)) if PRINTING.contains(&name.as_str())
            );
            if prints && !commands.is_empty() {
                commands.push(call(command.pos, SHOW, Vec::new()));
            }
            let mut args = Vec::with_capacity(command.args.len());
            for (index, arg) in command.args.into_iter().enumerate() {
                let pos = arg.pos();
                let arg = self.expression(arg)?;
                args.push(if prints && index > 0 { piped(pos, call(pos, SHOW, vec![arg])) } else { arg });
            }
            commands.push(CommandNode { args, ..command });
        }
        Ok(PipeNode { commands, ..pipe })
    }

    fn expression(&self, expression: Expr) -> Result<Expr, TemplateError> {
        Ok(match expression {
            Expr::Field(pos, fields) => self.get(pos, "", Expr::Dot(pos), &fields),
            Expr::Variable(pos, name, fields) if !fields.is_empty() => {
                let variable = Expr::Variable(pos, name.clone(), Vec::new());
                self.get(pos, &name, variable, &fields)
            }
            Expr::Chain(pos, inner, fields) => {
                let inner = self.expression(*inner)?;
                self.get(pos, "()", inner, &fields)
            }
            Expr::Pipe(pos, pipe) => Expr::Pipe(pos, self.pipe(pipe)?),
            Expr::Identifier(pos, name) => {
                let known = BUILTIN.contains(&name.as_str()) || self.functions.contains_key(name.as_str());
                if !known || name.starts_with('\0') {
                    return Err(TemplateError::Syntax(format!(
                        "template: {}:{}: function \"{name}\" not defined",
                        self.name, pos.line
                    )));
                }
                Expr::Identifier(pos, name)
            }
            other => other,
        })
    }

    /// The call that gets fields of a value. `before` is how the value is written.
    fn get(&self, pos: Pos, before: &str, value: Expr, fields: &[SmolStr]) -> Expr {
        let fields_text = fields.iter().fold(String::new(), |text, field| text + "." + field);
        let whole = format!("{before}{fields_text}");
        // Go counts from where the second of several parts begins.
        let first = fields.first().filter(|_| before.is_empty() && fields.len() > 1);
        let skipped = first.map_or(before.len(), |first| first.len() + 1);
        let start = self.text.get(..pos.offset).and_then(|text| text.rfind('\n')).map_or(0, |line| line + 1);
        let column = pos.offset.saturating_sub(start) + skipped;
        let cut = (0..=SHOWN.min(whole.len())).rev().find(|end| whole.is_char_boundary(*end)).unwrap_or(0);
        let shown = if whole.len() > SHOWN { format!("{}...", &whole[..cut]) } else { whole };
        let place = format!(
            "template: {}:{}:{column}: executing \"{}\" at <{shown}>",
            self.name, pos.line, self.name
        );
        let mut args = vec![Expr::String(pos, place.into()), value];
        args.extend(fields.iter().map(|field| Expr::String(pos, field.as_str().into())));
        piped(pos, call(pos, GET, args))
    }
}

/// A call of a function.
fn call(pos: Pos, function: &str, args: Vec<Expr>) -> CommandNode {
    let name = Expr::Identifier(pos, function.into());
    CommandNode { pos, args: std::iter::once(name).chain(args).collect() }
}

/// A command as an expression.
fn piped(pos: Pos, command: CommandNode) -> Expr {
    Expr::Pipe(pos, PipeNode { pos, decl: Vec::new(), commands: vec![command], is_assign: false })
}
