// Lines that wrap go on below their own beginning. As the page's policy allows no inline styles,
// there is a class for each indentation.
import { type Extension, RangeSetBuilder } from '@codemirror/state';
import { Decoration, type DecorationSet, EditorView, ViewPlugin, type ViewUpdate } from '@codemirror/view';

/** More than this would leave no room on a phone. */
const MOST = 24;
const LEFT = 6;

const lines = Array.from({ length: MOST + 1 }, (_, columns) => Decoration.line({ class: `cm-hang-${columns}` }));

const look = EditorView.theme(
  Object.fromEntries(
    lines.map((_, columns) => [
      `.cm-line.cm-hang-${columns}`,
      { paddingLeft: `calc(${LEFT}px + ${columns}ch)`, textIndent: `-${columns}ch` },
    ]),
  ),
);

/** Columns before the content of a line: spaces, tabs, and the marks of list items. */
function indentation(text: string, tab: number): number {
  let columns = 0;
  for (const letter of /^[ \t]*(?:- +)*/.exec(text)?.[0] ?? '') {
    columns += letter === '\t' ? tab - (columns % tab) : 1;
  }
  return Math.min(columns, MOST);
}

function build(view: EditorView): DecorationSet {
  const builder = new RangeSetBuilder<Decoration>();
  for (const { from, to } of view.visibleRanges) {
    for (let at = from; at <= to; ) {
      const line = view.state.doc.lineAt(at);
      // A line of many thousand characters is read no further than need be.
      const start = view.state.doc.sliceString(line.from, Math.min(line.to, line.from + 4 * MOST));
      const decoration = lines[indentation(start, view.state.tabSize)];
      if (decoration) {
        builder.add(line.from, line.from, decoration);
      }
      at = line.to + 1;
    }
  }
  return builder.finish();
}

const marks = ViewPlugin.fromClass(
  class {
    shown: DecorationSet;

    constructor(view: EditorView) {
      this.shown = build(view);
    }

    update(update: ViewUpdate): void {
      if (update.docChanged || update.viewportChanged) {
        this.shown = build(update.view);
      }
    }
  },
  { decorations: (plugin) => plugin.shown },
);

export const hanging: Extension = [look, marks];
