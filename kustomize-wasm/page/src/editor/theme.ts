// The look of all editors. Colours are custom properties, so that light and dark are the
// style sheet's affair alone.
import { HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import type { Extension } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import { tags } from '@lezer/highlight';

const look = EditorView.theme({
  '&': { height: '100%', color: 'var(--text)', backgroundColor: 'transparent', fontSize: 'var(--code-size)' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '1.6', overflow: 'auto' },
  '.cm-content': { padding: '10px 0', caretColor: 'var(--accent)' },
  '.cm-line': { padding: '0 16px 0 6px' },
  '.cm-gutters': { backgroundColor: 'var(--code)', color: 'var(--faint)', border: 'none' },
  '.cm-lineNumbers .cm-gutterElement': { padding: '0 6px 0 14px', minWidth: '28px' },
  '.cm-foldGutter .cm-gutterElement': { color: 'var(--faint)', padding: '0 4px', cursor: 'pointer' },
  '.cm-activeLine': { backgroundColor: 'var(--line)' },
  '.cm-activeLineGutter': { backgroundColor: 'transparent', color: 'var(--text)' },
  '.cm-cursor': { borderLeftColor: 'var(--accent)', borderLeftWidth: '2px' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
    backgroundColor: 'var(--selection)',
  },
  '.cm-matchingBracket, &.cm-focused .cm-matchingBracket': { backgroundColor: 'var(--selection)' },
  '.cm-foldPlaceholder': { textIndent: '0', background: 'var(--line)', border: 'none', color: 'var(--muted)', padding: '0 6px' },
  '.cm-panels': { backgroundColor: 'var(--panel)', color: 'var(--text)', borderColor: 'var(--border)' },
  '.cm-panels input, .cm-panels button': { font: 'inherit', color: 'inherit' },
  '.cm-textfield': { backgroundColor: 'var(--code)', border: '1px solid var(--border)', borderRadius: '6px' },
  '.cm-button': { backgroundImage: 'none', backgroundColor: 'var(--raised)', border: '1px solid var(--border)', borderRadius: '6px' },
  '.cm-tooltip': {
    backgroundColor: 'var(--raised)',
    border: '1px solid var(--border)',
    borderRadius: '8px',
    boxShadow: 'var(--shadow)',
    overflow: 'hidden',
    maxWidth: 'min(560px, 80vw)',
  },
  '.cm-tooltip.cm-tooltip-autocomplete > ul': { fontFamily: 'var(--mono)', maxHeight: '14em' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li': { padding: '3px 10px' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]': { background: 'var(--accent-soft)', color: 'var(--accent)' },
  '.cm-completionMatchedText': { textDecoration: 'none', fontWeight: '700' },
  '.cm-completionDetail': { color: 'var(--muted)', fontFamily: 'var(--sans)' },
  '.cm-tooltip.cm-completionInfo': { padding: '6px 10px', fontFamily: 'var(--sans)', fontSize: '13px', maxWidth: '320px' },
  '.cm-completionInfo-left-narrow, .cm-completionInfo-right-narrow': { display: 'none' },
  '.cm-diagnostic': { padding: '8px 12px', fontFamily: 'var(--sans)', fontSize: '13px', lineHeight: '1.45' },
  '.cm-diagnostic-error': { borderLeft: '3px solid var(--error)' },
  '.cm-diagnostic-warning': { borderLeft: '3px solid var(--warning)' },
  '.cm-hint': { color: 'var(--good)', marginTop: '4px' },
  '.cm-lintRange-error': { backgroundImage: 'none', textDecoration: 'underline wavy var(--error) 1.5px', textUnderlineOffset: '3px' },
  '.cm-lintRange-warning': { backgroundImage: 'none', textDecoration: 'underline wavy var(--warning) 1.5px', textUnderlineOffset: '3px' },
  '.cm-lintPoint-error:after': { borderBottomColor: 'var(--error)' },
  '.cm-gutter-lint': { width: '16px' },
  '.cm-gutter-lint .cm-gutterElement': { padding: '0' },
  '.cm-lint-marker': { width: '8px', height: '8px', margin: '7px 0 0 7px', borderRadius: '50%', content: '""' },
  '.cm-lint-marker-error': { backgroundColor: 'var(--error)' },
  '.cm-lint-marker-warning': { backgroundColor: 'var(--warning)' },
  '.cm-errorLine': { backgroundColor: 'var(--error-soft)' },
  '.cm-warningLine': { backgroundColor: 'var(--warning-soft)' },
  '.cm-lens': {
    display: 'block',
    fontFamily: 'var(--sans)',
    fontSize: '12.5px',
    lineHeight: '1.5',
    padding: '4px 16px 6px',
    whiteSpace: 'normal',
  },
  '.cm-lens-error': { backgroundColor: 'var(--error-soft)', color: 'var(--error)' },
  '.cm-lens-warning': { backgroundColor: 'var(--warning-soft)', color: 'var(--warning)' },
  '.cm-lens .cm-hint': { marginTop: '1px' },
  '@keyframes fresh': { from: { backgroundColor: 'var(--fresh)' }, to: { backgroundColor: 'transparent' } },
  '.cm-fresh': { animation: 'fresh 1.6s ease-out' },
  // Comparison.
  '.cm-changedLine': { backgroundColor: 'var(--changed-line) !important' },
  '.cm-deletedChunk': { backgroundColor: 'var(--removed-line)' },
  '&.cm-merge-a .cm-changedLine': { backgroundColor: 'var(--removed-line) !important' },
  '&.cm-merge-b .cm-changedLine': { backgroundColor: 'var(--added-line) !important' },
  '&.cm-merge-a .cm-changedText': { background: 'var(--removed-text)' },
  '&.cm-merge-b .cm-changedText': { background: 'var(--added-text)' },
  '&.cm-merge-a .cm-changedLineGutter': { background: 'var(--error)' },
  '&.cm-merge-b .cm-changedLineGutter': { background: 'var(--good)' },
  '.cm-collapsedLines': {
    background: 'var(--line)',
    color: 'var(--muted)',
    padding: '4px 12px',
    fontFamily: 'var(--sans)',
    fontSize: '12px',
  },
  '.cm-collapsedLines:before, .cm-collapsedLines:after': { content: '"⋯"' },
});

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: 'var(--yaml-key)' },
  { tag: tags.string, color: 'var(--yaml-string)' },
  { tag: [tags.content, tags.literal], color: 'var(--yaml-value)' },
  { tag: [tags.lineComment, tags.comment], color: 'var(--yaml-comment)', fontStyle: 'italic' },
  { tag: [tags.meta, tags.keyword, tags.typeName, tags.labelName], color: 'var(--yaml-meta)' },
  { tag: [tags.separator, tags.punctuation, tags.squareBracket, tags.brace], color: 'var(--yaml-mark)' },
]);

export const theme: Extension = [look, syntaxHighlighting(colours)];
