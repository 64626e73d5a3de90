// Which directories can be rendered.
const NAMES = ['kustomization.yaml', 'kustomization.yml', 'Kustomization'];

/** Directories with a kustomization, sorted: overlays, as their paths tell, before bases. */
export function kustomizations(paths: Iterable<string>): string[] {
  const found = new Set<string>();
  for (const path of paths) {
    const at = path.lastIndexOf('/');
    if (NAMES.includes(path.slice(at + 1))) {
      found.add(at < 0 ? '.' : path.slice(0, at));
    }
  }
  return [...found].sort();
}

/** The one to show first. */
export function firstChoice(directories: string[]): string {
  const last = (path: string) => path.slice(path.lastIndexOf('/') + 1);
  return (
    directories.find((path) => /^prod/.test(last(path))) ??
    directories.find((path) => path.split('/').includes('overlays')) ??
    directories.find((path) => last(path) !== 'base') ??
    directories[0] ??
    ''
  );
}

/** The kustomization file of a directory. */
export function fileOf(directory: string, has: (path: string) => boolean): string | undefined {
  const below = directory === '.' ? '' : `${directory}/`;
  return NAMES.map((name) => below + name).find(has);
}

/** What to call each in a list: its last part where that tells all of them apart, else its path. */
export function shortNames(directories: string[]): Map<string, string> {
  const last = directories.map((path) => path.slice(path.lastIndexOf('/') + 1));
  const distinct = new Set(last).size === last.length;
  return new Map(directories.map((path, at) => [path, (distinct && last[at]) || path]));
}
