// Writes the module as JavaScript, for development servers.
import { readFileSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const module = readFileSync(new URL('dist/kustomize.wasm', import.meta.url));
const gzipped = gzipSync(module, { level: 9 }).toString('base64');
writeFileSync(new URL('dist/embedded.js', import.meta.url), `export const gzipped = '${gzipped}';\n`);
