// The package in a project of somebody else's, with vite and no configuration.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { createServer, preview } from 'vite';

import { browser, check } from './visit.mjs';

const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));
const VITE = fileURLToPath(new URL('../node_modules/vite/bin/vite.js', import.meta.url));
const MAIN = `
import { init, render } from 'kustomize-wasm';
await init();
const files = { 'kustomization.yaml': 'namePrefix: my-\\nresources: [a.yaml]\\n', 'a.yaml': 'kind: ConfigMap\\nmetadata: {name: a}\\n' };
document.querySelector('output').textContent = render(files, '.').resources[0].metadata.name;
`;

const npm = (directory, ...args) =>
  execFileSync('npm', [...args, '--no-audit', '--no-fund', '--offline', '--ignore-scripts'], { cwd: directory, encoding: 'utf8' });

/** A project that depends on the package, as `npm install` of `what` puts it there. */
async function withProject(install, work) {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'vite-project-')));
  try {
    writeFileSync(join(root, 'package.json'), '{ "name": "project", "private": true, "type": "module" }\n');
    writeFileSync(join(root, 'index.html'), '<!doctype html><output></output><script type="module" src="/main.js"></script>\n');
    writeFileSync(join(root, 'main.js'), MAIN);
    install(root);
    await work(root);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

const link = (root) => npm(root, 'install', PACKAGE);
function unpack(root) {
  const packed = join(root, 'packed');
  mkdirSync(packed);
  npm(PACKAGE, 'pack', '--pack-destination', packed);
  npm(root, 'install', join(packed, readdirSync(packed)[0]));
}

const quiet = { configFile: false, logLevel: 'silent' };

/** What the project shows, and everything that its page complained of. */
async function shown(url) {
  const page = await browser.newPage();
  page.setDefaultTimeout(120_000);
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('response', (response) => response.status() >= 400 && !response.url().endsWith('/favicon.ico') && complaints.push(`${response.status()} ${response.url()}`));
  try {
    await page.goto(url);
    // What went wrong, if nothing comes, is among the complaints.
    await page.waitForFunction(() => document.querySelector('output')?.textContent).catch(() => undefined);
    return [await page.locator('output').textContent(), complaints];
  } finally {
    await page.close();
  }
}

for (const [how, install] of [['linked by npm install ./kustomize-wasm', link], ['installed from its archive', unpack]]) {
  check(`runs in vite's development server, ${how}`, () =>
    withProject(install, async (root) => {
      const server = await createServer({ ...quiet, root, server: { host: '127.0.0.1', port: 0, watch: null } });
      try {
        await server.listen();
        assert.deepEqual(await shown(server.resolvedUrls.local[0]), ['my-a', []]);
      } finally {
        await server.close();
      }
    }));

  check(`runs in what vite builds, ${how}`, () =>
    withProject(install, async (root) => {
      // In a process of its own and without the mode that development servers leave behind in this one.
      const { NODE_ENV: _, ...env } = process.env;
      execFileSync(process.execPath, [VITE, 'build', '--logLevel', 'error', '--target', 'es2022'], { cwd: root, env });
      const assets = readdirSync(join(root, 'dist/assets'));
      // The module is a file of its own there, and there only once.
      assert.equal(assets.filter((name) => name.endsWith('.wasm')).length, 1, String(assets));
      assert.equal(assets.some((name) => name.includes('embedded')), false, String(assets));
      const server = await preview({ ...quiet, root, preview: { host: '127.0.0.1', port: 0 } });
      try {
        assert.deepEqual(await shown(server.resolvedUrls.local[0]), ['my-a', []]);
      } finally {
        await server.close();
      }
    }));
}
