// What the page shows, and what can be done to it.
import { batch, computed, signal } from '@preact/signals';
import type { Difference, ErrorData, Rendered } from 'kustomize-wasm';

import { CannotOpen, type Content } from './files/content';
import { demo, DEMO_OPEN, DEMO_OVERLAY } from './files/demo';
import { keep, kept } from './files/keep';
import { fromFragment, toFragment, type Shared } from './files/share';
import { fileOf, firstChoice, kustomizations, type Role } from './kustomizations';
import { Renderer } from './renderer';
import { toast } from './view/toasts';

/** A mark in a file: an error or a warning. */
export interface Problem {
  severity: 'error' | 'warning';
  message: string;
  hint?: string | undefined;
  file?: string | undefined;
  line?: number | undefined;
  column?: number | undefined;
  /** The steps that led there. */
  chain: { message: string; file?: string; line?: number }[];
}

export const files = signal<ReadonlyMap<string, Content>>(new Map());
/** Grows when files are replaced from outside of the editor. */
export const generation = signal(0);
export const open = signal('');
export const overlay = signal('');
export const view = signal<'edit' | 'compare'>('edit');
export const other = signal('');
/** On narrow screens, what is seen. */
export const pane = signal<'files' | 'edit' | 'result'>('edit');

/** The last good rendering of the chosen overlay, shown on while there is an error. */
export const rendered = signal<Rendered | undefined>(undefined);
export const error = signal<ErrorData | undefined>(undefined);
export const milliseconds = signal<number | undefined>(undefined);
export const difference = signal<{ ok: Difference } | { error: ErrorData } | undefined>(undefined);
/** Both sides of the comparison as text. */
export const sides = signal<[string, string]>(['', '']);

/** All that can be rendered. */
export const roles = computed(() => kustomizations(files.value));
export const overlays = computed(() => [...roles.value.keys()]);

export const problems = computed<Problem[]>(() => {
  const found: Problem[] = [];
  const failed = error.value;
  if (failed) {
    const { message, hint, file, line, column, chain } = failed;
    found.push({ severity: 'error', message, hint, file, line, column, chain });
  }
  for (const { message, hint, file, line, column } of failed ? [] : (rendered.value?.warnings ?? [])) {
    found.push({ severity: 'warning', message, hint, file, line, column, chain: [] });
  }
  return found;
});

/** Where the editor is to go: a line of the open file. */
export const jump = signal<{ line: number; column: number } | undefined>(undefined);

const renderer = new Renderer();

/** Grows with whatever replaces everything: of files that take long to be read, only the last count. */
let shows = 0;

/** Replaces everything. */
export function show(next: ReadonlyMap<string, Content>, wanted?: { overlay?: string; open?: string }): void {
  shows += 1;
  const found = kustomizations(next);
  const chosen = wanted?.overlay && found.has(wanted.overlay) ? wanted.overlay : firstChoice(found);
  const opened = wanted?.open && next.has(wanted.open) ? wanted.open : fileOf(chosen, (path) => next.has(path));
  batch(() => {
    files.value = next;
    generation.value += 1;
    overlay.value = chosen;
    other.value = counterpart(found, chosen);
    open.value = opened ?? [...next.keys()][0] ?? '';
    rendered.value = undefined;
    error.value = undefined;
    difference.value = undefined;
  });
  renderer.replace(new Map(next));
  void refresh();
}

/** What to compare an overlay with: its neighbour, else any other. */
function counterpart(found: ReadonlyMap<string, Role>, chosen: string): string {
  const parent = chosen.slice(0, chosen.lastIndexOf('/') + 1);
  const others = [...found.keys()].filter((path) => path !== chosen && !path.endsWith('broken'));
  const beside = others.filter((path) => path.startsWith(parent) && parent !== '');
  return beside.find((path) => /stag|test|dev/.test(path)) ?? beside[0] ?? others[0] ?? chosen;
}

/** A change of one file, by typing. */
export function write(path: string, text: string): void {
  if (files.value.get(path) === text) {
    return;
  }
  files.value = new Map(files.value).set(path, text);
  renderer.write(path, text);
  void refresh();
}

/** Another set of files; `moved` says where what was open and chosen is now. */
export function rearrange(next: ReadonlyMap<string, Content>, moved: (path: string) => string): void {
  const found = kustomizations(next);
  const [opened, chosen, against] = [open.value, overlay.value, other.value].map(moved) as [string, string, string];
  batch(() => {
    files.value = next;
    overlay.value = found.has(chosen) ? chosen : firstChoice(found);
    other.value = found.has(against) && against !== overlay.value ? against : counterpart(found, overlay.value);
    open.value = next.has(opened) ? opened : (fileOf(overlay.value, (path) => next.has(path)) ?? [...next.keys()][0] ?? '');
    if (overlay.value !== chosen) {
      rendered.value = undefined;
    }
  });
  renderer.replace(new Map(next));
  void refresh();
}

