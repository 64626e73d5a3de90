import { failure } from './error.js';
import type { FileContent, RenderOptions } from './types.js';

const OPTIONS: { [name in keyof Required<RenderOptions>]: readonly unknown[] } = {
  loadRestrictor: ['rootOnly', 'none'],
  reorder: ['legacy', 'none'],
  addManagedByLabel: [true, false],
  enablePlugins: [true, false],
};

/** The files by their path from the root, each with the name it was given under. */
export function checkFiles(files: unknown): Map<string, { name: string; content: FileContent }> {
  const entries = entriesOf(files);
  const checked = new Map<string, { name: string; content: FileContent }>();
  for (const [name, content] of entries) {
    if (typeof name !== 'string') {
      throw failure('invalidArgument', `paths of files have to be strings, not ${typeOf(name)}`);
    }
    if (typeof content !== 'string' && !(content instanceof Uint8Array)) {
      throw failure('invalidArgument', `${name}: the content has to be a string or a Uint8Array, not ${typeOf(content)}`);
    }
    const path = normal(name);
    const other = checked.get(path);
    if (other) {
      throw failure('invalidArgument', `${other.name} and ${name} are the same file`);
    }
    checked.set(path, { name, content });
  }
  checkDirectories(checked);
  return checked;
}

function entriesOf(files: unknown): Iterable<[unknown, unknown]> {
  if (files instanceof Map) {
    return files;
  }
  if (typeof files !== 'object' || files === null || Array.isArray(files) || ArrayBuffer.isView(files)) {
    throw failure('invalidArgument', `files have to be an object or a Map of paths and contents, not ${typeOf(files)}`);
  }
  return Object.entries(files);
}

/** Refuses a file that would have to be a directory, too. */
function checkDirectories(files: Map<string, { name: string }>): void {
  const seen = new Set<string>();
  for (const [path, { name }] of files) {
    let end = path.lastIndexOf('/');
    for (; end > 0; end = path.lastIndexOf('/', end - 1)) {
      const directory = path.slice(0, end);
      if (seen.has(directory)) {
        break;
      }
      seen.add(directory);
      const file = files.get(directory);
      if (file) {
        throw failure('invalidArgument', `${file.name} is a file, and ${name} would be below it`);
      }
    }
  }
}

/** A path from the root, without `.` and `..`. */
function normal(name: string): string {
  const parts: string[] = [];
  for (const part of name.split('/')) {
    if (part === '..') {
      if (parts.pop() === undefined) {
        throw failure('invalidArgument', `${name} leads out of the root`);
      }
    } else if (part !== '' && part !== '.') {
      parts.push(part);
    }
  }
  if (parts.length === 0 || name.endsWith('/')) {
    throw failure('invalidArgument', `${JSON.stringify(name)} is not a path of a file`);
  }
  return parts.join('/');
}

/** A directory to render. */
export function checkPath(path: unknown): string {
  if (typeof path !== 'string') {
    throw failure('invalidArgument', `the path of a kustomization has to be a string, not ${typeOf(path)}`);
  }
  return path;
}

/** Several of them. */
export function checkPaths(paths: unknown): string[] {
  if (!Array.isArray(paths)) {
    throw failure('invalidArgument', `paths have to be an array of strings, not ${typeOf(paths)}`);
  }
  return paths.map(checkPath);
}

/** Options; those that are undefined are as if they were not there. */
export function checkOptions(options: unknown): RenderOptions {
  if (options === undefined) {
    return {};
  }
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw failure('invalidArgument', `options have to be an object, not ${typeOf(options)}`);
  }
  for (const [name, value] of Object.entries(options)) {
    const allowed = Object.hasOwn(OPTIONS, name) ? OPTIONS[name as keyof RenderOptions] : undefined;
    if (!allowed) {
      throw failure('invalidArgument', `there is no option ${name}; there are ${Object.keys(OPTIONS).join(', ')}`);
    }
    if (value !== undefined && !allowed.includes(value)) {
      const shown = allowed.map((one) => JSON.stringify(one)).join(' or ');
      throw failure('invalidArgument', `the option ${name} has to be ${shown}`);
    }
  }
  return options;
}

function typeOf(value: unknown): string {
  if (value === null) {
    return 'null';
  }
  return Array.isArray(value) ? 'an array' : typeof value;
}
