// Checked by tsc, never run: what callers may write, and what they may not.
import {
  diff,
  init,
  KustomizeError,
  render,
  renderMany,
  type Difference,
  type ErrorKind,
  type Rendered,
  type Warning,
} from 'kustomize-wasm';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_equal: Equal<A, B>): void {}

const files = { 'kustomization.yaml': 'resources: []', 'a.bin': new Uint8Array() };

// What comes out.
const rendered = render(files, '.', { loadRestrictor: 'none', reorder: 'legacy', addManagedByLabel: true });
same<typeof rendered, Rendered>(true);
same<typeof rendered.yaml, string>(true);
same<typeof rendered.warnings, Warning[]>(true);
same<(typeof rendered.resources)[number]['metadata']['namespace'], string | undefined>(true);
same<ReturnType<typeof init>, Promise<void>>(true);
for (const one of renderMany(new Map(Object.entries(files)), ['.'])) {
  if (one instanceof KustomizeError) {
    same<typeof one.kind, ErrorKind>(true);
    same<typeof one.line, number | undefined>(true);
    same<typeof one.hint, string | undefined>(true);
  } else {
    same<typeof one, Rendered>(true);
  }
}
const difference: Difference = diff(files, 'a', 'b');
for (const change of difference.resources) {
  if (change.change === 'changed') {
    same<(typeof change.fields)[number]['path'], string>(true);
  } else {
    same<typeof change.change, 'added' | 'removed'>(true);
    // @ts-expect-error what was added has no old name
    change.was;
  }
}

// What goes in.
await init();
await init(new URL('https://example.com/kustomize.wasm'));
await init(fetch('/kustomize.wasm'));
// @ts-expect-error a path is missing
render(files);
// @ts-expect-error contents are text or bytes
render({ a: 1 }, '.');
// @ts-expect-error a path is a string
render(files, 1);
// @ts-expect-error no such option
render(files, '.', { helm: true });
// @ts-expect-error no such value
render(files, '.', { reorder: 'alphabetical' });
// @ts-expect-error several paths
renderMany(files, '.');
