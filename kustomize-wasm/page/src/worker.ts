// Renders off the main thread. It keeps the files, so that typing sends one file only.
import { init, renderMany, diff, KustomizeError, type Difference, type ErrorData, type Rendered } from 'kustomize-wasm';
import wasm from 'kustomize-wasm/kustomize.wasm?url';

import type { Content } from './files/content';

/** What is asked of the worker. */
export type Ask =
  | { ask: 'replace'; files: Map<string, Content> }
  | { ask: 'write'; path: string; content: Content }
  | { ask: 'render'; id: number; paths: string[] }
  | { ask: 'diff'; id: number; from: string; to: string };

/** One overlay, rendered or not. */
export type Outcome<T> = { ok: T } | { error: ErrorData };

/** What it answers. */
export type Answer =
  | { id: number; milliseconds: number; rendered: Outcome<Rendered>[] }
  | { id: number; milliseconds: number; difference: Outcome<Difference> };

let files = new Map<string, Content>();
const ready = init(new URL(wasm, import.meta.url));

self.onmessage = async ({ data }: MessageEvent<Ask>) => {
  if (data.ask === 'replace') {
    files = data.files;
    return;
  }
  if (data.ask === 'write') {
    files.set(data.path, data.content);
    return;
  }
  try {
    await ready;
  } catch (error) {
    // Told as an error of the worker, which a rejected promise is not.
    setTimeout(() => {
      throw error;
    });
    return;
  }
  const started = performance.now();
  const took = () => performance.now() - started;
  if (data.ask === 'render') {
    const rendered = outcome(() => renderMany(files, data.paths));
    const all = 'ok' in rendered ? rendered.ok.map(asOutcome) : data.paths.map(() => rendered);
    postMessage({ id: data.id, milliseconds: took(), rendered: all } satisfies Answer);
  } else {
    const difference = outcome(() => diff(files, data.from, data.to));
    postMessage({ id: data.id, milliseconds: took(), difference } satisfies Answer);
  }
};

function asOutcome(one: Rendered | KustomizeError): Outcome<Rendered> {
  return one instanceof KustomizeError ? { error: one.toJSON() } : { ok: one };
}

function outcome<T>(work: () => T): Outcome<T> {
  try {
    return { ok: work() };
  } catch (error) {
    if (error instanceof KustomizeError) {
      return { error: error.toJSON() };
    }
    const message = `the renderer failed: ${String(error)}`;
    return { error: { kind: 'internal', message, chain: [], notes: [], text: `error: ${message}\n` } };
  }
}
