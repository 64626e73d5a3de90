// What editors are made of.
import { acceptCompletion } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { bracketMatching, foldGutter, foldKeymap, indentOnInput, indentUnit } from '@codemirror/language';
import { lintGutter, lintKeymap } from '@codemirror/lint';
import { highlightSelectionMatches, searchKeymap } from '@codemirror/search';
import { EditorState, type Extension } from '@codemirror/state';
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
} from '@codemirror/view';

import { isKustomization } from '../kustomizations';
import { kustomizationFields } from './completion';
import { diagnostics } from './diagnostics';
import { hanging } from './hanging';
import { theme } from './theme';
import { yaml } from './yaml';

const looking: Extension = [lineNumbers(), foldGutter(), highlightSpecialChars(), drawSelection(), EditorView.lineWrapping, theme, hanging];

/** An editor for a file. Escape and then Tab leaves it. */
export function editing(path: string): Extension {
  return [
    lintGutter(),
    looking,
    diagnostics,
    history(),
    indentOnInput(),
    indentUnit.of('  '),
    bracketMatching(),
    highlightActiveLine(),
    highlightActiveLineGutter(),
    highlightSelectionMatches(),
    isKustomization(path) ? kustomizationFields : [],
    keymap.of([{ key: 'Tab', run: acceptCompletion }]),
    keymap.of([...defaultKeymap, ...searchKeymap, ...historyKeymap, ...foldKeymap, ...lintKeymap, indentWithTab]),
    EditorView.contentAttributes.of({ 'aria-label': path, autocapitalize: 'off', autocorrect: 'off', spellcheck: 'false' }),
    /\.(ya?ml|json)$|(^|\/)Kustomization$/.test(path) ? yaml() : [],
  ];
}

/** A view of a text that cannot be changed. */
export function reading(label: string): Extension {
  return [
    looking,
    EditorState.readOnly.of(true),
    keymap.of([...searchKeymap, ...foldKeymap, ...defaultKeymap]),
    EditorView.contentAttributes.of({ 'aria-label': label, 'aria-readonly': 'true' }),
    yaml(),
  ];
}

/** A place for an editor whose styles a strict content security policy lets pass: a shadow root
 * takes style sheets as objects, not as elements. */
export function shadow(host: HTMLElement): ShadowRoot {
  return host.shadowRoot ?? host.attachShadow({ mode: 'open' });
}
