// Whatever is handed in, a call ends soon with a result or a typed error, and the next one works.
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

import { diff, init, KustomizeError, render, renderMany } from 'kustomize-wasm';

const CONFIG_MAP = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n';
const GOOD = { 'kustomization.yaml': 'resources: [a.yaml]\n', 'a.yaml': CONFIG_MAP };

afterEach(() => assert.equal(render(GOOD, '.').yaml, CONFIG_MAP));

/** The error of a call, which has to be one of ours, whole. */
function refused(work) {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof KustomizeError, error.stack);
    assert.ok(error.message && error.text && Array.isArray(error.chain) && Array.isArray(error.notes));
    return error;
  }
  return assert.fail('should have been refused');
}

const resource = (text) => ({ 'kustomization.yaml': 'resources: [a.yaml]\n', 'a.yaml': text });

test('arguments of the wrong types', () => {
  for (const files of [undefined, null, 1, 'a', [], [['a', 'b']], new Uint8Array(3), { a: 1 }, { a: null }, { a: ['x'] }, { a: {} }]) {
    assert.throws(() => render(files, '.'), TypeError, String(files));
  }
  // Objects without entries of their own are no files: an easy mistake must not look like an empty directory.
  for (const files of [new Set(['a']), new Map().entries(), new URLSearchParams(), Object('a'), Promise.resolve(GOOD), () => GOOD, Symbol('a')]) {
    assert.throws(() => render(files, '.'), TypeError, String(files));
    assert.throws(() => renderMany(files, ['.']), TypeError, String(files));
    assert.throws(() => diff(files, '.', '.'), TypeError, String(files));
  }
  assert.throws(() => render(Promise.resolve(GOOD), '.'), { message: /a Promise: await it first/ });
  assert.throws(() => render(new Map([[1, 'a']]), '.'), { name: 'TypeError', message: 'paths of files must be strings, not number' });
  for (const path of [undefined, null, 1, {}, ['.']]) {
    assert.throws(() => render(GOOD, path), TypeError, String(path));
    assert.throws(() => diff(GOOD, '.', path), TypeError, String(path));
  }
  for (const paths of [undefined, '.', {}, [1], [null]]) {
    assert.throws(() => renderMany(GOOD, paths), TypeError);
  }
  for (const options of [null, 1, 'a', [], { helm: true }, { reorder: 'up' }, { reorder: 1 }, { addManagedByLabel: 'yes' }, { toString: 1 }]) {
    assert.throws(() => render(GOOD, '.', options), TypeError, JSON.stringify(options));
  }
  assert.throws(() => render(GOOD, '.', { helm: true }), { name: 'TypeError', message: /unknown field `helm`, expected one of `loadRestrictor`/ });
});

test('options that JSON cannot express', () => {
  const cycle = {};
  cycle.reorder = cycle;
  for (const options of [cycle, { reorder: 1n }, { toJSON: () => undefined }, () => ({})]) {
    assert.throws(() => render(GOOD, '.', options), TypeError);
    assert.throws(() => renderMany(GOOD, ['.'], options), TypeError);
    assert.throws(() => diff(GOOD, '.', '.', options), TypeError);
  }
});

test('modules that are none', async () => {
  render(GOOD, '.');
  for (const source of [null, 1, true, {}, [], () => {}, Symbol('a'), Promise.resolve(1), Promise.resolve({})]) {
    await assert.rejects(init(source), { name: 'TypeError', message: /must be a URL, a Response, bytes or a WebAssembly\.Module, not / });
  }
  await init();
});

test('errors that getters of the caller throw', () => {
  const files = { get a() { throw new SyntaxError('from the caller'); } };
  assert.throws(() => render(files, '.'), { name: 'SyntaxError', message: 'from the caller' });
  assert.throws(() => render(GOOD, '.', files), { name: 'SyntaxError', message: 'from the caller' });
});

test('paths that make no sense', () => {
  for (const files of [
    { '': 'a' },
    { '/': 'a' },
    { 'a/': 'a' },
    { '../a': 'a' },
    { 'a/../../b': 'a' },
    { a: 'a', './a': 'b' },
    { a: 'a', 'a/b': 'b' },
    { 'x/a/b/c': 'a', 'x/a': 'b' },
  ]) {
    assert.throws(() => render({ ...GOOD, ...files }, '.'), TypeError, JSON.stringify(files));
  }
});

test('an entry that is not there', () => {
  for (const path of ['nowhere', '', 'a.yaml', 'a.yaml/b', '\0', 'x'.repeat(100_000)]) {
    assert.notEqual(refused(() => render(GOOD, path)).kind, 'internal', path.slice(0, 20));
  }
  assert.ok(renderMany(GOOD, ['nowhere'])[0] instanceof KustomizeError);
  refused(() => render({}, '.'));
  refused(() => render(resource(CONFIG_MAP), 'https://github.com/a/b'));
});

