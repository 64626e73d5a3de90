import type { ErrorData, ErrorKind, Note } from './bindings.js';

/** Why a call failed. */
export class KustomizeError extends Error implements ErrorData {
  override readonly name = 'KustomizeError';
  readonly kind: ErrorKind;
  declare readonly file?: string;
  declare readonly line?: number;
  declare readonly column?: number;
  declare readonly lineText?: string;
  declare readonly resource?: string;
  declare readonly field?: string;
  declare readonly hint?: string;
  readonly chain: Note[];
  readonly notes: Note[];
  readonly text: string;

  /** An error from its data, such as came from a worker. */
  constructor(data: ErrorData, options?: ErrorOptions) {
    const { message, kind, chain, notes, text, ...rest } = data;
    super(message, options);
    this.kind = kind;
    this.chain = chain;
    this.notes = notes;
    this.text = text;
    Object.assign(this, rest);
  }

  /** The data, to be posted from a worker: structured cloning would lose it. */
  toJSON(): ErrorData {
    return { ...this, message: this.message };
  }
}

/** An error of a call, before any rendering. */
export function failure(kind: ErrorKind, message: string, options?: ErrorOptions): KustomizeError {
  return new KustomizeError({ kind, message, chain: [], notes: [], text: `error: ${message}\n` }, options);
}
