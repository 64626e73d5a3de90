import { readFileSync } from 'node:fs';

import type * as api from './index.js';
import { calls, compile, isStarted, start } from './instance.js';

export { KustomizeError } from './error.js';

function ready(): void {
  if (!isStarted()) {
    start(readFileSync(new URL('./kustomize.wasm', import.meta.url)));
  }
}

export const init: typeof api.init = async (source) => {
  if (source === undefined) {
    ready();
  } else if (!isStarted()) {
    start(await compile(await source));
  }
};

export const { render, renderMany, diff } = calls(ready);
