// Files are created, renamed and deleted, fields are completed, and results copied.
import assert from 'node:assert/strict';

import { strToU8, zipSync } from 'fflate';

import { check, editor, expected, FIXTURES, overlay, putCursor, status, visit } from './visit.mjs';

const row = (page, path) => page.locator(`.row[title="${path}"]`);
const dialog = (page) => page.getByRole('dialog');
const openFile = (page) => page.locator('.editor h2.path');

/** Opens files as if somebody had picked a zip. */
async function openFiles(page, files) {
  const buffer = Buffer.from(zipSync(Object.fromEntries(Object.entries(files).map(([path, text]) => [path, strToU8(text)]))));
  await page.getByTestId('zip').setInputFiles({ name: 'a.zip', mimeType: 'application/zip', buffer });
}

check('creates a file beside the one that is open', () =>
  visit(async (page) => {
    await page.getByRole('button', { name: 'New file' }).click();
    const path = dialog(page).getByRole('textbox', { name: 'Path' });
    assert.equal(await path.inputValue(), 'overlays/production/');
    const create = dialog(page).getByRole('button', { name: 'Create' });

    for (const [name, why] of [
      ['overlays/production/namespace.yaml', /is a file .* already/],
      ['overlays/staging', /is a folder .* already/],
      ['../a.yaml', /cannot lead upward/],
      ['base/service.yaml/a.yaml', /is a file, not a folder/],
      [' ', /Give it a name/],
    ]) {
      await path.fill(name);
      assert.match(await dialog(page).getByRole('alert').innerText(), why);
      assert.equal(await create.isDisabled(), true);
    }
    await path.fill('overlays/production/extra.yaml');
    await page.keyboard.press('Enter');
    await row(page, 'overlays/production/extra.yaml').and(page.locator('[aria-selected=true]')).waitFor();
    await editor(page).click();
    await page.keyboard.insertText('apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: extra\n');
    await row(page, 'overlays/production/kustomization.yaml').click();
    await putCursor(page, '- namespace.yaml');
    await page.keyboard.press('Enter');
    await page.keyboard.insertText('- extra.yaml');
    await page.locator('.output .chip', { hasText: 'extra' }).waitFor();
    await status(page).getByText('5 resources').waitFor();
  }));

check('creates a kustomization that can be chosen', () =>
  visit(async (page) => {
    await page.getByRole('button', { name: 'New file' }).click();
    await dialog(page).getByRole('textbox', { name: 'Path' }).fill('overlays/testing/kustomization.yaml');
    await dialog(page).getByRole('button', { name: 'Create' }).click();
    await editor(page).getByText('kind: Kustomization').waitFor();
    await overlay(page).selectOption('overlays/testing');
    await page.locator('.row.chosen', { hasText: 'testing' }).waitFor();
    // Cancelling changes nothing.
    await page.getByRole('button', { name: 'New file' }).click();
    await dialog(page).getByRole('button', { name: 'Cancel' }).click();
    await dialog(page).waitFor({ state: 'hidden' });
    assert.equal(await page.locator('.row.file').count(), 11);
  }));

check('renames files and folders, by buttons and by keys', () =>
  visit(async (page) => {
    await row(page, 'base/service.yaml').click();
    await page.getByRole('button', { name: 'Rename base/service.yaml' }).click();
    const path = dialog(page).getByRole('textbox', { name: 'Path' });
    assert.equal(await path.inputValue(), 'base/service.yaml');
    await path.fill('base/svc.yaml');
    await dialog(page).getByRole('button', { name: 'Rename' }).click();
    await openFile(page).getByText('svc.yaml').waitFor();
    assert.equal(await row(page, 'base/service.yaml').count(), 0);
    // The kustomization names the file that is gone.
    await status(page).getByText('does not render').waitFor();
    await page.keyboard.press('Alt+1');
    await page.keyboard.press('F2');
    await path.fill('base/service.yaml');
    await page.keyboard.press('Enter');
    await status(page).getByText('4 resources').waitFor();

    // A folder takes along what is in it, and what was chosen stays chosen.
    await row(page, 'overlays/production').click();
    await page.getByRole('button', { name: 'Rename overlays/production' }).click();
    await path.fill('overlays/production/deeper');
    assert.match(await dialog(page).getByRole('alert').innerText(), /cannot be moved into itself/);
    await path.fill('overlays/live');
    await page.keyboard.press('Enter');
    await page.locator('.row.chosen[title="overlays/live"]').waitFor();
    assert.equal(await overlay(page).inputValue(), 'overlays/live');
    await status(page).getByText('4 resources').waitFor();
  }));