export function choose(directory: string): void {
  batch(() => {
    if (other.value === directory && view.value === 'edit') {
      // To be compared with something else than itself.
      other.value = overlay.value;
    }
    overlay.value = directory;
    rendered.value = undefined;
    open.value = fileOf(directory, (path) => files.value.has(path)) ?? open.value;
  });
  void refresh();
}

export function compareWith(directory: string): void {
  other.value = directory;
  void refresh();
}

export function swapSides(): void {
  batch(() => {
    [overlay.value, other.value] = [other.value, overlay.value];
  });
  void refresh();
}

export function setView(next: 'edit' | 'compare'): void {
  batch(() => {
    view.value = next;
    pane.value = next === 'compare' ? 'result' : 'edit';
  });
  void refresh();
}

/** Opens a file, at a line if one is given. */
export function goTo(path: string, line?: number, column = 1): void {
  if (!files.value.has(path)) {
    return;
  }
  batch(() => {
    view.value = 'edit';
    pane.value = 'edit';
    open.value = path;
    jump.value = line ? { line, column } : undefined;
  });
}

/** Renders what is to be seen. */
async function refresh(): Promise<void> {
  keepSoon();
  const chosen = overlay.value;
  if (!chosen) {
    batch(() => {
      rendered.value = undefined;
      error.value = undefined;
      difference.value = undefined;
    });
    return;
  }
  if (view.value === 'compare') {
    await refreshComparison(other.value, chosen);
    return;
  }
  const answer = await renderer.render([chosen]);
  const [outcome] = answer?.rendered ?? [];
  if (!answer || !outcome || overlay.value !== chosen) {
    return;
  }
  batch(() => {
    milliseconds.value = answer.milliseconds;
    if ('ok' in outcome) {
      rendered.value = outcome.ok;
      error.value = undefined;
    } else {
      error.value = outcome.error;
    }
  });
}

async function refreshComparison(from: string, to: string): Promise<void> {
  const [answer, compared] = await Promise.all([renderer.render([from, to]), renderer.diff(from, to)]);
  if (!answer || !compared || overlay.value !== to || other.value !== from) {
    return;
  }
  const [left, right] = answer.rendered;
  const yaml = (side: typeof left) => (side && 'ok' in side ? side.ok.yaml : '');
  batch(() => {
    milliseconds.value = answer.milliseconds;
    difference.value = compared;
    sides.value = [yaml(left), yaml(right)];
    error.value = 'error' in compared ? compared.error : undefined;
    if (right && 'ok' in right) {
      rendered.value = right.ok;
    }
  });
}

let keeping = 0;
function keepSoon(): void {
  window.clearTimeout(keeping);
  keeping = window.setTimeout(() => keep(files.value, overlay.value, open.value), 300);
}

/** Opens files from outside, or says why not. */
export async function openWith(read: Promise<ReadonlyMap<string, Content>>): Promise<void> {
  const before = ++shows;
  try {
    const next = await read;
    if (shows !== before) {
      return;
    }
    if (next.size === 0) {
      throw new CannotOpen('There are no files in it.');
    }
    show(next);
    const found = overlays.value.length;
    toast(found ? `Opened ${count(next.size, 'file')}` : 'Opened, but there is no kustomization.yaml in it');
  } catch (failed) {
    toast(failed instanceof CannotOpen ? failed.message : `This could not be opened: ${String(failed)}`, 'error');
  }
}

export function showDemo(): void {
  show(demo(), { overlay: DEMO_OVERLAY, open: DEMO_OPEN });
}

/** Puts the files into the address and the address into the clipboard. */
export async function share(): Promise<void> {
  const fragment = toFragment(files.value, overlay.value, open.value);
  if (!fragment) {
    toast('This is too large for a link. Download the files as a zip instead.', 'error');
    return;
  }
  history.replaceState(null, '', fragment);
  try {
    await navigator.clipboard.writeText(location.href);
    toast('Link copied: it holds these files');
  } catch {
    toast('The link is in the address bar: it holds these files');
  }
}

/** Puts the rendered YAML into the clipboard. */
export async function copyResult(): Promise<void> {
  const yaml = rendered.value?.yaml ?? '';
  try {
    await navigator.clipboard.writeText(yaml);
    toast(`Copied ${count(yaml.split('\n').length - 1, 'line')}`);
  } catch {
    toast('The browser does not let this page copy. Download the YAML instead.', 'error');
  }
}

/** What the page starts with: a shared example, what was there before, or the demo. */
export function start(): void {
  const shared = fromFragment(location.hash);
  const before = shared ?? kept();
  if (before && Object.keys(before.files).length > 0) {
    showShared(before);
  } else {
    showDemo();
  }
  addEventListener('hashchange', () => {
    const next = fromFragment(location.hash);
    if (next) {
      showShared(next);
    }
  });
}

function showShared(shared: Shared): void {
  show(new Map(Object.entries(shared.files)), shared);
}

/** `1 file`, `2 files`. */
export function count(number: number, what: string): string {
  return `${number.toLocaleString('en')} ${what}${number === 1 ? '' : 's'}`;
}
