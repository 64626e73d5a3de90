import { checkFiles, checkOptions, checkPath, checkPaths } from './arguments.js';
import type { Engine, Outcome } from './engine.js';
import { KustomizeError } from './error.js';
import type { Api, Difference, ErrorData, Files, Place, Rendered, RenderOptions } from './types.js';

type Checked = ReturnType<typeof checkFiles>;

/** The calls, over whatever loads the module. */
export function calls(engine: () => Engine): Omit<Api, 'init'> {
  const many = (files: Checked, paths: string[], options: RenderOptions): (Rendered | KustomizeError)[] => {
    const outcomes = engine().call<Outcome<Rendered>[]>(files, { call: 'render', paths, options });
    return outcomes.map((outcome) =>
      'ok' in outcome ? named(files, outcome.ok) : new KustomizeError(renamed(files, outcome.error)),
    );
  };
  return {
    render(files: Files, path: string, options?: RenderOptions): Rendered {
      const [rendered] = many(checkFiles(files), [checkPath(path)], checkOptions(options));
      if (rendered instanceof KustomizeError) {
        throw rendered;
      }
      return rendered as Rendered;
    },
    renderMany(files, paths, options) {
      return many(checkFiles(files), checkPaths(paths), checkOptions(options));
    },
    diff(files, from, to, options) {
      const checked = checkFiles(files);
      const [paths, checkedOptions] = [[checkPath(from), checkPath(to)], checkOptions(options)];
      return unwrap(checked, engine().call<Outcome<Difference>>(checked, { call: 'diff', paths, options: checkedOptions }));
    },
  };
}

function unwrap<T>(files: Checked, outcome: Outcome<T>): T {
  if ('ok' in outcome) {
    return outcome.ok;
  }
  throw new KustomizeError(renamed(files, outcome.error));
}

function named(files: Checked, rendered: Rendered): Rendered {
  rendered.warnings.forEach((warning) => name(files, warning));
  return rendered;
}

function renamed(files: Checked, error: ErrorData): ErrorData {
  [error, ...error.chain, ...error.notes].forEach((place) => name(files, place));
  return error;
}

/** Names the file of a place as the caller did. */
function name(files: Checked, place: Place): void {
  if (place.file !== undefined) {
    place.file = files.get(place.file.replace(/^\/+/, ''))?.name ?? place.file;
  }
}
