import type * as api from './index.js';
import { calls, compile, isStarted, start } from './instance.js';

export { KustomizeError } from './error.js';

let loading: Promise<void> | undefined;

export const init: typeof api.init = (source) => {
  loading ??= Promise.resolve(source ?? new URL('./kustomize.wasm', import.meta.url))
    .then(compile)
    .then(start)
    .catch((error: unknown) => {
      // The next call tries again.
      loading = undefined;
      throw error;
    });
  return loading;
};

export const { render, renderMany, diff } = calls(() => {
  if (!isStarted()) {
    throw new Error('call and await init() once before rendering');
  }
});
