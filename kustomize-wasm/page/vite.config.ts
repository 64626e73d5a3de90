import { readFileSync } from 'node:fs';

import { defineConfig, type Plugin } from 'vite';

/** Writes the service worker with the list of what was built. */
function serviceWorker(): Plugin {
  return {
    name: 'service-worker',
    apply: 'build',
    generateBundle(_options, bundle) {
      const assets = Object.keys(bundle).filter((name) => !name.endsWith('.map'));
      // Names of assets carry a hash of their content, so that the list tells one version from another.
      const list = JSON.stringify(['./', 'icon.svg', 'manifest.webmanifest', ...assets.sort()]);
      const html = bundle['index.html'];
      const version = `${list}${html?.type === 'asset' ? html.source : ''}`;
      const source = readFileSync(new URL('src/service-worker.js', import.meta.url), 'utf8');
      const code = source.replace('__VERSION__', JSON.stringify(digest(version))).replace('__ASSETS__', list);
      this.emitFile({ type: 'asset', fileName: 'service-worker.js', source: code });
    },
  };
}

function digest(text: string): string {
  let hash = 5381;
  for (const letter of text) {
    hash = (Math.imul(hash, 33) ^ letter.charCodeAt(0)) >>> 0;
  }
  return hash.toString(36);
}

export default defineConfig({
  base: './',
  build: { target: 'es2022', assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  server: { fs: { allow: ['../..'] } },
  worker: { format: 'es' },
  plugins: [serviceWorker()],
});
