import { calls, loader, mustBeStarted } from './instance.js';

export { KustomizeError } from './error.js';

export const init = loader(() => new URL('./kustomize.wasm', import.meta.url));

export const { render, renderMany, diff } = calls(mustBeStarted);