check('deletes files and folders, and takes that back', () =>
  visit(async (page) => {
    await row(page, 'base/service.yaml').click();
    await page.getByRole('button', { name: 'Delete base/service.yaml' }).click();
    await row(page, 'base/service.yaml').waitFor({ state: 'detached' });
    await status(page).getByText('does not render').waitFor();
    await page.getByRole('button', { name: 'Undo' }).click();
    await row(page, 'base/service.yaml').and(page.locator('[aria-selected=true]')).waitFor();
    await status(page).getByText('4 resources').waitFor();

    // A folder, by keys; with what was chosen gone, another overlay is shown.
    await page.keyboard.press('Alt+1');
    await row(page, 'overlays/production').focus();
    await row(page, 'overlays/production').click();
    await page.keyboard.press('Delete');
    await page.getByText('Deleted overlays/production with 2 files').waitFor();
    await page.locator('.row.chosen').waitFor();
    assert.notEqual(await overlay(page).inputValue(), 'overlays/production');
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.locator('.row.chosen[title="overlays/production"]').waitFor();
    await status(page).getByText('4 resources').waitFor();

    // A file of the same name as one that is gone starts empty.
    await row(page, 'base/nginx.conf').click();
    await editor(page).getByText('listen 8080').waitFor();
    await page.getByRole('button', { name: 'Delete base/nginx.conf' }).click();
    await row(page, 'base/nginx.conf').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'New file' }).click();
    await dialog(page).getByRole('textbox', { name: 'Path' }).fill('base/nginx.conf');
    await page.keyboard.press('Enter');
    await openFile(page).getByText('nginx.conf').waitFor();
    assert.equal((await editor(page).innerText()).trim(), '');

    // Without files there is nothing to edit, and a way to go on.
    for (const path of ['base', 'overlays']) {
      await row(page, path).click();
      await page.getByRole('button', { name: `Delete ${path}`, exact: true }).click();
      await row(page, path).waitFor({ state: 'detached' });
    }
    await page.getByText('There are no files.').waitFor();
    await page.getByRole('button', { name: 'New file' }).click();
    await dialog(page).getByRole('textbox', { name: 'Path' }).fill('kustomization.yaml');
    await page.keyboard.press('Enter');
    await editor(page).getByText('kind: Kustomization').waitFor();
  }));

check('completes names of fields where they stand', () =>
  visit(async (page) => {
    const offered = page.locator('.editor .cm-tooltip-autocomplete');
    const field = (name) => offered.locator('.cm-completionLabel').getByText(name, { exact: true });
    const names = async () => (await offered.locator('.cm-completionLabel').allInnerTexts()).sort();

    // At the top: what is there already is not offered.
    await putCursor(page, 'namespace: production');
    await page.keyboard.press('Enter');
    await page.keyboard.type('name');
    await field('namePrefix').waitFor();
    const top = await names();
    assert.ok(top.includes('nameSuffix') && !top.includes('namespace'), String(top));
    await field('namePrefix').click();
    await page.keyboard.type('my-');
    await page.locator('.output .chip', { hasText: 'my-nginx' }).first().waitFor();

    // In an item of a list.
    await putCursor(page, 'newTag: 1.29.1');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Control+Space');
    await field('digest').waitFor();
    const image = await names();
    assert.ok(image.includes('newName') && !image.includes('newTag') && !image.includes('resources'), String(image));
    await page.keyboard.type('newN');
    await field('newName').waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.type('web');
    await page.locator('.output .cm-line', { hasText: 'image: web:1.29.1' }).waitFor();

    // In a mapping below an item.
    await putCursor(page, 'kind: Deployment');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Control+Space');
    await field('labelSelector').waitFor();
    const target = await names();
    assert.ok(target.includes('namespace') && !target.includes('kind') && !target.includes('name'), String(target));
    await page.keyboard.press('Escape');
    await offered.waitFor({ state: 'detached' });
  }));

check('completes nothing in files that are no kustomizations', () =>
  visit(async (page) => {
    await row(page, 'base/deployment.yaml').click();
    await putCursor(page, 'kind: Deployment');
    await page.keyboard.press('Enter');
    await page.keyboard.type('name');
    await page.keyboard.press('Control+Space');
    await editor(page).getByText('name', { exact: true }).first().waitFor();
    assert.equal(await page.locator('.editor .cm-tooltip-autocomplete').count(), 0);
  }));

check('copies the result', () =>
  visit(
    async (page) => {
      const copy = page.getByRole('button', { name: 'Copy the rendered YAML' });
      await copy.click();
      await page.getByText(/^Copied \d+ lines$/).waitFor();
      assert.equal(await page.evaluate(() => navigator.clipboard.readText()), expected('production'));
      await overlay(page).selectOption('overlays/broken');
      await status(page).getByText('does not render').waitFor();
      assert.equal(await copy.isDisabled(), true);
    },
    { permissions: ['clipboard-read', 'clipboard-write'] },
  ));

check('keeps bases and components apart from overlays', () =>
  visit(async (page) => {
    const groups = () =>
      overlay(page).evaluate((select) =>
        [...select.querySelectorAll('optgroup')].map((group) => [group.label, [...group.querySelectorAll('option')].map(({ value }) => value)]),
      );
    assert.deepEqual(await groups(), [
      ['Overlays', ['overlays/broken', 'overlays/production', 'overlays/staging']],
      ['Bases', ['base']],
    ]);
    await page.getByTestId('folder').setInputFiles(`${FIXTURES}components`);
    await page.locator('.row[title="components/cache"]').waitFor();
    assert.deepEqual(await groups(), [
      ['Overlays', ['components/full', 'components/small']],
      ['Bases', ['components/base']],
      ['Components', ['components/cache', 'components/tracing']],
    ]);
    // Named after nothing in particular, what another one builds on is a base.
    await openFiles(page, {
      'app/kustomization.yaml': 'resources:\n- "common"\n- namespace.yaml\n',
      'app/common/kustomization.yaml': 'resources: [../../shared/]\n',
      'shared/kustomization.yaml': 'namePrefix: a-\n',
    });
    await page.locator('.row[title="app/common"]').waitFor();
    assert.deepEqual(await groups(), [
      ['Overlays', ['app']],
      ['Bases', ['app/common', 'shared']],
    ]);
  }));
