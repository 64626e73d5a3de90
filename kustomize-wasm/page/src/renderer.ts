// The main thread's side of the worker. Of what is asked while it is busy, only the last counts.
import type { Difference, ErrorData, Rendered } from 'kustomize-wasm';

import type { Content } from './files/content';
import type { Answer, Ask, Outcome } from './worker';

/** After this long a rendering is given up, and the worker with it. */
const PATIENCE = 20_000;

interface Job {
  ask: Ask & { id: number };
  settle(answer: Answer | undefined): void;
}

export class Renderer {
  #worker = this.#start();
  #files = new Map<string, Content>();
  #running: Job | undefined;
  #waiting = new Map<string, Job>();
  #next = 0;
  #alarm = 0;

  /** Replaces all files. */
  replace(files: Map<string, Content>): void {
    this.#files = new Map(files);
    this.#send({ ask: 'replace', files });
  }

  /** Replaces one. */
  write(path: string, content: Content): void {
    this.#files.set(path, content);
    this.#send({ ask: 'write', path, content });
  }

  /** Renders overlays; `undefined` when another such call came before this one's turn. */
  async render(paths: string[]): Promise<{ rendered: Outcome<Rendered>[]; milliseconds: number } | undefined> {
    const answer = await this.#ask('render', { ask: 'render', id: this.#next++, paths });
    return answer && 'rendered' in answer ? answer : undefined;
  }

  /** Compares two overlays. */
  async diff(from: string, to: string): Promise<Outcome<Difference> | undefined> {
    const answer = await this.#ask('diff', { ask: 'diff', id: this.#next++, from, to });
    return answer && 'difference' in answer ? answer.difference : undefined;
  }

  #ask(what: string, ask: Ask & { id: number }): Promise<Answer | undefined> {
    return new Promise((settle) => {
      this.#waiting.get(what)?.settle(undefined);
      this.#waiting.set(what, { ask, settle });
      this.#go();
    });
  }

  #go(): void {
    const [next] = this.#waiting;
    if (this.#running || !next) {
      return;
    }
    this.#waiting.delete(next[0]);
    this.#running = next[1];
    this.#send(this.#running.ask);
    this.#alarm = window.setTimeout(() => this.#giveUp('rendering took too long and was stopped'), PATIENCE);
  }

  #done(answer: Answer): void {
    window.clearTimeout(this.#alarm);
    const job = this.#running;
    this.#running = undefined;
    job?.settle(answer);
    this.#go();
  }

  /** A fresh worker instead of one that hangs or broke. */
  #giveUp(message: string): void {
    const job = this.#running;
    this.#worker.terminate();
    this.#worker = this.#start();
    this.#send({ ask: 'replace', files: this.#files });
    if (!job) {
      return;
    }
    const error: ErrorData = { kind: 'internal', message, chain: [], notes: [], text: `error: ${message}\n` };
    const { id } = job.ask;
    const failed = { id, milliseconds: 0 };
    this.#done(
      job.ask.ask === 'render'
        ? { ...failed, rendered: job.ask.paths.map(() => ({ error })) }
        : { ...failed, difference: { error } },
    );
  }

  #start(): Worker {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
    worker.onmessage = ({ data }: MessageEvent<Answer>) => this.#done(data);
    worker.onerror = (event) => this.#giveUp(`the renderer could not run: ${event.message}`);
    return worker;
  }

  #send(ask: Ask): void {
    this.#worker.postMessage(ask);
  }
}
