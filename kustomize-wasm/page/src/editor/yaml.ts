// YAML's highlighting, which gives up on texts that are nested absurdly deep: the parser's time
// grows with the square of the depth, and what walks its tree does so by recursion.
import { yaml as supported, yamlLanguage } from '@codemirror/lang-yaml';
import { LanguageSupport } from '@codemirror/language';
import { type Input, NodeType, type PartialParse, Tree } from '@lezer/common';

/** Levels of nesting beyond which a text is shown without colours. Manifests have some dozens. */
const LEVELS = 400;

const plain = NodeType.define({ id: 0, name: 'Plain', top: true });
const flat = (length: number) => new Tree(plain, [], [], length);

/** Highlighting, indentation and folding of YAML. */
export function yaml(): LanguageSupport {
  return new LanguageSupport(language, supported().support);
}

const language = yamlLanguage.configure({
  wrap: (parse, input) => (seemsDeep(input.read(0, input.length)) ? new Flat(input) : new Bounded(parse)),
});

/** A parse that finds nothing. */
class Flat implements PartialParse {
  parsedPos = 0;
  stoppedAt: number | null = null;

  constructor(readonly input: Input) {}

  advance(): Tree {
    this.parsedPos = this.stoppedAt ?? this.input.length;
    return flat(this.parsedPos);
  }

  stopAt(at: number): void {
    this.stoppedAt = at;
  }
}

/** A parse whose tree is thrown away when it turns out too deep. */
class Bounded implements PartialParse {
  constructor(readonly parse: PartialParse) {}

  get parsedPos(): number {
    return this.parse.parsedPos;
  }

  get stoppedAt(): number | null {
    return this.parse.stoppedAt;
  }

  advance(): Tree | null {
    try {
      const tree = this.parse.advance();
      return tree && depth(tree) > LEVELS ? flat(tree.length) : tree;
    } catch (error) {
      if (error instanceof RangeError) {
        return flat(this.parse.parsedPos);
      }
      throw error;
    }
  }

  stopAt(at: number): void {
    this.parse.stopAt(at);
  }
}

/** Whether a look at brackets and at the beginnings of lines finds too many levels. */
function seemsDeep(text: string): boolean {
  let open = 0;
  for (const [mark] of text.matchAll(/[[{\]}]|^(?:[ \t]|[-?:](?=\s))+/gm)) {
    if (mark === '[' || mark === '{') {
      open++;
    } else if (mark === ']' || mark === '}') {
      open = Math.max(0, open - 1);
    } else if (mark.length > 2 * LEVELS) {
      return true;
    }
    if (open > LEVELS) {
      return true;
    }
  }
  return false;
}

/** Levels of trees; those that did not change since they were counted are not walked again. */
const counted = new WeakMap<Tree, number>();

function depth(root: Tree): number {
  const path = [{ tree: root, next: 0, below: 0 }];
  for (;;) {
    const top = path[path.length - 1]!;
    const child = top.tree.children[top.next++];
    if (child instanceof Tree) {
      const known = counted.get(child);
      if (known === undefined) {
        path.push({ tree: child, next: 0, below: 0 });
      } else {
        top.below = Math.max(top.below, known);
      }
    } else if (child === undefined) {
      const levels = top.below + 1;
      counted.set(top.tree, levels);
      path.pop();
      const parent = path[path.length - 1];
      if (!parent) {
        return levels;
      }
      parent.below = Math.max(parent.below, levels);
    }
  }
}
