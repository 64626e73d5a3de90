import { failure } from './error.js';
import type { FileContent, RenderOptions } from './types.js';

/** The other side of `src/abi.rs`. */
interface Exports extends Record<string, WebAssembly.ExportValue> {
  memory: WebAssembly.Memory;
  reserve(length: number): number;
  add_file(pathLength: number): void;
  add_path(): void;
  clear(): void;
  render(options: number): number;
  diff(options: number): number;
  output(): number;
}

/** What JSON answers hold. */
export type Outcome<T> = { ok: T } | { error: import('./types.js').ErrorData };

/** What is asked for. */
export interface Request {
  call: 'render' | 'diff';
  paths: readonly string[];
  options: RenderOptions;
}

/** A module's memory never shrinks: above this size an instance is not used again. */
const KEEP_BELOW = 128 << 20;

/** Half of what the memory may grow to: a trap above this size is for want of more. */
const FULL_ABOVE = 512 << 20;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The module and its instance. An instance that has panicked is thrown away. */
export class Engine {
  readonly #module: WebAssembly.Module;
  #instance: Exports | undefined;

  constructor(module: WebAssembly.Module) {
    this.#module = module;
  }

  /** Hands over the files and a request, and gives the answer. */
  call<T>(files: ReadonlyMap<string, { content: FileContent }>, request: Request): T {
    const exports = (this.#instance ??= this.#start());
    let [filled, whole] = [false, false];
    try {
      exports.clear();
      for (const [path, { content }] of files) {
        addFile(exports, path, content);
      }
      filled = true;
      for (const path of request.paths) {
        const bytes = encoder.encode(path);
        input(exports, bytes.length).set(bytes);
        exports.add_path();
      }
      const length = exports[request.call](bits(request.options));
      const answer = text(exports, length);
      exports.clear();
      whole = exports.memory.buffer.byteLength < KEEP_BELOW;
      return JSON.parse(answer) as T;
    } catch (error) {
      // A trap, or an exhausted stack.
      if (error instanceof WebAssembly.RuntimeError || error instanceof RangeError) {
        if (!filled || exports.memory.buffer.byteLength > FULL_ABOVE) {
          throw tooLarge(error);
        }
        throw failure('internal', `rendering failed unexpectedly: ${error.message}`, { cause: error });
      }
      throw error;
    } finally {
      if (!whole) {
        this.#instance = undefined;
      }
    }
  }

  #start(): Exports {
    return new WebAssembly.Instance(this.#module).exports as Exports;
  }
}

/** Options as `src/options.rs` knows them. */
function bits({ loadRestrictor, reorder, addManagedByLabel, enablePlugins }: RenderOptions): number {
  return (
    (loadRestrictor === 'none' ? 1 : 0) |
    (reorder === 'legacy' ? 2 : 0) |
    (reorder === 'none' ? 4 : 0) |
    (addManagedByLabel ? 8 : 0) |
    (enablePlugins ? 16 : 0)
  );
}

function addFile(exports: Exports, path: string, content: FileContent): void {
  const name = encoder.encode(path);
  const bytes = typeof content === 'string' ? encoder.encode(content) : content;
  const memory = input(exports, name.length + bytes.length);
  memory.set(name);
  memory.set(bytes, name.length);
  exports.add_file(name.length);
}

/** The input buffer, made this long. Making it may move all memory: its buffer is asked for after. */
function input(exports: Exports, length: number): Uint8Array {
  const start = length < 2 ** 31 ? exports.reserve(length) >>> 0 : 0;
  if (start === 0) {
    throw tooLarge();
  }
  return new Uint8Array(exports.memory.buffer, start, length);
}

function tooLarge(cause?: Error): Error {
  return failure('tooLarge', 'the files need more memory than the module may have', { cause });
}

function text(exports: Exports, length: number): string {
  return decoder.decode(new Uint8Array(exports.memory.buffer, exports.output() >>> 0, length));
}
