/**
 * Where the keys of a content are, while it is being written: pure functions over text that is often not well-formed yet. Faults of the server
 * name a path, which is found in the text here, and completion asks which key the cursor is at. It decides nothing about validity: the server does.
 * Of YAML it follows blocks, not the short form in braces.
 */

export interface Key {
  /** Keys and indexes from the root, this key last. */
  readonly path: readonly string[];
  /** Offset of its first character. */
  readonly from: number;
  /** Offset after its last character. */
  readonly to: number;
}

/** What the cursor is at. */
export interface Spot {
  /** Of the object in which a key is written, or of the value that is written. */
  readonly path: readonly string[];
  readonly is: 'key' | 'value';
  /** Where the word begins that is written. */
  readonly from: number;
}

export type Structured = 'properties' | 'json' | 'yaml' | 'toml';

/** All keys in the order of the text. O(length) */
export function keysOf(text: string, format: Structured): readonly Key[] {
  return scans[format](text).keys;
}

/** @param at offset of the cursor; O(at) */
export function spotAt(text: string, at: number, format: Structured): Spot {
  return scans[format](text.slice(0, at)).spot;
}

/** The key that a JSON pointer or a flat key names, or the nearest one above it that the text has. */
export function keyAt(keys: readonly Key[], path: string): Key | undefined {
  const parts = path.startsWith('/') ? path.slice(1).split('/').map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~')) : undefined;
  if (parts === undefined) return keys.find((key) => key.path.length === 1 && key.path[0] === path) ?? keys.find((key) => flat(key.path) === path);
  for (let length = parts.length; length > 0; length--) {
    const wanted = JSON.stringify(parts.slice(0, length));
    const found = keys.find((key) => JSON.stringify(key.path) === wanted);
    if (found !== undefined) return found;
  }
  return undefined;
}

function flat(path: readonly string[]): string {
  return path.map((part, n) => (/^\d+$/.test(part) ? `[${part}]` : n === 0 ? part : `.${part}`)).join('');
}

interface Scan {
  readonly keys: readonly Key[];
  /** At the end of the text. */
  readonly spot: Spot;
}

const scans: Readonly<Record<Structured, (text: string) => Scan>> = { properties: scanProperties, json: scanJson, yaml: scanYaml, toml: scanToml };

