import { computed, effect, signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';

import { askForName, deleteFiles } from '../changes';
import { choose, files, goTo, open, overlay, overlays, problems } from '../state';
import { Icon } from './Icon';

interface Row {
  path: string;
  name: string;
  depth: number;
  directory: boolean;
  /** A directory that can be rendered. */
  renders: boolean;
}

const closed = signal<ReadonlySet<string>>(new Set());
const MOST_ROWS = 3000;

const rows = computed<Row[]>(() => {
  const renders = new Set(overlays.value);
  const seen = new Set<string>();
  const all: Row[] = [];
  for (const path of [...files.value.keys()].sort(byFolder)) {
    const parts = path.split('/');
    let hidden = false;
    for (let depth = 0; depth < parts.length - 1; depth++) {
      const directory = parts.slice(0, depth + 1).join('/');
      if (!seen.has(directory)) {
        seen.add(directory);
        if (!hidden) {
          all.push({ path: directory, name: parts[depth] ?? '', depth, directory: true, renders: renders.has(directory) });
        }
      }
      hidden ||= closed.value.has(directory);
    }
    if (!hidden) {
      all.push({ path, name: parts.at(-1) ?? '', depth: parts.length - 1, directory: false, renders: false });
    }
  }
  return all;
});

/** Folders before files, each sorted by name. */
function byFolder(a: string, b: string): number {
  const [left, right] = [a.split('/'), b.split('/')];
  for (let at = 0; ; at++) {
    const [l, r] = [left[at], right[at]];
    if (l === undefined || r === undefined) {
      return left.length - right.length;
    }
    if (l !== r) {
      const [lastLeft, lastRight] = [at === left.length - 1, at === right.length - 1];
      return lastLeft !== lastRight ? Number(lastLeft) - Number(lastRight) : l < r ? -1 : 1;
    }
  }
}

function toggle(path: string): void {
  const next = new Set(closed.value);
  if (!next.delete(path)) {
    next.add(path);
  }
  closed.value = next;
}

const focused = signal('');

// Whatever opens another file selects it, too.
effect(() => {
  void open.value;
  focused.value = '';
});

/** The row that keys and buttons are about: the one that was moved to or clicked last, else the open file. */
export const current = computed(() =>
  rows.value.slice(0, MOST_ROWS).some(({ path }) => path === focused.value) ? focused.value : open.value,
);

/** The files; arrows move, Enter opens, left and right close and open folders, F2 renames, Delete deletes. */
export function Tree() {
  const list = useRef<HTMLUListElement>(null);
  const shown = rows.value.slice(0, MOST_ROWS);
  const marked = new Map(problems.value.map(({ file, severity }) => [file, severity]));
  const selected = current.value;

  useEffect(() => {
    // Only a tree that has the focus moves it.
    if (list.current?.contains(document.activeElement)) {
      list.current.querySelector<HTMLElement>('[tabindex="0"]')?.focus();
    }
  }, [selected]);

  const onKeyDown = (event: KeyboardEvent) => {
    const at = Math.max(0, shown.findIndex(({ path }) => path === selected));
    const row = shown[at];
    const to = (index: number) => {
      focused.value = shown[Math.min(Math.max(index, 0), shown.length - 1)]?.path ?? '';
    };
    const isClosed = row ? closed.value.has(row.path) : false;
    const actions: Record<string, () => void> = {
      ArrowDown: () => to(at + 1),
      ArrowUp: () => to(at - 1),
      Home: () => to(0),
      End: () => to(shown.length - 1),
      Enter: () => row && activate(row),
      ' ': () => row && activate(row),
      F2: () => row && askForName(row.path),
      Delete: () => row && deleteFiles(row.path),
      ArrowRight: () => (row?.directory && isClosed ? toggle(row.path) : to(at + 1)),
      ArrowLeft: () =>
        row?.directory && !isClosed
          ? toggle(row.path)
          : to(shown.findIndex(({ path }) => path === row?.path.slice(0, row.path.lastIndexOf('/')))),
    };
    const action = actions[event.key];
    if (action && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      action();
    }
  };

  return (
    <ul class="tree" role="tree" aria-label="Files" ref={list} onKeyDown={onKeyDown}>
      {shown.map((row) => (
        <li
          key={row.path}
          role="treeitem"
          aria-level={row.depth + 1}
          aria-selected={row.path === open.value}
          {...(row.directory && { 'aria-expanded': !closed.value.has(row.path) })}
          tabIndex={row.path === selected ? 0 : -1}
          title={row.path}
          class={classes(row, selected, marked.get(row.path))}
          onClick={() => activate(row)}
        >
          <Icon name={row.directory ? 'chevron' : 'file'} />
          <span class="row-name">{row.name}</span>
          {row.renders && (
            <button
              class="render"
              tabIndex={-1}
              title={`Render ${row.path}`}
              aria-label={`Render ${row.path}`}
              onClick={(event) => {
                event.stopPropagation();
                choose(row.path);
              }}
            >
              <Icon name="layers" />
            </button>
          )}
        </li>
      ))}
      {rows.value.length > MOST_ROWS && <li class="more">and {rows.value.length - MOST_ROWS} more</li>}
    </ul>
  );
}

function classes(row: Row, selected: string, severity: string | undefined): string {
  const all = ['row', `depth-${Math.min(row.depth, 8)}`, row.directory ? 'directory' : 'file', severity];
  all.push(row.path === overlay.value ? 'chosen' : '', row.path === selected ? 'current' : '');
  return all.filter(Boolean).join(' ');
}

function activate(row: Row): void {
  focused.value = row.path;
  if (row.directory) {
    toggle(row.path);
  } else {
    goTo(row.path);
  }
}
