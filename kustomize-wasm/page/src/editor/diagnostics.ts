// Errors and warnings at their line, with their cure.
import { type Diagnostic, setDiagnostics } from '@codemirror/lint';
import { type Extension, RangeSetBuilder, StateEffect, StateField, type Text } from '@codemirror/state';
import { Decoration, type DecorationSet, EditorView, WidgetType } from '@codemirror/view';

import type { Problem } from '../state';

/** Marks the problems that this file has. */
export function mark(view: EditorView, problems: Problem[]): void {
  const { doc } = view.state;
  const placed = problems.filter((problem) => problem.line !== undefined && problem.line <= doc.lines);
  view.dispatch(setDiagnostics(view.state, placed.map((problem) => diagnostic(doc, problem))));
  view.dispatch({ effects: setLenses.of(placed) });
}

function diagnostic(doc: Text, problem: Problem): Diagnostic {
  const line = doc.line(problem.line ?? 1);
  const from = line.from + offset(line.text, problem.column ?? 1);
  return {
    from,
    to: Math.min(line.to, from + extent(line.text.slice(from - line.from))),
    severity: problem.severity,
    message: problem.hint ? `${problem.message}. ${problem.hint}` : problem.message,
    renderMessage: () => describe(problem),
  };
}

/** Columns count characters, positions count UTF-16 units. */
function offset(text: string, column: number): number {
  return [...text].slice(0, column - 1).join('').length;
}

/** Length of what starts a text, as YAML sees it: a quoted scalar, a key, a word. */
function extent(text: string): number {
  const found = /^("(?:[^"\\]|\\.)*"|'[^']*'|(?::(?=\S)|[^\s:,\]}])+|\s+)/.exec(text);
  return found?.[0].length ?? 1;
}

function describe(problem: Problem): HTMLElement {
  const box = document.createElement('div');
  box.append(problem.message);
  if (problem.hint) {
    const hint = document.createElement('div');
    hint.className = 'cm-hint';
    hint.textContent = `→ ${problem.hint}`;
    box.append(hint);
  }
  return box;
}

class Lens extends WidgetType {
  constructor(readonly problem: Problem) {
    super();
  }

  override eq(other: Lens): boolean {
    const { message, hint, severity } = this.problem;
    return other.problem.message === message && other.problem.hint === hint && other.problem.severity === severity;
  }

  override toDOM(): HTMLElement {
    const dom = describe(this.problem);
    dom.className = `cm-lens cm-lens-${this.problem.severity}`;
    return dom;
  }
}

const setLenses = StateEffect.define<Problem[]>();

const lenses = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(shown, transaction) {
    let next = shown.map(transaction.changes);
    for (const effect of transaction.effects) {
      if (effect.is(setLenses)) {
        next = build(transaction.newDoc, effect.value);
      }
    }
    return next;
  },
  provide: (field) => EditorView.decorations.from(field),
});

function build(doc: Text, problems: Problem[]): DecorationSet {
  const builder = new RangeSetBuilder<Decoration>();
  const sorted = [...problems].sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
  for (const problem of sorted) {
    const line = doc.line(problem.line ?? 1);
    builder.add(line.from, line.from, Decoration.line({ class: `cm-${problem.severity}Line` }));
    builder.add(line.to, line.to, Decoration.widget({ widget: new Lens(problem), block: true, side: 1 }));
  }
  return builder.finish();
}

export const diagnostics: Extension = lenses;
