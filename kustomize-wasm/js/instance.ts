import * as bindings from './bindings.js';
import { failure, KustomizeError } from './error.js';

/** Where the module comes from, if not from beside this file. */
export type ModuleSource = string | URL | Response | BufferSource | WebAssembly.Module;

/** What `init` takes. */
export type Init = (source?: ModuleSource | Promise<ModuleSource>) => Promise<void>;

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

/** Refuses what no module can come from: the types of a caller in JavaScript are not checked. */
export function checkSource(source: unknown): asserts source is ModuleSource {
  const known = [URL, Response, ArrayBuffer, WebAssembly.Module];
  if (typeof source !== 'string' && !ArrayBuffer.isView(source) && !known.some((type) => source instanceof type)) {
    const found = source === null ? 'null' : Array.isArray(source) ? 'an array' : typeof source;
    throw new TypeError(`the module must be a URL, a Response, bytes or a WebAssembly.Module, not ${found}`);
  }
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

/** An `init` that loads the module once; `byDefault` says where from, if the caller does not. */
export function loader(byDefault: () => ModuleSource | Promise<ModuleSource>): Init {
  let loading: Promise<void> | undefined;
  const load = async (source: ModuleSource | Promise<ModuleSource>) => start(await compile(await source));
  return async (source) => {
    if (source !== undefined) {
      checkSource(await source);
    }
    loading ??= load(source === undefined ? byDefault() : source);
    try {
      await loading;
    } catch (error) {
      // The next call tries again.
      loading = undefined;
      throw error;
    }
  };
}

/** For `calls`, where the module has to be loaded by a call of `init`. */
export function mustBeStarted(): void {
  if (!started) {
    throw new Error('call and await init() once before rendering');
  }
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
