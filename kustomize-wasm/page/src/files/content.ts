/** Content of a file: text, or bytes that are none. */
export type Content = string | Uint8Array<ArrayBuffer>;

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Text where the bytes are UTF-8, else the bytes. */
export function contentOf(bytes: Uint8Array<ArrayBuffer>): Content {
  try {
    return decoder.decode(bytes);
  } catch {
    return bytes;
  }
}

/** Directories and files that are never part of a kustomization. */
export function isNoise(path: string): boolean {
  return path.split('/').some((part) => ['.git', 'node_modules', '.DS_Store', '__MACOSX'].includes(part));
}

/** More than this in one go is not opened: it is no set of configuration. */
export const MOST_BYTES = 64 << 20;
export const MOST_FILES = 20_000;

/** Why files could not be opened, in words for people. */
export class CannotOpen extends Error {}
