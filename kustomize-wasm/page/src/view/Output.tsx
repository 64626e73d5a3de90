import { EditorState } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import { computed, effect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';

import { fresh, replace } from '../editor/fresh';
import { reading, shadow } from '../editor/setup';
import { copyResult, count, error, milliseconds, overlay, problems, rendered } from '../state';
import { Icon } from './Icon';
import { Entry } from './Problems';

/** Where each resource starts in the output. */
const outline = computed(() => {
  const result = rendered.value;
  if (!result) {
    return [];
  }
  // Only a separator of documents stands at the start of a line: all else is below a field.
  const starts = [0];
  for (let at = result.yaml.indexOf('\n---\n'); at >= 0; at = result.yaml.indexOf('\n---\n', at + 1)) {
    starts.push(at + 5);
  }
  return result.resources.map((resource, at) => ({
    kind: resource.kind,
    name: resource.metadata?.name ?? '',
    start: starts[at] ?? 0,
  }));
});

/** The rendered resources. While there is an error, those of the last good rendering, without colours. */
export function Output() {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  useEffect(() => {
    const root = shadow(host.current as HTMLDivElement);
    const state = EditorState.create({ extensions: [reading('Rendered resources'), fresh] });
    const editor = new EditorView({ parent: root, root, state });
    view.current = editor;
    let before = '';
    const stop = effect(() => {
      const text = rendered.value?.yaml ?? '';
      const same = before === overlay.value;
      if (text) {
        before = overlay.value;
      }
      replace(editor, text, same && text !== '');
    });
    return () => {
      stop();
      editor.destroy();
    };
  }, []);

  const go = (start: number) => {
    const editor = view.current;
    const at = Math.min(start, editor?.state.doc.length ?? 0);
    editor?.dispatch({ selection: { anchor: at }, effects: EditorView.scrollIntoView(at, { y: 'start', yMargin: 8 }) });
    editor?.focus();
  };
  const failed = error.value;
  const list = outline.value;
  return (
    <section class="pane output" aria-label="Result">
      <header class="pane-head">
        <h2>Result</h2>
        <Status />
        <button
          class="tool"
          title="Copy the rendered YAML"
          aria-label="Copy the rendered YAML"
          disabled={!!failed || list.length === 0}
          onClick={() => void copyResult()}
        >
          <Icon name="copy" />
        </button>
      </header>
      {failed && (
        <div class="failure" role="alert">
          {problems.value.map((problem, at) => (
            <Entry key={at} problem={problem} />
          ))}
          {list.length > 0 && <p class="note">Below: the last good rendering.</p>}
        </div>
      )}
      {list.length > 0 && (
        <nav class="outline" aria-label="Resources">
          {list.slice(0, 300).map(({ kind, name, start }, at) => (
            <button key={at} class="chip" onClick={() => go(start)} title={`${kind} ${name}`}>
              <i>{kind}</i>
              <span>{name}</span>
            </button>
          ))}
        </nav>
      )}
      <div class={`code ${failed ? 'stale' : ''}`} ref={host} hidden={list.length === 0} />
      {!failed && rendered.value && list.length === 0 && <p class="empty">This kustomization renders to nothing.</p>}
      {!overlay.value && (
        <p class="empty">
          There is no <code>kustomization.yaml</code> here. Drop a folder or a zip, or load the demo.
        </p>
      )}
    </section>
  );
}

function Status() {
  const failed = error.value;
  const result = rendered.value;
  if (failed) {
    return (
      <span class="status bad">
        <Icon name="error" /> does not render
      </span>
    );
  }
  if (!result) {
    return null;
  }
  const warnings = result.warnings.length;
  return (
    <span class="status" data-testid="status">
      {warnings > 0 && (
        <b class="warn">
          <Icon name="warning" /> {count(warnings, 'warning')}
        </b>
      )}
      <span>{count(result.resources.length, 'resource')}</span>
      <span class="time">{time(milliseconds.value)}</span>
    </span>
  );
}

function time(milliseconds: number | undefined): string {
  if (milliseconds === undefined) {
    return '';
  }
  return milliseconds < 10 ? `${milliseconds.toFixed(1)} ms` : `${Math.round(milliseconds)} ms`;
}
