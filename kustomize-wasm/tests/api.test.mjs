// The package as Node loads it, by its own name.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

import { diff, init, KustomizeError, render, renderMany } from 'kustomize-wasm';

const FIXTURES = fileURLToPath(new URL('../../fixtures/', import.meta.url));
const WASM = fileURLToPath(import.meta.resolve('kustomize-wasm/kustomize.wasm'));

function read(directory) {
  const entries = readdirSync(join(FIXTURES, directory), { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(paths.map((path) => [relative(FIXTURES, path), readFileSync(path)]));
}

const expected = (directory) => readFileSync(`${FIXTURES}${directory}/kustomization.snap.yaml`, 'utf8');
const apps = read('apps');

test('renders as kustomize does', () => {
  const rendered = render(apps, 'apps/overlays/production');
  assert.equal(rendered.yaml, expected('apps/overlays/production'));
  assert.deepEqual(rendered.resources.map(({ kind }) => kind), ['Namespace', 'ConfigMap', 'Service', 'Deployment']);
  assert.equal(rendered.resources[3].spec.replicas, 3);
  assert.deepEqual(rendered.warnings, []);
});

test('takes text, bytes, objects and maps', async () => {
  await init();
  const service = 'apiVersion: v1\nkind: Service\nmetadata:\n  name: web\n';
  const yaml = service.replace('web', 'my-web');
  const files = { 'kustomization.yaml': 'namePrefix: my-\nresources: [a.yaml]\n', 'a.yaml': service };
  const bytes = Object.entries(files).map(([path, text]) => [`/app/./${path}`, new TextEncoder().encode(text)]);
  assert.equal(render(files, '.').yaml, yaml);
  assert.equal(render(new Map(bytes), '/app').yaml, yaml);
  assert.equal(render(new Map(bytes), 'app/').yaml, yaml);
});

test('knows the options', () => {
  const files = {
    'a/kustomization.yaml': 'resources: [../b.yaml]\n',
    'b.yaml': 'apiVersion: v1\nkind: Service\nmetadata: {name: b}\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: n}\n',
  };
  assert.throws(() => render(files, 'a'), { name: 'KustomizeError', kind: 'restriction' });
  const kinds = (options) => render(files, 'a', { loadRestrictor: 'none', ...options }).resources.map(({ kind }) => kind);
  assert.deepEqual(kinds({ reorder: 'none' }), ['Service', 'Namespace']);
  assert.deepEqual(kinds({ reorder: 'legacy' }), ['Namespace', 'Service']);
  assert.match(render(files, 'a', { loadRestrictor: 'none', addManagedByLabel: true }).yaml, /managed-by: kustomize/);
  assert.deepEqual(kinds({ reorder: undefined }), kinds({}));
});

test('errors say what, where and what to do', () => {
  const caught = failureOf(() => render(apps, 'apps/overlays/broken'));
  assert.equal(caught.kind, 'kustomization');
  assert.equal(caught.message, 'unknown field `images` in `labels[0]`');
  assert.equal(caught.file, 'apps/overlays/broken/kustomization.yaml');
  assert.deepEqual([caught.line, caught.column, caught.lineText], [11, 3, '  images:']);
  assert.equal(caught.field, 'labels[0].images');
  assert.match(caught.hint, /indent it less/);
  assert.match(caught.text, /^error: unknown field .*\n +--> apps\/overlays\/broken\/kustomization\.yaml:11:3\n/);
  // As it comes from a worker.
  const posted = new KustomizeError(structuredClone(caught.toJSON()));
  assert.deepEqual({ ...posted }, { ...caught });
  assert.equal(posted.message, caught.message);
});

test('names files as the caller did', () => {
  const files = { '/srv/kustomization.yaml': 'resources: [./b.yaml]\n', '/srv/./b.yaml': 'kind: [\n' };
  assert.equal(failureOf(() => render(files, '/srv')).file, '/srv/./b.yaml');
  const warned = render({ '/k/kustomization.yaml': 'commonLabels: {a: b}\n' }, 'k').warnings;
  assert.equal(warned[0].file, '/k/kustomization.yaml');
  assert.match(warned[0].message, /commonLabels/);
});

test('renders many, each for itself', () => {
  const paths = ['apps/overlays/staging', 'apps/overlays/production', 'apps/base', 'apps/overlays/staging'];
  const all = renderMany(apps, [...paths, 'apps/overlays/broken']);
  paths.forEach((path, at) => assert.equal(all[at].yaml, expected(path)));
  assert.ok(all[4] instanceof KustomizeError);
  assert.deepEqual(renderMany(apps, []), []);
});

test('tells two apart by resource and field', () => {
  const { resources, reordered, text } = diff(apps, 'apps/overlays/staging', 'apps/overlays/production');
  const deployment = resources.find(({ resource }) => resource.kind === 'Deployment');
  assert.equal(deployment.change, 'changed');
  assert.deepEqual(deployment.resource, { group: 'apps', kind: 'Deployment', namespace: 'production', name: 'nginx' });
  assert.deepEqual(deployment.fields.find(({ path }) => path === 'spec.replicas'), { path: 'spec.replicas', old: 1, new: 3 });
  assert.match(text, /spec\.replicas: 1 → 3/);
  assert.equal(reordered, false);
  assert.deepEqual(diff(apps, 'apps/base', 'apps/base').resources, []);
  assert.throws(() => diff(apps, 'apps/base', 'apps/overlays/broken'), { kind: 'kustomization' });
});

test('the module is small and imports its glue alone', () => {
  const bytes = readFileSync(WASM);
  const zipped = gzipSync(bytes, { level: 9 }).length;
  console.log(`kustomize.wasm: ${bytes.length} bytes, ${zipped} gzipped`);
  assert.ok(bytes.length <= 1_800_000, `${bytes.length} bytes`);
  assert.ok(zipped <= 700_000, `${zipped} bytes gzipped`);
  const imports = WebAssembly.Module.imports(new WebAssembly.Module(bytes));
  assert.deepEqual([...new Set(imports.map(({ module }) => module))], ['./bindings_bg.js']);
});

function failureOf(work) {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof KustomizeError, String(error));
    return error;
  }
  return assert.fail('did not throw');
}
