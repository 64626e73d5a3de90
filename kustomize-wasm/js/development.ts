// For development servers, which take this instead of browser.js: they serve the .wasm file of a
// linked package not at all, and lose sight of it when they bundle dependencies. Here it is code.
import { calls, loader, mustBeStarted } from './instance.js';

export { KustomizeError } from './error.js';

export const init = loader(async () => {
  const { gzipped } = await import('./embedded.js');
  const bytes = Uint8Array.from(atob(gzipped), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))).arrayBuffer();
});

export const { render, renderMany, diff } = calls(mustBeStarted);
