// The page in a real browser: what people do with it.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { strToU8, unzipSync, zipSync } from 'fflate';

import { launch } from './browser.mjs';
import { browser, check, download, editor, executable, expected, FIXTURES, golden, overlay, putCursor, result, server, status, visit } from './visit.mjs';

check('renders the demo byte for byte as kustomize does', () =>
  visit(async (page) => {
    assert.equal(await result(page), expected('production'));
    await overlay(page).selectOption('overlays/staging');
    await status(page).getByText('4 resources').waitFor();
    await page.locator('.output .cm-line', { hasText: 'environment: staging' }).first().waitFor();
    assert.equal(await result(page), expected('staging'));
  }));

check('renders as one types, marks an error at its line with its cure, and mends', () =>
  visit(async (page) => {
    await putCursor(page, 'newTag: 1.29.1');
    await page.keyboard.type('2');
    await page.locator('.output .cm-line', { hasText: 'image: nginx:1.29.12' }).waitFor();

    await putCursor(page, 'includeSelectors: true');
    await page.keyboard.press('Enter');
    await page.keyboard.type('images: []');
    const lens = page.locator('.editor .cm-lens-error');
    await lens.getByText('unknown field `images` in `labels[0]`').waitFor();
    assert.match(await lens.innerText(), /→ .*indent it less/);
    assert.equal(await page.locator('.editor .cm-lintRange-error').innerText(), 'images');
    assert.equal(await page.locator('.editor .cm-errorLine').innerText(), '  images: []');
    await page.getByRole('treeitem', { name: 'kustomization.yaml' }).and(page.locator('.error')).waitFor();
    // The last good rendering stays to be seen.
    await page.locator('.output .code.stale .cm-line', { hasText: 'image: nginx:1.29.12' }).waitFor();

    await page.keyboard.press('Control+Shift+k');
    await status(page).getByText('4 resources').waitFor();
    assert.equal(await page.locator('.editor .cm-lens-error').count(), 0);
    assert.match(await result(page), /nginx:1\.29\.12/);
  }));

check('leads to an error in another file, and shows warnings', () =>
  visit(async (page) => {
    await page.getByRole('treeitem', { name: 'deployment.yaml' }).click();
    await putCursor(page, 'replicas: 1');
    await page.keyboard.type(' x: y: z');
    await page.locator('.editor .cm-lens-error').waitFor();
    await page.getByRole('treeitem', { name: 'nginx.conf' }).click();
    await page.locator('.problems').getByRole('button', { name: 'base/deployment.yaml' }).click();
    await page.locator('.path b', { hasText: 'deployment.yaml' }).waitFor();
    await page.keyboard.press('Control+z');
    await status(page).getByText('4 resources').waitFor();

    await page.getByRole('treeitem', { name: 'service.yaml' }).click();
    await overlay(page).selectOption('overlays/staging');
    await putCursor(page, 'namespace: staging');
    await page.keyboard.press('Enter');
    await page.keyboard.type('commonLabels: {}');
    await page.locator('.editor .cm-lens-warning').getByText('commonLabels').waitFor();
    await status(page).getByText('1 warning').waitFor();
  }));

check('compares staging with production', () =>
  visit(async (page) => {
    await page.getByRole('button', { name: 'Compare', exact: true }).click();
    await page.getByRole('combobox', { name: 'Old' }).selectOption('overlays/staging');
    await page.getByRole('combobox', { name: 'New' }).selectOption('overlays/production');
    const deployment = page.locator('.change', { hasText: 'Deployment' });
    await deployment.getByText('spec.replicas').waitFor();
    assert.match(await deployment.innerText(), /spec\.replicas\s+1 → 3/);
    assert.match(await deployment.innerText(), /containers\[name=nginx\]\.image\s+nginx:1\.29\.2 → nginx:1\.29\.1/);
    await page.locator('.change.added', { hasText: 'Namespace production' }).waitFor();
    await page.locator('.change.removed', { hasText: 'Namespace staging' }).waitFor();
    await page.locator('.merge .cm-merge-a .cm-changedText', { hasText: 'staging' }).first().waitFor();
    await page.locator('.merge .cm-merge-b .cm-changedText', { hasText: 'production' }).first().waitFor();

    await page.getByRole('button', { name: 'Swap both sides' }).click();
    await deployment.getByText('3 → 1').waitFor();
    await page.getByRole('combobox', { name: 'New' }).selectOption('overlays/broken');
    await page.locator('.failure').getByText('unknown field `images`').waitFor();
  }));

