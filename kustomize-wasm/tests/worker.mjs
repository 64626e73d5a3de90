import { parentPort } from 'node:worker_threads';

import { render } from 'kustomize-wasm';

parentPort.on('message', ({ files, path }) => {
  try {
    parentPort.postMessage({ ok: render(files, path) });
  } catch (error) {
    parentPort.postMessage({ error: error.toJSON() });
  }
});
