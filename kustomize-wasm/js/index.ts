/**
 * Renders kustomize overlays, byte for byte as kustomize v5.8.1 does.
 *
 * This module is for its types; `package.json` says which of `node.js` and `browser.js` is loaded.
 */
import type { Api } from './types.js';

export { KustomizeError } from './error.js';
export type * from './types.js';

export declare const init: Api['init'];
export declare const render: Api['render'];
export declare const renderMany: Api['renderMany'];
export declare const diff: Api['diff'];
