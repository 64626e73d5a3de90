import { useEffect, useRef, useState } from 'preact/hooks';

import { askForName, askForNew, asking, createFile, deleteFiles, renameTo } from '../changes';
import { refusal, renameRefusal } from '../files/edit';
import { files } from '../state';
import { Icon } from './Icon';
import { current } from './Tree';

/** Buttons for a new file, another name, and to delete what is selected. */
export function FileActions() {
  const selected = current.value;
  const button = (label: string, icon: Parameters<typeof Icon>[0]['name'], action: () => void, disabled = false) => (
    <button class="tool" title={label} aria-label={label} disabled={disabled} onClick={action}>
      <Icon name={icon} />
    </button>
  );
  return (
    <div class="tools" role="group" aria-label="Change files">
      {button('New file', 'plus', () => askForNew(selected))}
      {button(`Rename ${selected}`, 'pencil', () => askForName(selected), !selected)}
      {button(`Delete ${selected}`, 'trash', () => deleteFiles(selected), !selected)}
    </div>
  );
}

/** Asks for a path, and says why one will not do. */
export function FileDialog() {
  const asked = asking.value;
  const dialog = useRef<HTMLDialogElement>(null);
  const input = useRef<HTMLInputElement>(null);
  const [path, setPath] = useState('');
  useEffect(() => {
    if (!asked) {
      dialog.current?.close();
      return;
    }
    setPath(asked.path);
    dialog.current?.showModal();
  }, [asked]);
  useEffect(() => {
    // Once the input has its text: the name without what is above it and without its ending.
    const field = input.current;
    if (asked && field && field.value === asked.path) {
      const from = asked.path.lastIndexOf('/') + 1;
      const dot = asked.path.lastIndexOf('.');
      field.focus();
      field.setSelectionRange(from, dot > from ? dot : asked.path.length);
    }
  }, [asked, path === asked?.path]);

  const renames = asked?.what === 'rename';
  const why = !asked ? undefined : renames ? renameRefusal(files.value, asked.path, path) : refusal(files.value, path);
  // What is only begun is no mistake yet.
  const shown = path === asked?.path ? undefined : why;
  const onSubmit = (event: Event) => {
    event.preventDefault();
    if (!asked || why) {
      return;
    }
    asking.value = undefined;
    renames ? renameTo(asked.path, path) : createFile(path);
  };
  const close = () => {
    asking.value = undefined;
  };
  return (
    <dialog class="dialog" ref={dialog} aria-labelledby="dialog-title" onClose={close}>
      <form onSubmit={onSubmit}>
        <h2 id="dialog-title">{renames ? `Rename ${asked?.path}` : 'New file'}</h2>
        <label>
          Path
          <input
            ref={input}
            value={path}
            aria-describedby="dialog-why"
            aria-invalid={!!shown}
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            onInput={(event) => setPath(event.currentTarget.value)}
          />
        </label>
        <p id="dialog-why" class="dialog-why" role="alert">
          {shown}
        </p>
        <div class="dialog-actions">
          <button class="button" type="button" onClick={close}>
            Cancel
          </button>
          <button class="button primary" type="submit" disabled={!!why}>
            {renames ? 'Rename' : 'Create'}
          </button>
        </div>
      </form>
    </dialog>
  );
}
