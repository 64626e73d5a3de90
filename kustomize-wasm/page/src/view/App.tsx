import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';

import { fromDrop } from '../files/open';
import { count, error, files, openWith, overlay, pane, rendered, setView, view } from '../state';
import { About } from './About';
import { Compare } from './Compare';
import { Editor } from './Editor';
import { FileActions, FileDialog } from './FileActions';
import { Header } from './Header';
import { Icon } from './Icon';
import { Output } from './Output';
import { Toasts } from './toasts';
import { Tree } from './Tree';

const dragging = signal(false);

export function App() {
  useEffect(() => {
    let depth = 0;
    const over = (event: DragEvent) => event.preventDefault();
    const enter = (event: DragEvent) => {
      if (event.dataTransfer?.types.includes('Files')) {
        depth++;
        dragging.value = true;
      }
    };
    const leave = () => {
      depth = Math.max(0, depth - 1);
      dragging.value = depth > 0;
    };
    const drop = (event: DragEvent) => {
      event.preventDefault();
      depth = 0;
      dragging.value = false;
      if (event.dataTransfer?.types.includes('Files')) {
        void openWith(fromDrop(event.dataTransfer));
      }
    };
    const key = (event: KeyboardEvent) => {
      if (!event.altKey || event.ctrlKey || event.metaKey) {
        return;
      }
      const actions: Record<string, () => void> = {
        Digit1: () => reach('files', '.tree [tabindex="0"]'),
        Digit2: () => reach('edit', '.editor .code'),
        Digit3: () => reach('result', '.output .code, .changes'),
        KeyC: () => setView(view.value === 'compare' ? 'edit' : 'compare'),
      };
      const action = actions[event.code];
      if (action) {
        event.preventDefault();
        action();
      }
    };
    const listeners = { dragover: over, dragenter: enter, dragleave: leave, drop, keydown: key };
    for (const [name, listener] of Object.entries(listeners)) {
      addEventListener(name, listener as EventListener);
    }
    return () => Object.entries(listeners).forEach(([name, one]) => removeEventListener(name, one as EventListener));
  }, []);

  return (
    <>
      <Header />
      <main class={`panes show-${pane.value} view-${view.value}`}>
        <aside class="pane files" aria-label="Files">
          <header class="pane-head">
            <h2>Files</h2>
            <span class="number" title={count(files.value.size, 'file')}>
              {files.value.size.toLocaleString('en')}
            </span>
            <FileActions />
          </header>
          <Tree />
          <About />
        </aside>
        {view.value === 'compare' ? (
          <Compare />
        ) : (
          <>
            <Editor />
            <Output />
          </>
        )}
      </main>
      <Tabs />
      <p class="announce" role="status" aria-live="polite">
        {error.value ? `Error: ${error.value.message}` : `${overlay.value}: ${count(rendered.value?.resources.length ?? 0, 'resource')}`}
      </p>
      {dragging.value && (
        <div class="drop">
          <div>
            <Icon name="folder" />
            Drop a folder or a zip
          </div>
        </div>
      )}
      <FileDialog />
      <Toasts />
    </>
  );
}

/** Moves the focus to a part of the page; into an editor, through its shadow root. */
function reach(name: 'files' | 'edit' | 'result', selector: string): void {
  pane.value = name;
  const found = document.querySelector<HTMLElement>(selector);
  (found?.shadowRoot?.querySelector<HTMLElement>('.cm-content') ?? found)?.focus();
}

/** What is seen on narrow screens. */
function Tabs() {
  const compare = view.value === 'compare';
  const tab = (name: 'files' | 'edit' | 'result', label: string, icon: Parameters<typeof Icon>[0]['name']) => (
    <button
      aria-pressed={pane.value === name}
      onClick={() => {
        pane.value = name;
      }}
    >
      <Icon name={icon} /> {label}
      {name === 'result' && error.value && <i class="dot" />}
    </button>
  );
  return (
    <nav class="tabs" aria-label="Parts of the page">
      {tab('files', 'Files', 'folder')}
      {!compare && tab('edit', 'Edit', 'file')}
      {tab('result', compare ? 'Comparison' : 'Result', 'layers')}
    </nav>
  );
}
