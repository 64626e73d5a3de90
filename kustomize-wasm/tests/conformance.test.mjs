// The recorded cases of kustomize's own tests, where they are: beside the checkout, or where
// KUSTOMIZE_CONFORMANCE says.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, posix, relative, sep } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { KustomizeError, render } from 'kustomize-wasm';

const CASES = process.env.KUSTOMIZE_CONFORMANCE ?? fileURLToPath(new URL('../../../shared/conformance', import.meta.url));
const there = existsSync(join(CASES, 'index.json'));
if (!there) {
  console.log(`SKIPPED: there are no recorded cases at ${CASES} (KUSTOMIZE_CONFORMANCE)`);
}

/** Flags, and what they are here. Those without an option need programs. */
const FLAGS = {
  '--load-restrictor=LoadRestrictionsNone': { loadRestrictor: 'none' },
  '--load-restrictor=LoadRestrictionsRootOnly': { loadRestrictor: 'rootOnly' },
  '--reorder=legacy': { reorder: 'legacy' },
  '--reorder=none': { reorder: 'none' },
  '--enable-managedby-label': { addManagedByLabel: true },
  '--enable-alpha-plugins': { enablePlugins: true },
};

test('renders every recorded case to the same bytes', { skip: !there }, () => {
  const failed = [];
  const needsMore = [];
  let passed = 0;
  const { cases } = JSON.parse(readFileSync(join(CASES, 'index.json'), 'utf8'));
  for (const { path, expected, tier, features } of cases.filter(({ tier }) => tier === 'cases')) {
    for (const trial of trials(join(CASES, path), expected, tier)) {
      const verdict = run(trial);
      if (verdict === undefined) {
        passed++;
      } else if (verdict === 'needs programs' || (verdict.startsWith('refused') && features.some((one) => /elm|exec/.test(one)))) {
        needsMore.push(path);
      } else {
        failed.push(`${path}: ${verdict}`);
      }
    }
  }
  console.log(`${passed} cases passed, ${failed.length} failed`);
  console.log(`SKIPPED ${needsMore.length} cases, which run helm or other programs: ${needsMore.join(', ')}`);
  assert.deepEqual(failed, []);
  assert.ok(needsMore.length <= 40, `${needsMore.length} cases need programs`);
});

function* trials(directory, expected) {
  const options = JSON.parse(readFileSync(join(directory, 'options.json'), 'utf8'));
  const entry = readFileSync(join(directory, 'entry'), 'utf8').trim();
  const files = read(join(directory, 'input'), options.root_placeholder);
  const text = (name) => readFileSync(join(directory, name), 'utf8');
  yield { files, entry, args: options.args, expected: expected === 'ok' ? text('expected.yaml') : undefined, placeholder: options.root_placeholder };
  if (existsSync(join(directory, 'expected_default_order.yaml'))) {
    const args = options.args.filter((arg) => !arg.startsWith('--reorder'));
    yield { files, entry, args, expected: text('expected_default_order.yaml'), placeholder: options.root_placeholder };
  }
}

/** The tree of a case, below `/r`. */
function read(root, placeholder) {
  const files = {};
  // What is to be built may be missing on purpose.
  for (const name of existsSync(root) ? readdirSync(root, { recursive: true }) : []) {
    const path = join(root, name);
    if (statSync(path).isFile()) {
      const bytes = readFileSync(path);
      const holds = placeholder && bytes.includes(placeholder);
      files[posix.join('/r', relative(root, path).split(sep).join('/'))] = holds
        ? bytes.toString('utf8').replaceAll(placeholder, '/r')
        : bytes;
    }
  }
  return files;
}

function run({ files, entry, args, expected, placeholder }) {
  const options = {};
  for (const arg of args) {
    const flag = arg;
    if (!Object.hasOwn(FLAGS, flag)) {
      return expected === undefined && refusedAnyway(files, entry) ? undefined : 'needs programs';
    }
    Object.assign(options, FLAGS[flag]);
  }
  let yaml;
  try {
    ({ yaml } = render(files, posix.join('/r', entry), options));
  } catch (error) {
    if (!(error instanceof KustomizeError) || error.kind === 'internal') {
      return `crashed: ${error.stack}`;
    }
    return expected === undefined ? undefined : `refused: ${error.message}`;
  }
  if (expected === undefined) {
    return 'should have been refused';
  }
  const got = placeholder ? yaml.replaceAll('/r', placeholder) : yaml;
  return got === expected || yaml === expected ? undefined : `other output:\n${yaml}`;
}

function refusedAnyway(files, entry) {
  try {
    render(files, posix.join('/r', entry));
    return false;
  } catch (error) {
    return error instanceof KustomizeError && error.kind !== 'internal';
  }
}
