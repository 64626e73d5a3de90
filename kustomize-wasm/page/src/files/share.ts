// A small example in the fragment of the address, which no server ever sees.
import { deflateSync, inflateSync, strFromU8, strToU8 } from 'fflate';

import type { Content } from './content';

export interface Shared {
  files: Record<string, string>;
  overlay?: string;
  open?: string;
}

/** Longer addresses get cut by programs that they are sent through. */
const LONGEST = 30_000;
/** What a fragment may grow to. */
const LARGEST = 4 << 20;
const MARK = '#s=';

/** The fragment for these files, or `undefined` when they are too much for one. */
export function toFragment(files: ReadonlyMap<string, Content>, overlay: string, open: string): string | undefined {
  const texts = [...files].filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  if (texts.length < files.size) {
    return undefined;
  }
  const shared: Shared = { files: Object.fromEntries(texts), overlay, open };
  const bytes = deflateSync(strToU8(JSON.stringify(shared)), { level: 9 });
  if (bytes.length > LONGEST) {
    return undefined;
  }
  const text = btoa(strFromU8(bytes, true));
  return MARK + text.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** What a fragment holds, if it is one of ours. */
export function fromFragment(fragment: string): Shared | undefined {
  if (!fragment.startsWith(MARK)) {
    return undefined;
  }
  try {
    const text = fragment.slice(MARK.length).replaceAll('-', '+').replaceAll('_', '/');
    const bytes = strToU8(atob(text), true);
    return check(JSON.parse(strFromU8(inflateSync(bytes, { out: new Uint8Array(LARGEST) }))));
  } catch {
    return undefined;
  }
}

function check(value: unknown): Shared | undefined {
  const { files, overlay, open } = value as Partial<Shared>;
  const isText = (one: unknown) => typeof one === 'string';
  if (typeof files !== 'object' || files === null || !Object.values(files).every(isText)) {
    return undefined;
  }
  return { files, ...(isText(overlay) && { overlay }), ...(isText(open) && { open }) } as Shared;
}
