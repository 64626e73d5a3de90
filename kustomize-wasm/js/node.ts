import { readFileSync } from 'node:fs';

import { calls } from './api.js';
import { Engine } from './engine.js';
import { load } from './load.js';
import type { Api } from './types.js';

export { KustomizeError } from './error.js';
export type * from './types.js';

let engine: Engine | undefined;

function ready(): Engine {
  const bytes = () => readFileSync(new URL('./kustomize.wasm', import.meta.url));
  return (engine ??= new Engine(new WebAssembly.Module(bytes())));
}

export const init: Api['init'] = async (source) => {
  if (source === undefined) {
    ready();
  } else {
    engine ??= await load(await source);
  }
};

export const { render, renderMany, diff } = calls(ready);
