/** Files by path. Paths are separated by `/`; directories exist where files are below them. */
export type Files = Readonly<Record<string, FileContent>> | ReadonlyMap<string, FileContent>;

/** The content of a file: text, or bytes as they are on disk. */
export type FileContent = string | Uint8Array;

/** Options of a rendering; those of the command that make sense without programs and network. */
export interface RenderOptions {
  /** Which files a kustomization may load: those below its own directory (the default), or any. */
  loadRestrictor?: 'rootOnly' | 'none';
  /** The order of the output, unless the kustomization says `sortOptions`. */
  reorder?: 'legacy' | 'none';
  /** Adds the label `app.kubernetes.io/managed-by` to every resource. */
  addManagedByLabel?: boolean;
  /** Takes generators, transformers and validators that are not built in for allowed. */
  enablePlugins?: boolean;
}

/** What a rendering gives. Plain data: it can be posted to and from workers. */
export interface Rendered {
  /** The output, byte for byte what kustomize prints. */
  yaml: string;
  /** The same resources as objects, in the order of the output. Integers beyond 2^53 lose digits. */
  resources: KubernetesObject[];
  /** What was noticed without failing. */
  warnings: Warning[];
}

/** A resource as an object. */
export interface KubernetesObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  [field: string]: unknown;
}

/** The metadata of a resource. */
export interface ObjectMeta {
  name: string;
  namespace?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  [field: string]: unknown;
}

/** Where something stands. */
export interface Place {
  /** The file, by the name it was given under. */
  file?: string;
  /** Line, counted from 1. */
  line?: number;
  /** Column in characters, counted from 1. */
  column?: number;
  /** The line itself. */
  lineText?: string;
}

/** A remark about a place: a step of the way to an error, or a further place it is about. */
export interface Note extends Place {
  message: string;
}

/** What a rendering noticed without failing: a deprecated field, a patch that matched nothing. */
export interface Warning extends Note {
  /** What to do about it. */
  hint?: string;
}

/** What kind of thing went wrong. */
export type ErrorKind =
  | 'syntax'
  | 'kustomization'
  | 'host'
  | 'restriction'
  | 'resource'
  | 'conflict'
  | 'generator'
  | 'patch'
  | 'transformer'
  | 'replacement'
  | 'var'
  | 'reference'
  | 'schema'
  | 'validator'
  | 'function'
  | 'remote'
  | 'notAllowed'
  /** The call itself was wrong: a missing argument, one of another type, a path used twice. */
  | 'invalidArgument'
  /** The input needs more memory than a module may have. */
  | 'tooLarge'
  /** A mistake of this library. The next call works as usual. */
  | 'internal';

/** Everything an error knows, as plain data. */
export interface ErrorData extends Place {
  kind: ErrorKind;
  message: string;
  /** The resource it is about. */
  resource?: string;
  /** The field it is about, as a path. */
  field?: string;
  /** What to do about it. */
  hint?: string;
  /** The way that led there, innermost step first. */
  chain: Note[];
  /** Further places it is about. */
  notes: Note[];
  /** All of it for people, with the line marked, as the command shows it. */
  text: string;
}

/** What differs between two renderings, by resource and field. */
export interface Difference {
  /** Resources that are not the same: those of the new side in its order, then those that are gone. */
  resources: ResourceChange[];
  /** Whether resources that are on both sides stand in another order. */
  reordered: boolean;
  /** The same for people. */
  text: string;
}

/** A resource that is not the same on both sides. */
export type ResourceChange = { resource: ResourceName } & (
  | { change: 'added' | 'removed'; value: unknown }
  | { change: 'changed'; was: ResourceName | null; fields: FieldChange[] }
);

/** Which resource. */
export interface ResourceName {
  /** API group, empty for the core group. */
  group: string;
  kind: string;
  namespace: string | null;
  name: string;
}

/** A field that is not the same on both sides; `null` where there is no such field. */
export interface FieldChange {
  /** As in `spec.template.spec.containers[name=main].image`. */
  path: string;
  old: unknown;
  new: unknown;
}

/** Where the module comes from, when not from beside this file. */
export type ModuleSource = string | URL | Response | BufferSource | WebAssembly.Module;

/** What this package exports. */
export interface Api {
  /**
   * Loads the module. Needed once before the first call in browsers and bundlers; not in Node,
   * where the module is loaded when it is first needed.
   */
  init(source?: ModuleSource | Promise<ModuleSource>): Promise<void>;
  /**
   * Renders the kustomization in a directory.
   * @throws {KustomizeError}
   */
  render(files: Files, path: string, options?: RenderOptions): Rendered;
  /**
   * Renders several, each for itself, in the order asked.
   * @throws {KustomizeError} only when the call itself is wrong
   */
  renderMany(files: Files, paths: readonly string[], options?: RenderOptions): (Rendered | KustomizeError)[];
  /**
   * Renders two and says what differs.
   * @throws {KustomizeError}
   */
  diff(files: Files, from: string, to: string, options?: RenderOptions): Difference;
}

import type { KustomizeError } from './error.js';