test('files that are not UTF-8', () => {
  const bytes = new Uint8Array([0x6b, 0xff, 0xfe, 0x00]);
  const error = refused(() => render(resource(bytes), '.'));
  assert.match(error.message, /UTF-8/);
  assert.match(refused(() => render({ 'kustomization.yaml': bytes }, '.')).message, /UTF-8/);
  // Half a character in a JavaScript string becomes the replacement character.
  assert.match(render(resource(CONFIG_MAP.replace('name: a', 'name: a\ud800')), '.').yaml, /a\ufffd/);
  // In a config map they are what they are.
  const files = { 'kustomization.yaml': 'configMapGenerator: [{name: a, files: [b]}]\n', b: bytes };
  assert.equal(render(files, '.').resources[0].binaryData.b, Buffer.from(bytes).toString('base64'));
});

test('cycles', () => {
  const files = { 'a/kustomization.yaml': 'resources: [../b]\n', 'b/kustomization.yaml': 'resources: [../a]\n' };
  assert.equal(refused(() => render(files, 'a')).kind, 'restriction');
});

test('nesting of any depth', () => {
  for (const depth of [1_000, 100_000, 2_000_000]) {
    for (const text of ['['.repeat(depth), `${'{a: '.repeat(depth)}1`, '- '.repeat(depth)]) {
      assert.equal(refused(() => render(resource(`${CONFIG_MAP}x: ${text}`), '.')).kind, 'syntax');
    }
  }
  // What may be that deep has room on the stack.
  const deep = `${CONFIG_MAP}x: ${'['.repeat(490)}${']'.repeat(490)}\n`;
  assert.equal(render(resource(deep), '.').resources.length, 1);
  const chain = Object.fromEntries(
    Array.from({ length: 99 }, (_, at) => [`k${at}/kustomization.yaml`, `resources: [../k${at + 1}]\n`]),
  );
  assert.equal(render({ ...chain, 'k99/kustomization.yaml': 'resources: [a.yaml]\n', 'k99/a.yaml': deep }, 'k0').resources.length, 1);
});

test('bombs', () => {
  const levels = Array.from({ length: 30 }, (_, at) => `l${at}: &l${at} [${at ? Array(9).fill(`*l${at - 1}`) : 'x'}]\n`);
  assert.equal(refused(() => render(resource(CONFIG_MAP + levels.join('')), '.')).kind, 'syntax');
  const doubling = Object.fromEntries(
    Array.from({ length: 40 }, (_, at) => [`k${at}/kustomization.yaml`, `resources: [../k${at + 1}, ../k${at + 1}]\n`]),
  );
  assert.ok(refused(() => render({ ...doubling, 'k40/kustomization.yaml': 'resources: [a.yaml]\n', 'k40/a.yaml': CONFIG_MAP }, 'k0')));
});

test('ten thousand files', () => {
  const files = {};
  for (let at = 0; at < 10_000; at++) {
    files[`r/${at}.yaml`] = CONFIG_MAP.replace('name: a', `name: c${at}`);
  }
  const names = Object.keys(files).map((path) => `- ${path}\n`);
  assert.equal(render({ ...files, 'kustomization.yaml': `resources:\n${names.join('')}` }, '.').resources.length, 10_000);
});

test('more than a module may hold ends the instance, not the process', () => {
  const bytes = new Uint8Array(60 << 20);
  const files = Object.fromEntries(Array.from({ length: 24 }, (_, at) => [`f${at}`, bytes]));
  const error = refused(() => render({ ...GOOD, ...files }, '.'));
  assert.equal(error.kind, 'tooLarge');
});

test('so does what takes more once it is rendered', () => {
  const text = new Uint8Array(600 << 20);
  assert.equal(refused(() => render(resource(text), '.')).kind, 'tooLarge');
});

test('helm, functions and remote resources are refused with a cure that helps here', () => {
  for (const text of ['helmCharts: [{name: a}]\n', 'resources: ["https://example.com/a.yaml"]\n']) {
    const error = refused(() => render({ 'kustomization.yaml': text }, '.'));
    assert.match(`${error.hint}`, /the command/, text);
  }
});

test('memory stays flat', () => {
  const memory = () => process.memoryUsage().external + process.memoryUsage().arrayBuffers;
  const round = () => {
    for (let at = 0; at < 500; at++) {
      render(GOOD, '.');
      refused(() => render(resource('a: ['), '.'));
    }
  };
  round();
  const before = memory();
  round();
  assert.ok(memory() - before < 20 << 20, `${memory() - before} bytes more`);
});

test('runs in a worker, which lives on after errors', async () => {
  const worker = new Worker(new URL('./worker.mjs', import.meta.url));
  const ask = async (files, path) => {
    worker.postMessage({ files, path });
    const [answer] = await once(worker, 'message');
    return answer;
  };
  assert.equal((await ask(GOOD, '.')).ok.yaml, CONFIG_MAP);
  const { error } = await ask(resource('a: ['), '.');
  assert.ok(new KustomizeError(error) instanceof Error);
  assert.equal(error.file, 'a.yaml');
  assert.equal((await ask(GOOD, '.')).ok.resources[0].metadata.name, 'a');
  // A trap: it has no room for a copy.
  assert.equal((await ask(resource(new Uint8Array(600 << 20)), '.')).error.kind, 'tooLarge');
  assert.equal((await ask(GOOD, '.')).ok.resources[0].metadata.name, 'a');
  await worker.terminate();
});
