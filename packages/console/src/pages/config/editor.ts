/**
 * The editor of contents: CodeMirror in a shadow root. There it adds its styles as adopted style sheets, which the page's content security policy
 * allows; in the document it would write a `style` element, which the policy forbids. It is loaded when a configuration is first opened.
 *
 * It knows texts, schemas and faults, and neither the server nor what is saved.
 */

import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap, type Completion, type CompletionContext, type CompletionResult } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { json } from '@codemirror/lang-json';
import { xml } from '@codemirror/lang-xml';
import { yaml } from '@codemirror/lang-yaml';
import { bracketMatching, HighlightStyle, indentOnInput, StreamLanguage, syntaxHighlighting } from '@codemirror/language';
import { properties } from '@codemirror/legacy-modes/mode/properties';
import { toml } from '@codemirror/legacy-modes/mode/toml';
import { linter, lintGutter, lintKeymap, type Diagnostic } from '@codemirror/lint';
import { MergeView } from '@codemirror/merge';
import { highlightSelectionMatches, searchKeymap } from '@codemirror/search';
import { Compartment, EditorState, RangeSetBuilder, StateEffect, StateField, type Extension } from '@codemirror/state';
import { Decoration, drawSelection, EditorView, highlightActiveLine, highlightActiveLineGutter, hoverTooltip, keymap, lineNumbers, WidgetType, type DecorationSet } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import type { ContentFault } from '@rollcall/protocol';
import { keyAt, keysOf, spotAt, type Structured } from './outline.ts';
import { hintAt, keysAt, parseSchema, valuesAt } from './schema.ts';

/** A note at the end of the line of a key. */
export interface Mark {
  readonly key: string;
  readonly text: string;
}

export interface EditorOptions {
  readonly content: string;
  readonly format: string;
  /** For screen readers. */
  readonly label: string;
  readonly isReadOnly: boolean;
  readonly schema: string | undefined;
  readonly changed: (content: string) => void;
  /** Asks the server what is wrong; undefined: faults are not looked for. */
  readonly check?: ((content: string) => Promise<readonly ContentFault[]>) | undefined;
  readonly save?: () => void;
  readonly publish?: () => void;
}

export interface Editor {
  readonly content: () => string;
  readonly setContent: (content: string) => void;
  readonly setReadOnly: (isReadOnly: boolean) => void;
  readonly setMarks: (marks: readonly Mark[]) => void;
  /** Adds text as lines of their own at the end, and goes there. */
  readonly append: (text: string) => void;
  readonly focus: () => void;
  readonly close: () => void;
}

/** Below it a check would mostly see words that are half written. */
const checkAfterMs = 350;

export function openEditor(host: HTMLElement, options: EditorOptions): Editor {
  const { format, schema, label } = options;
  const writable = new Compartment();
  const readOnly = (isReadOnly: boolean): Extension => [EditorState.readOnly.of(isReadOnly), EditorView.editable.of(true)];
  const extensions: Extension[] = [
    ...look(format),
    ...[lineNumbers(), highlightActiveLineGutter(), history(), drawSelection(), indentOnInput(), bracketMatching(), closeBrackets(), highlightActiveLine(), highlightSelectionMatches(), marks],
    EditorView.contentAttributes.of({ 'aria-label': label }),
    writable.of(readOnly(options.isReadOnly)),
    // Tab leaves a text that cannot be changed, and indents one that can.
    keymap.of([
      { key: 'Mod-s', preventDefault: true, run: () => (options.save?.(), true) },
      { key: 'Mod-Enter', preventDefault: true, run: () => (options.publish?.(), true) },
      ...closeBracketsKeymap, ...completionKeymap, ...lintKeymap, ...searchKeymap, ...historyKeymap,
      { key: 'Escape', run: () => (host.focus(), true) },
      ...defaultKeymap,
    ]),
    keymap.of(options.isReadOnly ? [] : [indentWithTab]),
    EditorView.updateListener.of((update) => {
      if (update.docChanged) options.changed(update.state.doc.toString());
    }),
    ...(structured(format) === undefined ? [] : [completion(structured(format) ?? 'json', schema), hints(structured(format) ?? 'json', schema)]),
  ];
  if (options.check !== undefined) extensions.push(lintGutter(), faults(options.check, format));
  const root = rootOf(host);
  const view = new EditorView({ root, parent: root, state: EditorState.create({ doc: options.content, extensions }) });
  return {
    content: () => view.state.doc.toString(),
    setContent(content) {
      if (content !== view.state.doc.toString()) view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: content } });
    },
    setReadOnly: (isReadOnly) => view.dispatch({ effects: writable.reconfigure(readOnly(isReadOnly)) }),
    setMarks: (given) => view.dispatch({ effects: setMarks.of({ given, format }) }),
    append(text) {
      const { doc } = view.state;
      const insert = `${doc.length === 0 || doc.line(doc.lines).text === '' ? '' : '\n'}${text}`;
      view.dispatch({ changes: { from: doc.length, insert }, selection: { anchor: doc.length + insert.length }, scrollIntoView: true });
      view.focus();
    },
    focus: () => view.focus(),
    close: () => view.destroy(),
  };
}

