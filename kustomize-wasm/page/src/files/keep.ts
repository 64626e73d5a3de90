// Keeps the last files in this browser, so that nothing is lost by a reload.
import type { Content } from './content';
import { type Shared } from './share';

const KEY = 'kustomize-files';
const MOST = 1 << 20;

/** Keeps them; too much, or binary files, are not kept. */
export function keep(files: ReadonlyMap<string, Content>, overlay: string, open: string): void {
  const texts = [...files].filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  const size = texts.reduce((sum, [path, text]) => sum + path.length + text.length, 0);
  try {
    if (texts.length < files.size || size > MOST) {
      localStorage.removeItem(KEY);
      return;
    }
    localStorage.setItem(KEY, JSON.stringify({ files: Object.fromEntries(texts), overlay, open } satisfies Shared));
  } catch {
    // Storage is full or not allowed: then nothing is kept.
  }
}

/** What was kept. */
export function kept(): Shared | undefined {
  try {
    const text = localStorage.getItem(KEY);
    return text ? (JSON.parse(text) as Shared) : undefined;
  } catch {
    return undefined;
  }
}
