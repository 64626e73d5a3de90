// Where in a YAML document a field is being typed, as its lines tell: the text is incomplete then,
// and does not parse.
import type { Line, Text } from '@codemirror/state';

/** The place of a field. */
export interface Place {
  /** Keys that lead to the mapping; `[]` stands for an item of a list. */
  path: string[];
  /** What the mapping has already. */
  taken: Set<string>;
  /** The column of the field. */
  column: number;
  /** What is typed of its name. */
  typed: string;
}

/** A line that starts with a key. */
interface Key {
  name: string;
  column: number;
  /** The column of the innermost `-` before it. */
  dash: number | undefined;
}

const BEGUN = /^(\s*(?:- +)*)(\w*)$/;
const KEY = /^(\s*(?:- +)*)([\w.-]+):(?:\s|$)/;

/** The place of the field that ends at a column of a line; nothing where no field can stand. */
export function placeOf(doc: Text, line: Line, end: number): Place | undefined {
  const found = BEGUN.exec(line.text.slice(0, end));
  if (!found || line.text.slice(end).trim() !== '') {
    return undefined;
  }
  const [, before = '', typed = ''] = found;
  const place: Place = { path: [], taken: new Set(), column: before.length, typed };
  let { column } = place;
  let dash = dashOf(before);
  let own = true;
  for (let number = line.number - 1; number > 0 && (column > 0 || dash !== undefined || own); number--) {
    const key = keyOf(doc.line(number).text);
    if (!key) {
      continue;
    }
    if (dash !== undefined) {
      // Inside of a list's item: what comes above, up to the key of the list, are other items.
      if (key.column <= dash && key.dash !== dash) {
        place.path.unshift(key.name, '[]');
        [column, dash, own] = [key.column, key.dash, false];
      }
    } else if (key.column === column) {
      if (own) {
        place.taken.add(key.name);
      }
      dash = key.dash;
    } else if (key.column < column) {
      place.path.unshift(key.name);
      [column, dash, own] = [key.column, key.dash, false];
    }
  }
  takeBelow(doc, line.number, place);
  return place;
}

/** Adds the fields of the mapping that stand below a line. */
function takeBelow(doc: Text, above: number, place: Place): void {
  for (let number = above + 1; number <= doc.lines; number++) {
    const { text } = doc.line(number);
    const key = keyOf(text);
    const column = key ? (key.dash ?? key.column) : text.search(/[^\s]/);
    const outside = column >= 0 && column < place.column && !text.trimStart().startsWith('#');
    if (outside && !(place.column === 0)) {
      return;
    }
    if (key && key.column === place.column && key.dash === undefined) {
      place.taken.add(key.name);
    }
  }
}

function keyOf(text: string): Key | undefined {
  const found = KEY.exec(text);
  const before = found?.[1] ?? '';
  return found?.[2] ? { name: found[2], column: before.length, dash: dashOf(before) } : undefined;
}

function dashOf(before: string): number | undefined {
  const at = before.lastIndexOf('-');
  return at < 0 ? undefined : at;
}