export interface Comparison {
  /** Of the right side. */
  readonly content: () => string;
  readonly close: () => void;
}

/** Two texts side by side, with what differs. @param editable whether the right side may be changed */
export function openComparison(host: HTMLElement, before: string, after: string, format: string, labels: readonly [string, string], isEditable = false): Comparison {
  const root = rootOf(host);
  const side = (doc: string, label: string, isReadOnly: boolean) => ({
    doc,
    extensions: [...look(format), lineNumbers(), EditorView.lineWrapping, history(), EditorState.readOnly.of(isReadOnly), EditorView.contentAttributes.of({ 'aria-label': label }), keymap.of([...historyKeymap, ...defaultKeymap])],
  });
  const view = new MergeView({
    a: side(before, labels[0], true),
    b: side(after, labels[1], !isEditable),
    root,
    parent: root,
    gutter: true,
    collapseUnchanged: { margin: 3, minSize: 6 },
    ...(isEditable ? { revertControls: 'a-to-b' as const } : {}),
  });
  return { content: () => view.b.state.doc.toString(), close: () => view.destroy() };
}

/** Chromium keeps the look of text that is typed over in a `style` attribute, which the page's policy forbids: the editor does it instead. */
const replacement = EditorView.domEventHandlers({
  beforeinput(event, view) {
    const { data } = event;
    const { main } = view.state.selection;
    if (event.inputType !== 'insertText' || data === null || main.empty || view.composing || view.state.readOnly) return false;
    const insert = () => view.state.update(view.state.replaceSelection(data), { userEvent: 'input.type', scrollIntoView: true });
    if (!view.state.facet(EditorView.inputHandler).some((handle) => handle(view, main.from, main.to, data, insert))) view.dispatch(insert());
    event.preventDefault();
    return true;
  },
});

/** Keys that are typed in the editor are no shortcuts of the page. */
function rootOf(host: HTMLElement): ShadowRoot {
  if (host.shadowRoot !== null) return host.shadowRoot;
  const root = host.attachShadow({ mode: 'open' });
  root.addEventListener('keydown', (event) => event.stopPropagation());
  return root;
}

function structured(format: string): Structured | undefined {
  if (format === 'flags') return 'json';
  return format === 'properties' || format === 'json' || format === 'yaml' || format === 'toml' ? format : undefined;
}

const languages: Readonly<Record<string, () => Extension>> = {
  properties: () => StreamLanguage.define(properties),
  json: () => json(),
  flags: () => json(),
  yaml: () => yaml(),
  toml: () => StreamLanguage.define(toml),
  xml: () => xml(),
};

function look(format: string): Extension[] {
  return [theme, replacement, syntaxHighlighting(highlight), ...(languages[format] === undefined ? [] : [languages[format]()])];
}

