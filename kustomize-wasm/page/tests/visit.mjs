// A visit to the page in a real browser, and what tests do there.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { findBrowser, launch } from './browser.mjs';
import { serve } from './server.mjs';

export const FIXTURES = fileURLToPath(new URL('../../../fixtures/', import.meta.url));
export const golden = (directory) => readFileSync(`${FIXTURES}${directory}/kustomization.snap.yaml`, 'utf8');
export const expected = (name) => golden(`apps/overlays/${name}`);

/** Where the browser is; nothing runs without one. */
export const executable = findBrowser();
if (!executable) {
  console.log('SKIPPED: there is no Chromium (CHROMIUM, /usr/bin/chromium, or one on PATH)');
}
export const check = (name, work) => test(name, { skip: !executable, timeout: 600_000 }, work);

export let browser;
export let server;
before(async () => {
  if (executable) {
    [browser, server] = await Promise.all([launch(executable), serve()]);
  }
});
after(async () => {
  await browser?.close();
  await server?.close();
});

/** A fresh visit; whatever the page complains of, or asks other hosts for, fails the test. */
export async function visit(work, { fragment = '', from = browser, ...options } = {}) {
  const context = await from.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  // Patient enough for a machine that compiles at the same time.
  page.setDefaultTimeout(120_000);
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  page.on('request', (request) => {
    if (!request.url().startsWith(server.url) && !request.url().startsWith('blob:')) {
      complaints.push(`a request to ${request.url()}`);
    }
  });
  try {
    await page.goto(server.url + fragment);
    await page.getByTestId('status').getByText('resources').waitFor({ state: 'attached' });
    await work(page, context);
    assert.deepEqual(complaints, []);
  } finally {
    await context.close();
  }
}

/** The rendered text, as a download gives it: editors hold only the lines that are seen. */
export async function result(page) {
  return (await download(page, 'Rendered YAML')).toString('utf8');
}

export async function download(page, item) {
  await page.getByRole('button', { name: 'Download' }).click();
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('menuitem', { name: item }).click()]);
  return readFileSync(await file.path());
}

export const editor = (page) => page.locator('.editor .cm-content');
export const overlay = (page) => page.getByRole('combobox', { name: 'Overlay' });
export const status = (page) => page.locator('.output .status');

/** Moves the cursor to the end of the first line with this text. */
export async function putCursor(page, text) {
  await editor(page).locator('.cm-line', { hasText: text }).first().click();
  await page.keyboard.press('End');
}
