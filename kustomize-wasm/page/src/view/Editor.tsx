import { EditorState } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import { effect, untracked } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';

import { mark } from '../editor/diagnostics';
import { editing, shadow } from '../editor/setup';
import { files, generation, jump, open, problems, write } from '../state';
import { Problems } from './Problems';

/** The editor of the open file. Each file keeps its own history and cursor. */
export function Editor() {
  const host = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const root = shadow(host.current as HTMLDivElement);
    const view = new EditorView({ parent: root, root });
    const states = new Map<string, EditorState>();
    let shown = { path: '', generation: -1 };

    const fresh = (path: string, doc: string) =>
      EditorState.create({
        doc,
        extensions: [
          editing(path),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) {
              write(path, update.state.doc.toString());
            }
          }),
        ],
      });

    const stop = [
      effect(() => {
        const [path, number] = [open.value, generation.value];
        untracked(() => {
          if (number !== shown.generation) {
            states.clear();
          } else if (shown.path) {
            states.set(shown.path, view.state);
          }
          shown = { path, generation: number };
          const content = files.value.get(path);
          const text = typeof content === 'string' ? content : '';
          const before = states.get(path);
          // A file that was deleted and created again does not get its old text back.
          view.setState(before?.doc.toString() === text ? before : fresh(path, text));
        });
      }),
      effect(() => {
        const path = open.value;
        const here = problems.value.filter((problem) => problem.file === path);
        void generation.value;
        mark(view, here);
      }),
      effect(() => {
        const target = jump.value;
        void open.value;
        if (!target) {
          return;
        }
        const line = view.state.doc.line(Math.min(target.line, view.state.doc.lines));
        const head = Math.min(line.to, line.from + target.column - 1);
        view.dispatch({ selection: { anchor: head }, effects: EditorView.scrollIntoView(head, { y: 'center' }) });
        view.focus();
        jump.value = undefined;
      }),
    ];
    return () => {
      stop.forEach((end) => end());
      view.destroy();
    };
  }, []);

  const isText = typeof files.value.get(open.value) === 'string';
  return (
    <section class="pane editor" aria-label="Editor">
      <header class="pane-head">
        <Path path={open.value} />
      </header>
      <div class="code" ref={host} hidden={!isText} />
      {!isText && <p class="empty">{open.value ? 'This file is not text. It is rendered as it is.' : 'There are no files.'}</p>}
      <Problems />
    </section>
  );
}

function Path({ path }: { path: string }) {
  const parts = path.split('/');
  return (
    <h2 class="path" title={path}>
      {parts.slice(0, -1).map((part, at) => (
        <span key={at} class="path-part">
          {part}
          <i>/</i>
        </span>
      ))}
      <b>{parts.at(-1)}</b>
    </h2>
  );
}
