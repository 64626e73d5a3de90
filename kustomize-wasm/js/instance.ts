import * as bindings from './bindings.js';
import { failure, KustomizeError } from './error.js';

/** Where the module comes from, if not from beside this file. */
export type ModuleSource = string | URL | Response | BufferSource | WebAssembly.Module;

/** A module's memory never shrinks: an instance with more than this is not used again. */
const KEEP_BELOW = 128 << 20;

/** Half of what the memory may grow to: a trap above this size is for lack of memory. */
const FULL_ABOVE = 512 << 20;

let started = false;
let broken = false;

/** Whether there is an instance. */
export function isStarted(): boolean {
  return started;
}

/** Makes the first instance. */
export function start(module: WebAssembly.Module | BufferSource): void {
  bindings.initSync({ module });
  started = true;
}

/** Compiles the module from wherever it is. */
export async function compile(source: ModuleSource): Promise<WebAssembly.Module> {
  if (source instanceof WebAssembly.Module) {
    return source;
  }
  if (source instanceof ArrayBuffer || ArrayBuffer.isView(source)) {
    return WebAssembly.compile(source as BufferSource);
  }
  const response = source instanceof Response ? source : await fetch(source);
  if (!response.ok) {
    throw new Error(`${response.url}: HTTP status ${response.status}`);
  }
  // Servers that do not know the media type are common enough.
  const media = response.headers.get('content-type') ?? '';
  return media.startsWith('application/wasm')
    ? WebAssembly.compileStreaming(response)
    : WebAssembly.compile(await response.arrayBuffer());
}

/** The calls. `ready` makes sure that there is an instance. */
export function calls(ready: () => void): Pick<typeof bindings, 'render' | 'renderMany' | 'diff'> {
  return {
    render: (files, path, options) => call(ready, () => bindings.render(files, path, options)),
    renderMany: (files, paths, options) => call(ready, () => bindings.renderMany(files, paths, options)),
    diff: (files, from, to, options) => call(ready, () => bindings.diff(files, from, to, options)),
  };
}

/** Calls the module. After a trap its instance is in no defined state, and is replaced by a new one. */
function call<T>(ready: () => void, work: () => T): T {
  ready();
  if (broken) {
    replace();
  }
  try {
    return work();
  } catch (error) {
    // Its own errors leave an instance whole. Anything else may have passed through it.
    broken = !(error instanceof KustomizeError);
    throw isTrap(error) ? trapped(error) : error;
  } finally {
    if (broken || bindings.memorySize() > KEEP_BELOW) {
      replace();
    }
  }
}

/** A new instance from the generated glue, which forgets the old one. */
function replace(): void {
  broken = true;
  bindings.__wbg_reset_state();
  broken = false;
}

/** A trap, or an exhausted stack; Firefox has an error of its own for that. */
function isTrap(error: unknown): error is Error {
  return (
    error instanceof WebAssembly.RuntimeError ||
    error instanceof RangeError ||
    (error instanceof Error && error.name === 'InternalError')
  );
}

function trapped(cause: Error): KustomizeError {
  return bindings.memorySize() > FULL_ABOVE
    ? failure('tooLarge', 'the files need more memory than the module may have', { cause })
    : failure('internal', `rendering failed unexpectedly: ${cause.message}`, { cause });
}