check('opens a folder that is dropped', () =>
  visit(async (page) => {
    // A real drop, of a real folder: only the browser's own protocol can do that.
    const protocol = await page.context().newCDPSession(page);
    const data = { items: [], files: [`${FIXTURES}components`], dragOperationsMask: 1 };
    for (const type of ['dragEnter', 'dragOver', 'drop']) {
      await protocol.send('Input.dispatchDragEvent', { type, x: 400, y: 400, data });
    }
    await page.getByText('Opened').waitFor();
    await overlay(page).selectOption('components/full');
    await page.locator('.output .chip').first().waitFor();
    await page.locator('.row.chosen', { hasText: 'full' }).waitFor();
    assert.equal(await result(page), golden('components/full'));
  }));

check('opens a folder or a zip that is picked', () =>
  visit(async (page) => {
    await page.getByTestId('folder').setInputFiles(`${FIXTURES}diamond`);
    await page.getByText('Opened').first().waitFor();
    await overlay(page).selectOption('diamond/left');
    await page.locator('.row.chosen', { hasText: 'left' }).waitFor();
    assert.equal(await result(page), golden('diamond/left'));

    const zip = zipSync({
      'app/kustomization.yaml': strToU8('namePrefix: my-\nresources: [a.yaml]\n'),
      'app/a.yaml': strToU8('apiVersion: v1\nkind: ConfigMap\nmetadata: {name: zipped}\n'),
    });
    await page.getByTestId('zip').setInputFiles({ name: 'a.zip', mimeType: 'application/zip', buffer: Buffer.from(zip) });
    await page.locator('.output .chip', { hasText: 'my-zipped' }).waitFor();
    assert.match(await result(page), /name: my-zipped/);

    await page.getByTestId('zip').setInputFiles({ name: 'b.zip', mimeType: 'application/zip', buffer: Buffer.from('no zip') });
    await page.getByText('This is not a zip that can be read.').waitFor();
    await page.locator('.output .chip', { hasText: 'my-zipped' }).waitFor();
  }));

check('downloads all files as a zip', () =>
  visit(async (page) => {
    const entries = unzipSync(await download(page, 'All files'));
    assert.equal(Object.keys(entries).length, 10);
    const text = Buffer.from(entries['overlays/production/kustomization.yaml']).toString('utf8');
    assert.equal(text, readFileSync(`${FIXTURES}apps/overlays/production/kustomization.yaml`, 'utf8'));
  }));

