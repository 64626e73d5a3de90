/**
 * Renders kustomize overlays, byte for byte as kustomize v5.8.1 does.
 *
 * This module is for its types; `package.json` says which of `node.js`, `browser.js` and `development.js` is loaded.
 */
import type { Init } from './instance.js';

export type {
  Difference,
  ErrorData,
  ErrorKind,
  FieldChange,
  FileContent,
  Files,
  KubernetesObject,
  Note,
  ObjectMeta,
  Place,
  Rendered,
  RenderOptions,
  ResourceChange,
  ResourceName,
  Warning,
} from './bindings.js';
export { diff, render, renderMany } from './bindings.js';
export { KustomizeError } from './error.js';
export type { Init, ModuleSource } from './instance.js';

/**
 * Loads the module. Needed once before the first call in browsers and bundlers; not in Node,
 * where the module is loaded when it is first needed.
 */
export declare const init: Init;
