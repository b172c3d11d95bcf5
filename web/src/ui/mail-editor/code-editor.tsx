import { autocompletion, type CompletionContext, completionKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { html } from '@codemirror/lang-html';
import { liquid } from '@codemirror/lang-liquid';
import { bracketMatching, foldGutter, foldKeymap, HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { lintGutter, setDiagnostics } from '@codemirror/lint';
import { highlightSelectionMatches, searchKeymap } from '@codemirror/search';
import { Compartment, EditorState } from '@codemirror/state';
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { useComputedColorScheme } from '@mantine/core';
import { type Ref, useEffect, useImperativeHandle, useRef } from 'react';
import type { MailKind, MergeTag } from '@/api/types';
import { lineOfItsOwn } from './own-line';

export type CodeEditorHandle = {
  insert: (text: string) => void;
  /** Puts it on a line of its own beside the caret, so that it touches no word. */
  insertLine: (text: string) => void;
};
export type CodeMark = { line: number; message: string; severity: 'error' | 'warning' };

type Props = {
  ref?: Ref<CodeEditorHandle>;
  value: string;
  onChange: (value: string) => void;
  label: string;
  language: MailKind;
  mergeTags: MergeTag[];
  marks: CodeMark[];
  readOnly?: boolean;
};

const colours = HighlightStyle.define([
  { tag: [tags.tagName, tags.angleBracket], color: 'var(--app-info)' },
  { tag: tags.attributeName, color: 'var(--app-warn)' },
  { tag: [tags.string, tags.attributeValue], color: 'var(--app-good)' },
  { tag: [tags.keyword, tags.controlKeyword, tags.operatorKeyword], color: 'var(--app-bad)' },
  {
    tag: [tags.variableName, tags.propertyName, tags.special(tags.brace)],
    color: 'var(--app-info)',
    fontWeight: '600',
  },
  { tag: [tags.comment, tags.documentMeta], color: 'var(--mantine-color-dimmed)' },
]);

const look = EditorView.theme({
  '&': { height: '100%', fontSize: '13px', background: 'var(--app-surface)', color: 'var(--mantine-color-text)' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--mantine-font-family-monospace)', lineHeight: '1.6' },
  '.cm-gutters': { background: 'var(--app-sunken)', color: 'var(--mantine-color-dimmed)', border: 'none' },
  '.cm-activeLine, .cm-activeLineGutter': { background: 'var(--app-sunken)' },
  '.cm-cursor': { borderLeftColor: 'var(--mantine-color-text)' },
  '&.cm-focused .cm-selectionBackground, .cm-selectionBackground': { background: 'var(--app-info-soft) !important' },
  '.cm-tooltip, .cm-panels': {
    background: 'var(--app-surface)',
    color: 'inherit',
    border: '1px solid var(--app-border)',
  },
});

// Completion inside {{ … }}: the merge tags the server knows.
function mergeTagSource(mergeTags: MergeTag[]) {
  return (context: CompletionContext) => {
    const before = context.matchBefore(/\{\{\s*[\w.]*/);
    if (!before) return null;
    return {
      from: before.from,
      filter: true,
      options: mergeTags.map((tag) => ({ label: `{{ ${tag.tag} }}`, detail: tag.label, type: 'variable' })),
    };
  };
}

/** Source with colours and completion. The text is the editor's own while it is open; a value from outside replaces it only when different. */
export function CodeEditor({ ref, value, onChange, label, language, mergeTags, marks, readOnly = false }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const changed = useRef(onChange);
  const initial = useRef(value);
  const completion = useRef(new Compartment());
  const scheme = useComputedColorScheme('light');

  useEffect(() => {
    changed.current = onChange;
  });

  useEffect(() => {
    if (!host.current) return;
    const editor = new EditorView({
      parent: host.current,
      state: EditorState.create({
        doc: initial.current,
        extensions: [
          lineNumbers(),
          foldGutter(),
          lintGutter(),
          history(),
          drawSelection(),
          highlightActiveLine(),
          highlightSelectionMatches(),
          bracketMatching(),
          syntaxHighlighting(colours),
          language === 'text' ? liquid() : liquid({ base: html({ selfClosingTags: language === 'mjml' }) }),
          completion.current.of([]),
          // Escape then Tab leaves the editor, as the screen reader text of CodeMirror says.
          keymap.of([
            ...completionKeymap,
            ...defaultKeymap,
            ...historyKeymap,
            ...searchKeymap,
            ...foldKeymap,
            indentWithTab,
          ]),
          EditorView.lineWrapping,
          EditorState.readOnly.of(readOnly),
          EditorView.editable.of(!readOnly),
          EditorView.contentAttributes.of({ 'aria-label': label, tabindex: '0' }),
          look,
          EditorView.darkTheme.of(scheme === 'dark'),
          EditorView.updateListener.of((update) => {
            if (!update.docChanged) return;
            initial.current = update.state.doc.toString();
            changed.current(initial.current);
          }),
        ],
      }),
    });
    view.current = editor;
    return () => {
      view.current = null;
      editor.destroy();
    };
  }, [label, language, readOnly, scheme]);

  useEffect(() => {
    const editor = view.current;
    if (!editor || editor.state.doc.toString() === value) return;
    editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value } });
  }, [value]);

  useEffect(() => {
    view.current?.dispatch({
      effects: completion.current.reconfigure(autocompletion({ override: [mergeTagSource(mergeTags)] })),
    });
  }, [mergeTags, label, language, readOnly, scheme]);

  useEffect(() => {
    const editor = view.current;
    if (!editor) return;
    const diagnostics = marks
      .filter((mark) => mark.line >= 1 && mark.line <= editor.state.doc.lines)
      .map((mark) => {
        const line = editor.state.doc.line(mark.line);
        return { from: line.from, to: line.to, severity: mark.severity, message: mark.message };
      });
    editor.dispatch(setDiagnostics(editor.state, diagnostics));
  }, [marks]);

  useImperativeHandle(ref, () => ({
    insert: (text) => {
      const editor = view.current;
      if (!editor) return;
      editor.dispatch(editor.state.replaceSelection(text));
      editor.focus();
    },
    insertLine: (text) => {
      const editor = view.current;
      if (!editor) return;
      const { at, insert } = lineOfItsOwn(editor.state.doc.toString(), editor.state.selection.main.to, text);
      editor.dispatch({
        changes: { from: at, insert },
        selection: { anchor: at + insert.length },
        scrollIntoView: true,
        userEvent: 'input',
      });
      editor.focus();
    },
  }));

  return <div ref={host} style={{ height: '100%', minHeight: 0 }} />;
}
