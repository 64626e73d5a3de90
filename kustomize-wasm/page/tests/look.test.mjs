// How the page looks: contrast, nothing cut off, and what it says of itself.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

import { strToU8, zipSync } from 'fflate';

import { browser, check, overlay, putCursor, server, status, visit } from './visit.mjs';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
const WIDTHS = [390, 820, 1440];

/** Texts whose contrast is below WCAG's level AA, with what they were measured as. */
function lowContrast() {
  const parse = (color) => {
    const [red, green, blue, alpha = 1] = color.match(/[\d.]+/g).map(Number);
    return { red, green, blue, alpha };
  };
  const over = (top, below) => {
    const mix = (part) => top[part] * top.alpha + below[part] * (1 - top.alpha);
    return { red: mix('red'), green: mix('green'), blue: mix('blue'), alpha: 1 };
  };
  const luminance = ({ red, green, blue }) => {
    const [r, g, b] = [red, green, blue].map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const parent = (element) => element.assignedSlot ?? element.parentElement ?? element.getRootNode().host;
  const chain = (element) => (element ? [element, ...chain(parent(element))] : []);
  const found = [];
  const look = (root) => {
    for (const element of root.querySelectorAll('*')) {
      if (element.shadowRoot) {
        look(element.shadowRoot);
      }
      const text = [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE).map((node) => node.data.trim()).join('');
      const style = getComputedStyle(element);
      const box = element.getBoundingClientRect();
      const disabled = element.closest(':disabled');
      if (!text || style.visibility !== 'visible' || box.width <= 1 || box.height <= 1 || disabled || element.closest('option')) {
        continue;
      }
      const above = chain(element);
      const opacity = above.reduce((product, one) => product * Number(getComputedStyle(one).opacity), 1);
      let back = { red: 255, green: 255, blue: 255, alpha: 1 };
      for (const one of above.toReversed()) {
        back = over(parse(getComputedStyle(one).backgroundColor), back);
      }
      const color = parse(style.color);
      const front = over({ ...color, alpha: color.alpha * opacity }, back);
      const [dark, bright] = [luminance(front), luminance(back)].sort((a, b) => a - b);
      const ratio = (bright + 0.05) / (dark + 0.05);
      const size = parseFloat(style.fontSize);
      const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
      if (ratio < (large ? 3 : 4.5)) {
        found.push(`${ratio.toFixed(2)} ${element.tagName}.${element.className} ${style.color} "${text.slice(0, 30)}"`);
      }
    }
  };
  look(document);
  return [...new Set(found)];
}

for (const colorScheme of ['light', 'dark']) {
  check(`has the contrast of level AA, ${colorScheme}`, () =>
    visit(
      async (page) => {
        const fine = async (what) => assert.deepEqual(await page.evaluate(lowContrast), [], what);
        await fine('at first');
        await page.getByRole('button', { name: 'Open' }).click();
        await page.getByRole('menuitem').first().hover();
        await fine('with a menu');
        await page.keyboard.press('Escape');

        await putCursor(page, 'namespace: production');
        await page.keyboard.press('Enter');
        await page.keyboard.type('na');
        await page.locator('.cm-tooltip-autocomplete').waitFor();
        await fine('while completing');
        await page.keyboard.type('me: 1');
        await page.locator('.editor .cm-lens-error').waitFor();
        await fine('with an error');
        await page.keyboard.press('Control+Shift+k');
        await status(page).getByText('4 resources').waitFor();

        await page.getByRole('treeitem', { name: 'service.yaml' }).click();
        await putCursor(page, 'kind: Service');
        await page.keyboard.type(': [');
        await page.locator('.editor .cm-lens-error').waitFor();
        await page.getByRole('treeitem', { name: 'nginx.conf' }).click();
        await page.locator('.problems').waitFor();
        await fine('with an error in another file');
        await page.getByRole('button', { name: 'Delete base/nginx.conf' }).click();
        await page.getByRole('button', { name: 'Undo' }).waitFor();
        await fine('with a note');
        await page.getByRole('button', { name: 'New file' }).click();
        await page.getByRole('textbox', { name: 'Path' }).fill('base/service.yaml');
        await page.getByRole('dialog').getByText('already').waitFor();
        await fine('with a dialog');
        await page.keyboard.press('Escape');

        await page.getByRole('button', { name: 'Open' }).click();
        await page.getByRole('menuitem', { name: 'The demo' }).click();
        await overlay(page).selectOption('overlays/staging');
        await putCursor(page, 'namespace: staging');
        await page.keyboard.press('Enter');
        await page.keyboard.type('commonLabels: {}');
        await page.locator('.editor .cm-lens-warning').waitFor();
        await fine('with a warning');
        await page.getByRole('button', { name: 'Compare', exact: true }).click();
        await page.locator('.merge .cm-changedText').first().waitFor();
        await page.locator('.change').first().waitFor();
        await fine('comparing');
      },
      { colorScheme, reducedMotion: 'reduce' },
    ));
}

/** Elements whose content is cut off, or that leave the window. */
function cutOff(selector) {
  const found = [];
  for (const element of document.querySelectorAll(selector)) {
    const { left, right, width } = element.getBoundingClientRect();
    if (width === 0) {
      continue;
    }
    if (element.scrollWidth > element.clientWidth || left < 0 || right > innerWidth) {
      found.push(`${element.textContent.trim()}: ${element.scrollWidth} in ${element.clientWidth}, from ${left} to ${right}`);
    }
  }
  return found;
}

check('shows names of resources and files whole', async () => {
  const long = 'a-config-map-with-quite-a-long-name-as-generators-and-prefixes-make-them';
  const files = {
    'kustomization.yaml': `resources: [a.yaml]\nconfigMapGenerator:\n- name: ${long}\n  literals: [a=b]\n`,
    'a.yaml': `apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: ${'x'.repeat(120)}.example.com\n`,
  };
  const buffer = Buffer.from(zipSync(Object.fromEntries(Object.entries(files).map(([path, text]) => [path, strToU8(text)]))));
  for (const width of WIDTHS) {
    await visit(
      async (page) => {
        if (width === 390) {
          await page.getByRole('navigation', { name: 'Parts' }).getByRole('button', { name: 'Files' }).click();
        }
        await page.locator('.row-name', { hasText: 'kustomization.yaml' }).first().waitFor();
        assert.equal(await page.locator('.row-name:visible', { hasText: 'kustomization.yaml' }).count(), 4);
        assert.deepEqual(await page.evaluate(cutOff, '.row-name'), [], `names of files at ${width}`);
        await page.getByTestId('zip').setInputFiles({ name: 'a.zip', mimeType: 'application/zip', buffer });
        if (width === 390) {
          await page.getByRole('navigation', { name: 'Parts' }).getByRole('button', { name: 'Result' }).click();
        }
        await page.locator('.chip', { hasText: long }).waitFor();
        assert.deepEqual(await page.evaluate(cutOff, '.chip, .chip span'), [], `chips at ${width}`);
      },
      { viewport: { width, height: 900 } },
    );
  }
});

check('fits its window at every width', async () => {
  for (const width of [320, ...WIDTHS]) {
    await visit(
      async (page) => {
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(wide <= width, `${wide} pixels at ${width}`);
        assert.deepEqual(await page.evaluate(cutOff, '.top h1, .top .button, .top .select, .segments'), [], `the bar at ${width}`);
      },
      { viewport: { width, height: 900 } },
    );
  }
});

check('lets lines that wrap keep their indentation', () =>
  visit(
    async (page) => {
      const words = 'word '.repeat(60).trim();
      const files = {
        'kustomization.yaml': `resources: [a.yaml]\n`,
        'a.yaml': `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  annotations:\n    long: ${words}\n`,
      };
      const buffer = Buffer.from(zipSync(Object.fromEntries(Object.entries(files).map(([path, text]) => [path, strToU8(text)]))));
      await page.getByTestId('zip').setInputFiles({ name: 'a.zip', mimeType: 'application/zip', buffer });
      await page.locator('.row[title="a.yaml"]').click();
      for (const pane of ['.editor', '.output']) {
        const line = page.locator(`${pane} .cm-line`, { hasText: 'word word' }).first();
        await line.waitFor();
        const lefts = await line.evaluate((element) => {
          const text = element.textContent;
          const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
          const rows = new Map();
          let first;
          let at = 0;
          for (let node = walker.nextNode(); node; node = walker.nextNode()) {
            for (let index = 0; index < node.data.length; index++, at++) {
              if (text[at] === ' ') {
                continue;
              }
              const range = document.createRange();
              range.setStart(node, index);
              range.setEnd(node, index + 1);
              const { left, top, height } = range.getBoundingClientRect();
              const row = Math.round(top / height);
              first ??= left;
              rows.set(row, Math.min(rows.get(row) ?? Infinity, left));
            }
          }
          return { first, rest: [...rows.values()].slice(1) };
        });
        assert.ok(lefts.rest.length > 0, `${pane} does not wrap`);
        for (const left of lefts.rest) {
          assert.ok(Math.abs(left - lefts.first) < 1.5, `${pane}: ${left}, not ${lefts.first}`);
        }
      }
    },
    { viewport: { width: 1100, height: 800 } },
  ));

check('says what it is, and which version', () =>
  visit(async (page) => {
    // Not a name that could be that of an official site.
    for (const name of [await page.title(), await page.getByRole('heading', { level: 1 }).innerText()]) {
      assert.equal(name, 'Overlay Workbench');
    }
    const manifest = await (await page.request.get(`${server.url}manifest.webmanifest`)).json();
    assert.equal(manifest.name, 'Overlay Workbench');
    await page.getByText('Not affiliated with the kustomize project.').waitFor();
    const repository = 'https://github.com/kustomize-rs/kustomize-rs';
    for (const [name, href] of [
      ['Docs', `${repository}#readme`],
      ['Repository', repository],
      [`Version ${version}`, `${repository}/blob/main/CHANGELOG.md`],
    ]) {
      assert.equal(await page.getByRole('link', { name, exact: true }).getAttribute('href'), href);
    }
  }));
