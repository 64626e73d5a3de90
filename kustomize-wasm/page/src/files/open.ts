// Files from outside: dropped or picked, a folder or a zip.
import { CannotOpen, contentOf, isNoise, MOST_BYTES, MOST_FILES, type Content } from './content';
import { unpack } from './zip';

type Files = Map<string, Content>;

/** Collects files up to the limits. */
class Basket {
  readonly files: Files = new Map();
  #bytes = 0;

  async add(path: string, file: File): Promise<void> {
    if (isNoise(path)) {
      return;
    }
    this.#bytes += file.size;
    if (this.#bytes > MOST_BYTES || this.files.size >= MOST_FILES) {
      throw new CannotOpen('This is too much to open here: at most 64 MiB in 20,000 files.');
    }
    this.files.set(path, contentOf(new Uint8Array(await file.arrayBuffer())));
  }
}

/** What was dropped: folders with all below them, zips, single files. */
export async function fromDrop(transfer: DataTransfer): Promise<Files> {
  // Entries have to be taken before the first wait: after it the transfer is empty.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  const [only] = entries;
  if (entries.length === 1 && only?.isFile) {
    const file = await fileOf(only as FileSystemFileEntry);
    if (isZip(file)) {
      return fromZip(file);
    }
  }
  const basket = new Basket();
  for (const entry of entries) {
    await walk(entry, '', basket);
  }
  return basket.files;
}

/** What was picked in the dialog for folders or files. */
export async function fromPicker(list: File[]): Promise<Files> {
  const [only] = list;
  if (list.length === 1 && only && isZip(only)) {
    return fromZip(only);
  }
  const basket = new Basket();
  for (const file of list) {
    await basket.add(file.webkitRelativePath || file.name, file);
  }
  return basket.files;
}

async function fromZip(file: File): Promise<Files> {
  return unpack(new Uint8Array(await file.arrayBuffer()));
}

function isZip(file: File): boolean {
  return file.name.toLowerCase().endsWith('.zip') || file.type === 'application/zip';
}

async function walk(entry: FileSystemEntry, above: string, basket: Basket): Promise<void> {
  const path = above ? `${above}/${entry.name}` : entry.name;
  if (isNoise(path)) {
    return;
  }
  if (entry.isFile) {
    await basket.add(path, await fileOf(entry as FileSystemFileEntry));
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  // A reader gives some at a time, and none at the end.
  for (;;) {
    const entries = await new Promise<FileSystemEntry[]>((done, failed) => reader.readEntries(done, failed));
    if (entries.length === 0) {
      return;
    }
    for (const below of entries) {
      await walk(below, path, basket);
    }
  }
}

function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((done, failed) => entry.file(done, failed));
}
