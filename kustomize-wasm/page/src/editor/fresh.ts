// Shows a new text in place of the old one, and lets what changed light up.
import { type ChangeSpec, StateEffect, StateField } from '@codemirror/state';
import { Decoration, type DecorationSet, EditorView } from '@codemirror/view';

const setFresh = StateEffect.define<{ from: number; to: number } | null>();

export const fresh = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(shown, transaction) {
    for (const effect of transaction.effects) {
      if (effect.is(setFresh)) {
        if (!effect.value) {
          return Decoration.none;
        }
        const { doc } = transaction.state;
        const first = doc.lineAt(effect.value.from).number;
        const last = Math.min(doc.lineAt(effect.value.to).number, first + 400);
        const lines = [];
        for (let line = first; line <= last; line++) {
          lines.push(Decoration.line({ class: 'cm-fresh' }).range(doc.line(line).from));
        }
        return Decoration.set(lines);
      }
    }
    return shown.map(transaction.changes);
  },
  provide: (field) => EditorView.decorations.from(field),
});

/** Replaces the text by as small a change as a look at both ends finds, which keeps the scroll. */
export function replace(view: EditorView, text: string, highlight: boolean): void {
  const old = view.state.doc.toString();
  if (old === text) {
    return;
  }
  let start = 0;
  const shortest = Math.min(old.length, text.length);
  while (start < shortest && old[start] === text[start]) {
    start++;
  }
  let end = 0;
  while (end < shortest - start && old[old.length - 1 - end] === text[text.length - 1 - end]) {
    end++;
  }
  const changes: ChangeSpec = { from: start, to: old.length - end, insert: text.slice(start, text.length - end) };
  const effects = setFresh.of(highlight ? { from: start, to: text.length - end } : null);
  view.dispatch({ changes, effects });
}
