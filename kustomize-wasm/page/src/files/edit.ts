// Changes to a set of files: new ones, other names, and files that go.
import type { Content } from './content';

export type Files = ReadonlyMap<string, Content>;

/** A path as files have it: from the root, without `.` and empty parts. */
export function tidy(path: string): string {
  const parts = path.trim().split('/');
  return parts.filter((part) => part !== '' && part !== '.').join('/');
}

/** Whether a path is a directory: one that has files. */
export function isDirectory(files: Files, path: string): boolean {
  return [...files.keys()].some((name) => name.startsWith(`${path}/`));
}

/** Why there can be no file or directory of this name, in words for people. */
export function refusal(files: Files, path: string): string | undefined {
  const name = tidy(path);
  if (name === '' || path.trim().endsWith('/')) {
    return 'Give it a name.';
  }
  if (name.split('/').includes('..')) {
    return 'A path cannot lead upward.';
  }
  if (files.has(name)) {
    return `There is a file ${name} already.`;
  }
  if (isDirectory(files, name)) {
    return `There is a folder ${name} already.`;
  }
  const parts = name.split('/');
  const above = parts.map((_, at) => parts.slice(0, at).join('/')).find((parent) => files.has(parent));
  return above && `${above} is a file, not a folder.`;
}

/** Why a file or directory cannot be renamed to this. */
export function renameRefusal(files: Files, from: string, to: string): string | undefined {
  if (tidy(to) === from) {
    return undefined;
  }
  const others = remove(files, from);
  if (others.size < files.size && tidy(to).startsWith(`${from}/`) && !files.has(from)) {
    return 'A folder cannot be moved into itself.';
  }
  return refusal(others, to);
}

/** Where a path is after its file, or a directory above it, was renamed. */
export function moved(path: string, from: string, to: string): string {
  return path === from || path.startsWith(`${from}/`) ? to + path.slice(from.length) : path;
}

/** The files with one of them, or a directory, renamed. */
export function rename(files: Files, from: string, to: string): Map<string, Content> {
  return new Map([...files].map(([path, content]) => [moved(path, from, tidy(to)), content]));
}

/** The files without one of them, or without a directory. */
export function remove(files: Files, path: string): Map<string, Content> {
  return new Map([...files].filter(([name]) => name !== path && !name.startsWith(`${path}/`)));
}
