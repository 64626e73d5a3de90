// New files, other names, and files that go: what the buttons and keys of the tree do.
import { signal } from '@preact/signals';

import { isDirectory, moved, remove, rename, tidy } from './files/edit';
import { isKustomization } from './kustomizations';
import { choose, count, files, goTo, open, overlay, rearrange } from './state';
import { toast } from './view/toasts';

const NEW_KUSTOMIZATION = 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n';

/** What is asked for at the moment: the path of a new file, or another name. */
export const asking = signal<{ what: 'create' | 'rename'; path: string } | undefined>(undefined);

/** Asks for the path of a new file, beside or in what is selected. */
export function askForNew(selected: string): void {
  const directory = isDirectory(files.value, selected) ? selected : selected.slice(0, Math.max(0, selected.lastIndexOf('/')));
  asking.value = { what: 'create', path: directory && `${directory}/` };
}

/** Asks for another name of a file or directory. */
export function askForName(selected: string): void {
  if (selected) {
    asking.value = { what: 'rename', path: selected };
  }
}

/** Creates a file and opens it. */
export function createFile(path: string): void {
  const name = tidy(path);
  const content = isKustomization(name) ? NEW_KUSTOMIZATION : '';
  rearrange(new Map(files.value).set(name, content), (before) => before);
  goTo(name, content.split('\n').length);
}

/** Renames a file or directory. */
export function renameTo(from: string, to: string): void {
  const name = tidy(to);
  if (name !== from) {
    rearrange(rename(files.value, from, name), (before) => moved(before, from, name));
  }
}

/** Deletes a file or directory; a note lets one take that back. */
export function deleteFiles(path: string): void {
  const rest = remove(files.value, path);
  const gone = [...files.value].filter(([name]) => !rest.has(name));
  if (gone.length === 0) {
    return;
  }
  const [opened, chosen] = [open.value, overlay.value];
  const isFile = files.value.has(path);
  rearrange(rest, (before) => before);
  toast(isFile ? `Deleted ${path}` : `Deleted ${path} with ${count(gone.length, 'file')}`, 'note', {
    label: 'Undo',
    run() {
      rearrange(new Map([...gone, ...files.value]), (before) => before);
      if (overlay.value !== chosen) {
        choose(chosen);
      }
      goTo(opened);
    },
  });
}
