import { calls } from './api.js';
import type { Engine } from './engine.js';
import { failure } from './error.js';
import { load } from './load.js';
import type { Api } from './types.js';

export { KustomizeError } from './error.js';
export type * from './types.js';

let engine: Engine | undefined;
let loading: Promise<void> | undefined;

export const init: Api['init'] = (source) => {
  loading ??= Promise.resolve(source ?? new URL('./kustomize.wasm', import.meta.url))
    .then(load)
    .then(
      (loaded) => {
        engine = loaded;
      },
      (error: unknown) => {
        // The next call tries again.
        loading = undefined;
        throw error;
      },
    );
  return loading;
};

export const { render, renderMany, diff } = calls(() => {
  if (!engine) {
    throw failure('invalidArgument', 'call and await init() once before rendering');
  }
  return engine;
});
