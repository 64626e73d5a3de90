import { strToU8, unzipSync, zipSync } from 'fflate';

import { CannotOpen, contentOf, isNoise, MOST_BYTES, MOST_FILES, type Content } from './content';

/** The files of a zip. */
export function unpack(bytes: Uint8Array): Map<string, Content> {
  let [size, count] = [0, 0];
  let entries: Record<string, Uint8Array>;
  try {
    entries = unzipSync(bytes, {
      filter(file) {
        if (file.name.endsWith('/') || isNoise(file.name)) {
          return false;
        }
        size += file.originalSize;
        count += 1;
        if (size > MOST_BYTES || count > MOST_FILES) {
          throw new CannotOpen('This zip is too large to open here: at most 64 MiB in 20,000 files.');
        }
        return true;
      },
    });
  } catch (error) {
    throw error instanceof CannotOpen ? error : new CannotOpen('This is not a zip that can be read.', { cause: error });
  }
  const files = Object.entries(entries).map(([path, content]) => [path, contentOf(new Uint8Array(content))] as const);
  return new Map(files);
}

/** A zip of the files. */
export function pack(files: ReadonlyMap<string, Content>): Uint8Array<ArrayBuffer> {
  const bytes = [...files].map(([path, content]) => [path, typeof content === 'string' ? strToU8(content) : content]);
  return new Uint8Array(zipSync(Object.fromEntries(bytes)));
}
