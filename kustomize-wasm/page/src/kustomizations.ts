// Which directories can be rendered, and what each of them is for.
import type { Content } from './files/content';

const NAMES = ['kustomization.yaml', 'kustomization.yml', 'Kustomization'];

/** What a kustomization is for: to be deployed, to be built upon, or to be mixed in. */
export type Role = 'overlay' | 'base' | 'component';

/** Directories with a kustomization, sorted, and their roles. */
export function kustomizations(files: ReadonlyMap<string, Content>): Map<string, Role> {
  const found = new Map<string, string>();
  for (const [path, content] of files) {
    const at = path.lastIndexOf('/');
    if (NAMES.includes(path.slice(at + 1))) {
      found.set(at < 0 ? '.' : path.slice(0, at), typeof content === 'string' ? content : '');
    }
  }
  const used = new Set<string>();
  for (const [directory, text] of found) {
    for (const other of listed(directory, text)) {
      if (other !== directory && found.has(other)) {
        used.add(other);
      }
    }
  }
  const sorted = [...found].sort(([a], [b]) => (a < b ? -1 : 1));
  return new Map(sorted.map(([directory, text]) => [directory, roleOf(directory, text, used)]));
}

function roleOf(directory: string, text: string, used: Set<string>): Role {
  const parts = directory.split('/');
  if (/^kind:\s*["']?Component\b/m.test(text)) {
    return 'component';
  }
  if (parts.includes('overlays')) {
    return 'overlay';
  }
  return used.has(directory) || parts.some((part) => part === 'base' || part === 'bases') ? 'base' : 'overlay';
}

/** What the lists of a kustomization name, as paths from the root. It need not be valid YAML. */
function* listed(directory: string, text: string): Generator<string> {
  for (const [, entry] of text.matchAll(/(?:^\s*-\s+|[[,]\s*)["']?([^\s"',[\]{}#]+)/gm)) {
    yield join(directory, entry ?? '');
  }
}

function join(directory: string, relative: string): string {
  const parts = directory === '.' ? [] : directory.split('/');
  for (const part of relative.split('/')) {
    if (part === '..') {
      parts.pop();
    } else if (part !== '' && part !== '.') {
      parts.push(part);
    }
  }
  return parts.join('/') || '.';
}

/** The one to show first. */
export function firstChoice(roles: ReadonlyMap<string, Role>): string {
  const directories = [...roles.keys()];
  const overlays = directories.filter((path) => roles.get(path) === 'overlay');
  const last = (path: string) => path.slice(path.lastIndexOf('/') + 1);
  return (
    overlays.find((path) => /^prod/.test(last(path))) ??
    overlays.find((path) => path.split('/').includes('overlays')) ??
    overlays[0] ??
    directories[0] ??
    ''
  );
}

/** The kustomization file of a directory. */
export function fileOf(directory: string, has: (path: string) => boolean): string | undefined {
  const below = directory === '.' ? '' : `${directory}/`;
  return NAMES.map((name) => below + name).find(has);
}

/** Whether a file is a kustomization, by its name. */
export function isKustomization(path: string): boolean {
  return NAMES.includes(path.slice(path.lastIndexOf('/') + 1));
}

/** What to call each in a list: its last part where that tells all of them apart, else its path. */
export function shortNames(directories: string[]): Map<string, string> {
  const last = directories.map((path) => path.slice(path.lastIndexOf('/') + 1));
  const distinct = new Set(last).size === last.length;
  return new Map(directories.map((path, at) => [path, (distinct && last[at]) || path]));
}