/** The colours are variables of the page, which hold in a shadow root as well. */
const theme = EditorView.theme({
  '&': { height: '100%', backgroundColor: 'var(--raised)', color: 'var(--text)', fontSize: '13px' },
  '&.cm-focused': { outline: '2px solid var(--accent)', outlineOffset: '-2px' },
  '.cm-scroller': { fontFamily: 'ui-monospace, monospace', lineHeight: '1.55' },
  '.cm-content': { caretColor: 'var(--text)' },
  '.cm-cursor': { borderLeftColor: 'var(--text)' },
  '.cm-gutters': { backgroundColor: 'var(--raised)', color: 'var(--soft)', borderRight: '1px solid var(--line)' },
  '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'color-mix(in srgb, var(--accent) 7%, transparent)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': { backgroundColor: 'color-mix(in srgb, var(--accent) 25%, transparent) !important' },
  '.cm-selectionMatch': { backgroundColor: 'color-mix(in srgb, var(--warn) 22%, transparent)' },
  '.cm-tooltip': { backgroundColor: 'var(--raised)', color: 'var(--text)', border: '1px solid var(--line)', borderRadius: '6px', overflow: 'hidden' },
  '.cm-tooltip-autocomplete > ul > li': { padding: '2px 8px' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]': { backgroundColor: 'var(--accent)', color: 'var(--ground)' },
  '.cm-completionDetail': { fontStyle: 'normal', opacity: '0.85' },
  '.cm-tooltip-hover': { padding: '4px 8px' },
  '.cm-panels': { backgroundColor: 'var(--ground)', color: 'var(--text)' },
  '.cm-mark': { color: 'var(--soft)', fontStyle: 'italic', marginLeft: '2em' },
  '.cm-diagnostic-error': { borderLeftColor: 'var(--bad)' },
  '.cm-mergeView, .cm-mergeViewEditors': { height: '100%' },
  '&.cm-merge-a .cm-changedLine, .cm-deletedChunk': { backgroundColor: 'color-mix(in srgb, var(--bad) 11%, transparent)' },
  '&.cm-merge-b .cm-changedLine, .cm-inlineChangedLine': { backgroundColor: 'color-mix(in srgb, var(--good) 11%, transparent)' },
  '&.cm-merge-a .cm-changedText, .cm-deletedChunk .cm-deletedText': { background: 'color-mix(in srgb, var(--bad) 16%, transparent)' },
  '&.cm-merge-b .cm-changedText': { background: 'color-mix(in srgb, var(--good) 16%, transparent)' },
  '.cm-collapsedLines': { background: 'var(--ground)', color: 'var(--soft)', paddingBlock: '2px' },
});

const highlight = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName), tags.definition(tags.variableName), tags.tagName, tags.attributeName], color: 'var(--accent)' },
  { tag: [tags.string, tags.quote, tags.attributeValue], color: 'var(--code-text)' },
  { tag: [tags.number, tags.bool, tags.null, tags.atom, tags.keyword], color: 'var(--code-value)' },
  { tag: [tags.comment, tags.meta], color: 'var(--soft)', fontStyle: 'italic' },
  { tag: tags.invalid, color: 'var(--bad)' },
]);