function scanProperties(text: string): Scan {
  const keys: Key[] = [];
  let spot: Spot = { path: [], is: 'key', from: 0 };
  let isContinued = false;
  for (const { line, from } of linesOf(text)) {
    const start = from + (/^\s*/.exec(line)?.[0].length ?? 0);
    const isComment = /^\s*[#!]/.test(line);
    if (!isContinued && !isComment) {
      const key = /^\s*((?:\\.|[^\\=:\s])*)(\s*[=:]?\s*)/.exec(line);
      const name = (key?.[1] ?? '').replace(/\\(.)/g, '$1');
      const end = start + (key?.[1]?.length ?? 0);
      if (name !== '') keys.push({ path: [name], from: start, to: end });
      spot = /[=:\s]/.test(key?.[2] ?? '') && name !== '' ? { path: [name], is: 'value', from: from + (key?.[0].length ?? 0) } : { path: [], is: 'key', from: start };
    } else if (isComment) spot = { path: ['#'], is: 'value', from: from + line.length };
    isContinued = !isComment && /(?:^|[^\\])(?:\\\\)*\\$/.test(line);
  }
  return { keys, spot };
}

function scanToml(text: string): Scan {
  const keys: Key[] = [];
  const counts = new Map<string, number>();
  let table: readonly string[] = [];
  let spot: Spot = { path: [], is: 'key', from: 0 };
  for (const { line, from } of linesOf(text)) {
    const start = from + (/^\s*/.exec(line)?.[0].length ?? 0);
    const header = /^\s*(\[\[?)\s*([^\]]*?)\s*\]\]?/.exec(line);
    if (header !== null) {
      table = dotted(header[2] ?? '');
      if (header[1] === '[[') {
        const name = JSON.stringify(table);
        counts.set(name, (counts.get(name) ?? -1) + 1);
        table = [...table, String(counts.get(name))];
      }
      keys.push({ path: table, from: start, to: from + line.length });
      spot = { path: table, is: 'key', from: from + line.length };
      continue;
    }
    const pair = /^\s*((?:"[^"]*"|'[^']*'|[\w-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[\w-]+))*)(\s*=\s*)?/.exec(line);
    const name = pair?.[1] ?? '';
    const path = [...table, ...dotted(name)];
    if (pair?.[2] !== undefined) {
      keys.push({ path, from: start, to: start + name.length });
      spot = { path, is: 'value', from: from + pair[0].length };
    } else spot = { path: table, is: 'key', from: start };
  }
  return { keys, spot };
}

function dotted(name: string): string[] {
  return [...name.matchAll(/"([^"]*)"|'([^']*)'|([\w-]+)/g)].map(([, double, single, bare]) => double ?? single ?? bare ?? '');
}

interface Level {
  readonly indent: number;
  readonly path: readonly string[];
  /** Index of the last item below it. */
  item: number;
}

function scanYaml(text: string): Scan {
  const keys: Key[] = [];
  const levels: Level[] = [{ indent: -1, path: [], item: -1 }];
  const top = (): Level => levels[levels.length - 1] ?? { indent: -1, path: [], item: -1 };
  let spot: Spot = { path: [], is: 'key', from: 0 };
  /** Lines of a text block are deeper than this; undefined outside of one. */
  let block: number | undefined;
  for (const { line, from } of linesOf(text)) {
    let indent = /^ */.exec(line)?.[0].length ?? 0;
    if (block !== undefined) {
      if (indent > block || line.trim() === '') continue;
      block = undefined;
    }
    if (/^\s*#/.test(line)) continue;
    let rest = line.slice(indent);
    if (rest !== '' || from === text.length) while (levels.length > 1 && (top().indent > indent || (top().indent === indent && !rest.startsWith('-')))) levels.pop();
    for (let item = /^-(\s+|$)/.exec(rest); item !== null; item = /^-(\s+|$)/.exec(rest)) {
      while (levels.length > 1 && top().indent >= indent && top().item < 0 && /^\d+$/.test(top().path.at(-1) ?? '')) levels.pop();
      const holder = top();
      holder.item++;
      levels.push({ indent, path: [...holder.path, String(holder.item)], item: -1 });
      indent += item[0].length;
      rest = rest.slice(item[0].length);
    }
    const pair = /^("[^"]*"|'[^']*'|[^\s#:{["'-][^:#]*?|-?[^\s#:{["'-][^:#]*?)\s*:(\s+|$)/.exec(rest);
    if (pair === null) {
      spot = { path: top().path, is: rest === '' || /^[\w."'-]*$/.test(rest) ? 'key' : 'value', from: from + indent };
      continue;
    }
    const name = (pair[1] ?? '').replace(/^(["'])(.*)\1$/, '$2');
    const path = [...top().path, name];
    keys.push({ path, from: from + indent, to: from + indent + (pair[1]?.length ?? 0) });
    levels.push({ indent, path, item: -1 });
    spot = { path, is: 'value', from: from + indent + pair[0].length };
    if (/^[|>][+-]?\d*\s*(?:#.*)?$/.test(rest.slice(pair[0].length))) block = indent;
  }
  return { keys, spot };
}

interface Container {
  readonly path: readonly string[];
  readonly isList: boolean;
  /** Of a list: index of the present item. Of an object: its present key, once it was read. */
  item: number;
  key: string | undefined;
}

function scanJson(text: string): Scan {
  const keys: Key[] = [];
  const open: Container[] = [];
  const here = (): Container | undefined => open[open.length - 1];
  const path = (): readonly string[] => {
    const own = here();
    if (own === undefined) return [];
    if (own.isList) return [...own.path, String(own.item)];
    return own.key === undefined ? own.path : [...own.path, own.key];
  };
  const isKeyNext = (): boolean => here()?.isList === false && here()?.key === undefined;
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    const sign = text[at] ?? '';
    if (sign === '"') {
      from = at;
      const end = endOfString(text, at);
      const word = text.slice(at + 1, end);
      const own = here();
      if (end < text.length && isKeyNext() && own !== undefined) {
        own.key = word;
        keys.push({ path: path(), from: at, to: end + 1 });
      }
      at = end;
      if (end < text.length) from = end + 1;
    } else if (sign === '{' || sign === '[') {
      open.push({ path: path(), isList: sign === '[', item: 0, key: undefined });
      from = at + 1;
    } else if (sign === '}' || sign === ']') {
      open.pop();
      from = at + 1;
    } else if (sign === ',') {
      const own = here();
      if (own?.isList === true) own.item++;
      else if (own !== undefined) own.key = undefined;
      from = at + 1;
    } else if (sign === ':') from = at + 1;
    else if (/\s/.test(sign) && /^\s*$/.test(text.slice(from, at))) from = at + 1;
  }
  return { keys, spot: { path: path(), is: isKeyNext() ? 'key' : 'value', from } };
}

/** Offset of the closing quote, or the end of the text. */
function endOfString(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '"') return at;
    else if (text[at] === '\n') return text.length;
  }
  return text.length;
}

function* linesOf(text: string): Generator<{ readonly line: string; readonly from: number }> {
  let from = 0;
  for (const line of text.split('\n')) {
    yield { line: line.endsWith('\r') ? line.slice(0, -1) : line, from };
    from += line.length + 1;
  }
}
