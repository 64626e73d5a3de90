// The overlays that the repository shows everything with.
const sources = import.meta.glob<string>(['../../../../fixtures/apps/**/*', '!../../../../fixtures/**/*.snap.yaml'], {
  query: '?raw',
  import: 'default',
  eager: true,
});

export const DEMO_OVERLAY = 'overlays/production';
export const DEMO_OPEN = 'overlays/production/kustomization.yaml';

/** A fresh copy of the demo's files. */
export function demo(): Map<string, string> {
  const files = Object.entries(sources).map(([path, text]) => [path.replace(/^.*\/fixtures\/apps\//, ''), text] as const);
  return new Map(files.sort(([a], [b]) => (a < b ? -1 : 1)));
}
