// Names of fields in kustomization files, from the schema that the library generates of its types.
import { autocompletion, type Completion, type CompletionContext, type CompletionResult } from '@codemirror/autocomplete';
import type { Extension } from '@codemirror/state';

import generated from '../../../../kustomize-core/kustomization.schema.json';
import { type Place, placeOf } from './place';

/** What is used of a JSON schema. */
interface Schema {
  type?: string | string[];
  description?: string;
  properties?: Record<string, Schema>;
  items?: Schema;
  anyOf?: Schema[];
  $ref?: string;
}

const root: Schema & { $defs: Record<string, Schema> } = generated as never;

/** Follows references, and takes the part of an optional value that is not null. */
function resolve(schema: Schema | undefined): Schema | undefined {
  if (schema?.$ref) {
    return resolve(root.$defs[schema.$ref.slice('#/$defs/'.length)]);
  }
  return schema?.anyOf ? resolve(schema.anyOf.find(({ type }) => type !== 'null')) : schema;
}

/** The fields at a path of keys; `[]` stands for an item of a list. */
function fieldsAt(path: string[]): Record<string, Schema> {
  let at: Schema | undefined = root;
  for (const key of path) {
    at = resolve(key === '[]' ? at?.items : at?.properties?.[key]);
  }
  return at?.properties ?? {};
}

function completion(name: string, schema: Schema, column: number): Completion {
  const { type } = resolve(schema) ?? {};
  const indent = ' '.repeat(column);
  const after = type === 'array' ? `\n${indent}- ` : type === 'object' ? `\n${indent}  ` : ' ';
  const description = schema.description?.replace(/\s+/g, ' ') ?? '';
  // The library says of a field that it is deprecated or an older form of another.
  const old = /deprecated|older|now part of/.test(description);
  return {
    label: name,
    apply: `${name}:${after}`,
    type: 'property',
    ...(description && { info: description }),
    ...(old && { detail: 'deprecated', boost: -50 }),
  };
}

/** The fields that may stand where the cursor is and do not stand there yet. */
function fields(context: CompletionContext): CompletionResult | null {
  const { state, pos, explicit } = context;
  const line = state.doc.lineAt(pos);
  const place: Place | undefined = placeOf(state.doc, line, pos - line.from);
  if (!place || (place.typed === '' && !explicit)) {
    return null;
  }
  const all = Object.entries(fieldsAt(place.path)).filter(([name]) => !place.taken.has(name));
  return {
    from: pos - place.typed.length,
    options: all.map(([name, schema]) => completion(name, schema, place.column)),
    validFor: /^\w*$/,
  };
}

export const kustomizationFields: Extension = autocompletion({ override: [fields], icons: false });
