import { Engine } from './engine.js';
import { failure } from './error.js';
import type { ModuleSource } from './types.js';

/** The engine from wherever the module is. */
export async function load(source: ModuleSource): Promise<Engine> {
  return new Engine(await compile(source));
}

async function compile(source: ModuleSource): Promise<WebAssembly.Module> {
  if (source instanceof WebAssembly.Module) {
    return source;
  }
  if (source instanceof ArrayBuffer || ArrayBuffer.isView(source)) {
    return WebAssembly.compile(source as BufferSource);
  }
  const response = source instanceof Response ? source : await fetch(source);
  if (!response.ok) {
    throw failure('invalidArgument', `${response.url}: HTTP status ${response.status}`);
  }
  // Servers that do not know the media type are common enough.
  const media = response.headers.get('content-type') ?? '';
  return media.startsWith('application/wasm')
    ? WebAssembly.compileStreaming(response)
    : WebAssembly.compile(await response.arrayBuffer());
}
