// A real browser: CHROMIUM, Debian's, or one on PATH.
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

import { chromium } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** Where a browser is, if there is one. */
export function findBrowser() {
  const places = (process.env.PATH ?? '').split(delimiter).flatMap((directory) => NAMES.map((name) => join(directory, name)));
  return [process.env.CHROMIUM, '/usr/bin/chromium', ...places].find((path) => path && existsSync(path));
}

/** Starts it, with more arguments if need be. */
export function launch(executablePath, more = []) {
  const root = process.getuid?.() === 0;
  const args = [...more, '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-quic', '--no-first-run'];
  return chromium.launch({ executablePath, args: root ? [...args, '--no-sandbox'] : args });
}
