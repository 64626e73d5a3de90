import { readFileSync } from 'node:fs';

import { calls, checkSource, compile, type Init, isStarted, start } from './instance.js';

export { KustomizeError } from './error.js';

function ready(): void {
  if (!isStarted()) {
    start(readFileSync(new URL('./kustomize.wasm', import.meta.url)));
  }
}

export const init: Init = async (source) => {
  if (source === undefined) {
    ready();
    return;
  }
  const known = await source;
  checkSource(known);
  if (!isStarted()) {
    start(await compile(known));
  }
};

export const { render, renderMany, diff } = calls(ready);