check('shares a small example by the fragment of the address', () =>
  visit(async (page) => {
    await putCursor(page, 'newTag: 1.29.1');
    await page.keyboard.type('23');
    await page.getByRole('button', { name: 'Share' }).click();
    await page.waitForURL(/#s=/);
    const { hash } = new URL(page.url());
    await visit(
      async (other) => {
        await other.locator('.output .cm-line', { hasText: 'nginx:1.29.123' }).waitFor();
        assert.match(await result(other), /nginx:1\.29\.123/);
      },
      { fragment: hash },
    );
  }));

check('survives fragments that hold nothing of ours', async () => {
  for (const fragment of ['#s=%%%', '#s=AAAA', '#s=', `#s=${'A'.repeat(10_000)}`, '#other']) {
    await visit(async (page) => assert.equal(await result(page), expected('production')), { fragment });
  }
});

check('reloads offline, and keeps what was typed', () =>
  visit(async (page, context) => {
    await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
    await putCursor(page, 'newTag: 1.29.1');
    await page.keyboard.type('9');
    // It is kept in the browser a moment after the last key.
    await page.waitForFunction(() => localStorage.getItem('kustomize-files')?.includes('1.29.19'));
    await context.setOffline(true);
    await page.reload();
    await page.locator('.output .cm-line', { hasText: 'nginx:1.29.19' }).waitFor();
    assert.match(await result(page), /nginx:1\.29\.19/);
    await page.getByRole('button', { name: 'Open' }).click();
    await page.getByRole('menuitem', { name: 'The demo' }).click();
    await page.locator('.output .cm-line', { hasText: /nginx:1\.29\.1$/ }).waitFor();
  }));

check('can be used by keyboard alone', () =>
  visit(async (page) => {
    await page.keyboard.press('Alt+1');
    await page.keyboard.press('Home');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.locator('.path b', { hasText: 'deployment.yaml' }).waitFor();
    await page.keyboard.press('Alt+1');
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('ArrowLeft');
    await page.locator('[role=treeitem][aria-expanded=false]', { hasText: 'base' }).waitFor();

    await page.keyboard.press('Alt+2');
    await page.keyboard.press('Control+End');
    await page.keyboard.type('# typed');
    await editor(page).getByText('# typed').waitFor();
    // Escape and Tab leave the editor.
    await page.keyboard.press('Escape');
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement?.closest('.editor')), null);

    await page.keyboard.press('Alt+c');
    await page.locator('.change', { hasText: 'spec.replicas' }).waitFor();
    await page.getByRole('button', { name: 'Open' }).focus();
    await page.keyboard.press('Enter');
    await page.locator('[role=menuitem]:focus', { hasText: 'Folder' }).waitFor();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    assert.match(await page.evaluate(() => document.activeElement?.textContent ?? ''), /demo/);
    await page.keyboard.press('Escape');
    assert.equal(await page.getByRole('menu').count(), 0);
  }));

check('fits a phone, light and dark', async () => {
  for (const colorScheme of ['light', 'dark']) {
    const phone = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, colorScheme };
    const context = await browser.newContext(phone);
    const page = await context.newPage();
    // Patient enough for a machine that compiles at the same time.
    page.setDefaultTimeout(120_000);
    await page.goto(server.url);
    const tabs = page.getByRole('navigation', { name: 'Parts of the page' });
    for (const [name, seen] of [['Files', '.tree'], ['Result', '.output .cm-content'], ['Edit', '.editor .cm-content']]) {
      await tabs.getByRole('button', { name }).tap();
      await page.locator(seen).waitFor();
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= 360, `${name} is ${wide} pixels wide`);
    }
    await page.getByRole('button', { name: 'Compare', exact: true }).tap();
    await page.locator('.change').first().waitFor();
    const back = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const bright = Math.max(...back.match(/\d+/g).map(Number)) > 128;
    assert.equal(bright, colorScheme === 'light');
    await context.close();
  }
});