/** Keys, and values that the schema names. */
function completion(format: Structured, schemaText: string | undefined): Extension {
  const schema = parseSchema(schemaText);
  const source = (context: CompletionContext): CompletionResult | null => {
    if (schema === undefined) return null;
    const text = context.state.doc.toString();
    const spot = spotAt(text, context.pos, format);
    const written = text.slice(spot.from, context.pos);
    if (written === '' && !context.explicit && spot.is === 'key') return null;
    const isKey = spot.is === 'key';
    const there = isKey ? new Set(keysOf(text, format).filter(({ path, to }) => path.length === spot.path.length + 1 && to !== context.pos && spot.path.every((part, n) => path[n] === part)).map(({ path }) => path.at(-1))) : new Set<string | undefined>();
    const options = isKey ? keysAt(schema, spot.path).filter(({ label }) => !there.has(label)) : valuesAt(schema, spot.path);
    const isString = (label: string): boolean => !/^(?:true|false|null|-?\d+(?:\.\d+)?)$/.test(label);
    const form = (label: string): string => {
      if (isKey) return format === 'json' ? `${JSON.stringify(label)}: ` : label + { properties: '=', yaml: ': ', toml: ' = ' }[format];
      return (format === 'json' || format === 'toml') && isString(label) ? JSON.stringify(label) : label;
    };
    const completions = options.map(({ label, detail, info }): Completion => ({ label: form(label), displayLabel: label, type: isKey ? 'property' : 'enum', ...(detail === undefined ? {} : { detail }), ...(info === undefined ? {} : { info }) }));
    return { from: spot.from, options: completions, validFor: /^"?[\w.-]*$/ };
  };
  return autocompletion({ override: [source], icons: false, activateOnTyping: true });
}

/** Type and description of the key under the pointer. */
function hints(format: Structured, schemaText: string | undefined): Extension {
  const schema = parseSchema(schemaText);
  if (schema === undefined) return [];
  return hoverTooltip((view, at) => {
    const key = keysOf(view.state.doc.toString(), format).find(({ from, to }) => from <= at && at <= to);
    const hint = key === undefined ? '' : hintAt(schema, key.path);
    if (key === undefined || hint === '') return null;
    return {
      pos: key.from,
      end: key.to,
      create: () => {
        const dom = document.createElement('div');
        dom.textContent = hint;
        return { dom };
      },
    };
  });
}

function faults(check: (content: string) => Promise<readonly ContentFault[]>, format: string): Extension {
  return linter(
    async ({ state }) => {
      const { doc } = state;
      const text = doc.toString();
      const found = await check(text).catch(() => []);
      const kind = structured(format);
      const keys = kind === undefined || found.length === 0 ? [] : keysOf(text, kind);
      return found.map(({ message, line, column = 1, path }): Diagnostic => {
        const at = line === undefined ? undefined : doc.line(Math.min(Math.max(1, line), doc.lines));
        const key = at === undefined && path !== undefined ? keyAt(keys, path) : undefined;
        const from = at === undefined ? (key?.from ?? 0) : Math.min(at.from + column - 1, at.to);
        return { from, to: Math.min(doc.length, at === undefined ? (key?.to ?? from) : Math.max(at.to, from)), severity: 'error', message: path === undefined || path === '' || key !== undefined ? message : `${path}: ${message}` };
      });
    },
    { delay: checkAfterMs },
  );
}

class Note extends WidgetType {
  readonly text: string;

  constructor(text: string) {
    super();
    this.text = text;
  }

  override eq(other: Note): boolean {
    return other.text === this.text;
  }

  toDOM(): HTMLElement {
    const element = document.createElement('span');
    element.className = 'cm-mark';
    element.textContent = this.text;
    return element;
  }
}

const setMarks = StateEffect.define<{ readonly given: readonly Mark[]; readonly format: string }>();

interface Marked {
  readonly given: readonly Mark[];
  readonly format: string;
  readonly shown: DecorationSet;
}

const marks = StateField.define<Marked>({
  create: () => ({ given: [], format: '', shown: Decoration.none }),
  update(before, transaction) {
    const set = transaction.effects.find((effect) => effect.is(setMarks))?.value;
    if (set === undefined && !transaction.docChanged) return before;
    const { given, format } = set ?? before;
    return { given, format, shown: notesOf(transaction.state, given, format) };
  },
  provide: (field) => EditorView.decorations.from(field, ({ shown }) => shown),
});

function notesOf({ doc }: EditorState, given: readonly Mark[], format: string): DecorationSet {
  const kind = structured(format);
  if (kind === undefined || given.length === 0) return Decoration.none;
  const texts = new Map(given.map(({ key, text }) => [key, text]));
  const builder = new RangeSetBuilder<Decoration>();
  for (const { path, from } of keysOf(doc.toString(), kind)) {
    const text = path.length === 1 ? texts.get(path[0] ?? '') : undefined;
    if (text !== undefined) builder.add(doc.lineAt(from).to, doc.lineAt(from).to, Decoration.widget({ widget: new Note(text), side: 1 }));
  }
  return builder.finish();
}