check('lives on after a bomb, a cycle and bytes that are no text', () =>
  visit(async (page) => {
    const levels = Array.from({ length: 40 }, (_, at) => `l${at}: &l${at} [${at ? Array(9).fill(`*l${at - 1}`) : 'x'}]`);
    const bomb = `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bomb}\n${levels.join('\n')}\n`;
    const cases = {
      'many times as large': { 'kustomization.yaml': 'resources: [a.yaml]\n', 'a.yaml': bomb },
      'built on it': { 'kustomization.yaml': 'resources: [b]\n', 'b/kustomization.yaml': 'resources: [..]\n' },
      'levels deep': { 'kustomization.yaml': `resources: ${'['.repeat(100_000)}\n` },
      'UTF-8': { 'kustomization.yaml': 'resources: [a.yaml]\n', 'a.yaml': '\0' },
    };
    for (const [message, files] of Object.entries(cases)) {
      const bytes = Object.entries(files).map(([path, text]) => [path, text === '\0' ? new Uint8Array([107, 255, 254, 0]) : strToU8(text)]);
      const buffer = Buffer.from(zipSync(Object.fromEntries(bytes)));
      await page.getByTestId('zip').setInputFiles({ name: 'a.zip', mimeType: 'application/zip', buffer });
      await page.locator('.failure .problem-message', { hasText: message }).waitFor();
    }
    await page.getByRole('button', { name: 'Open' }).click();
    await page.getByRole('menuitem', { name: 'The demo' }).click();
    await status(page).getByText('4 resources').waitFor();
    assert.equal(await result(page), expected('production'));
  }));

check('replaces an instance that trapped', () =>
  visit(async (page) => {
    const answers = await page.evaluate(async () => {
      const { init, render } = await import('/package/browser.js');
      await init();
      const good = { 'kustomization.yaml': 'namePrefix: my-\nresources: [a.yaml]\n', 'a.yaml': 'kind: ConfigMap\nmetadata: {name: a}\n' };
      const attempt = (files) => {
        try {
          return render(files, '.').resources[0].metadata.name;
        } catch ({ name, kind, cause }) {
          return [name, kind, cause?.name];
        }
      };
      return [attempt(good), attempt({ ...good, 'a.yaml': new Uint8Array(600 << 20) }), attempt(good)];
    });
    assert.deepEqual(answers, ['my-a', ['KustomizeError', 'tooLarge', 'RuntimeError'], 'my-a']);
  }));

check('shows texts that are nested absurdly deep, with little stack', async () => {
  const small = await launch(executable, ['--js-flags=--stack-size=400']);
  const deep = {
    'open brackets': `resources: ${'['.repeat(100_000)}\n`,
    'dashes': `resources:\n${'- '.repeat(5_000)}a\n`,
    'indentation': Array.from({ length: 1_500 }, (_, at) => `${' '.repeat(at)}a:`).join('\n'),
  };
  try {
    for (const text of Object.values(deep)) {
      await visit(async (page) => {
        const buffer = Buffer.from(zipSync({ 'kustomization.yaml': strToU8(text) }));
        await page.getByTestId('zip').setInputFiles({ name: 'a.zip', mimeType: 'application/zip', buffer });
        await page.locator('.failure .problem-message').waitFor();
        // Highlighting goes on in slices while the page is idle.
        await page.waitForTimeout(1_500);
      }, { from: small });
    }
  } finally {
    await small.close();
  }
});

check('opens folders of ten thousand files', () =>
  visit(async (page) => {
    const directory = mkdtempSync(join(tmpdir(), 'kustomize-'));
    try {
      const names = Array.from({ length: 10_000 }, (_, at) => `many/r${at}.yaml`);
      const files = names.map((name, at) => [name, strToU8(`apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c${at}}\n`)]);
      const list = names.slice(0, 50).map((name) => `- ${name.slice(5)}\n`).join('');
      files.push(['many/kustomization.yaml', strToU8(`resources:\n${list}`)]);
      const buffer = Buffer.from(zipSync(Object.fromEntries(files), { level: 0 }));
      await page.getByTestId('zip').setInputFiles({ name: 'many.zip', mimeType: 'application/zip', buffer });
      await status(page).getByText('50 resources').waitFor();
    } finally {
      rmSync(directory, { recursive: true });
    }
  }));

check('has a strict content security policy', () =>
  visit(async (page) => {
    const policy = await page.locator('meta[http-equiv=Content-Security-Policy]').getAttribute('content');
    assert.ok(policy.includes("default-src 'none'") && !policy.includes('unsafe-inline'), policy);
    assert.ok(!/'unsafe-eval'/.test(policy), policy);
  }));
