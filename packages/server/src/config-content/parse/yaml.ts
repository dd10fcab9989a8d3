/**
 * YAML 1.2 with the core schema, one document, no duplicate keys. Merge keys (`<<`) are resolved, since readers of YAML 1.1 such as
 * Spring do. Aliases are expanded up to a limit: nine lines of them can stand for a billion values.
 */

import { isCollection, isMap, isNode, isScalar, LineCounter, parseDocument, visit, type Document, type YAMLError, type YAMLMap } from 'yaml';
import type { ContentFault } from '../content.ts';
import { depthMax } from './json.ts';
import { fail, type Parsed } from './parsed.ts';

/** Values that all aliases of a content may stand for. The parser counts an alias with the aliases below it. */
const aliasesMax = 100;

/**
 * Time and memory grow faster than the text for some texts; the caller limits both. Duplicate keys are found here, since the parser compares
 * each key with all others of its map: a megabyte of them took two minutes.
 */
export function parseYaml(text: string): Parsed {
  const lineCounter = new LineCounter();
  let document: Document;
  try {
    document = parseDocument(text, { version: '1.2', merge: true, uniqueKeys: false, strict: true, prettyErrors: false, lineCounter, logLevel: 'error' });
  } catch (error) {
    if (error instanceof RangeError) return fail(text, 0, 'nested too deeply');
    throw error;
  }
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) return { ok: false, fault: faultOf(problem, lineCounter) };
  const odd = findOdd(document);
  if (odd !== undefined) return fail(text, odd.at, odd.message, odd.kind);
  try {
    return { ok: true, value: document.toJS({ maxAliasCount: aliasesMax }) ?? null };
  } catch (error) {
    if (error instanceof ReferenceError) return fail(text, 0, `its aliases stand for more than ${aliasesMax} values; write the values out`);
    if (error instanceof RangeError) return fail(text, 0, 'nested too deeply');
    throw error;
  }
}

interface Odd {
  readonly at: number;
  readonly message: string;
  readonly kind?: 'duplicate';
}

/** What the parser accepts: depth without a limit, keys that are no texts or are there twice, aliases to nothing and to themselves. */
function findOdd(document: Document): Odd | undefined {
  const anchors = new Set<string>();
  let odd: Odd | undefined;
  const found = () => (odd === undefined ? undefined : visit.BREAK);
  visit(document, {
    Alias: (_key, { source, range }, path) => {
      const at = range?.[0] ?? 0;
      if (!anchors.has(source)) odd = { at, message: 'an alias stands for an anchor that does not exist before it' };
      if (path.some((above) => isNode(above) && 'anchor' in above && above.anchor === source)) odd = { at, message: 'an alias stands for the value that contains it' };
      return found();
    },
    Value: (key, node, path) => {
      const at = node.range?.[0] ?? 0;
      if (node.anchor !== undefined) anchors.add(node.anchor);
      // Each level is a pair and its collection.
      if (path.length > depthMax * 2) odd = { at, message: `nested deeper than ${depthMax} levels` };
      if (key === 'key' && isCollection(node)) odd = { at, message: 'a key must be a text, a number or a boolean' };
      if (isMap(node)) odd ??= secondKey(node);
      return found();
    },
  });
  return odd;
}

function secondKey({ items }: YAMLMap): Odd | undefined {
  const keys = new Set<string>();
  for (const { key } of items) {
    const value = isScalar(key) ? key.value : key;
    // Keys are texts for readers: 1 and "1" are the same one.
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean' && value !== null) continue;
    const text = String(value);
    if (keys.has(text)) return { at: (isScalar(key) ? key.range?.[0] : 0) ?? 0, message: 'the key is there already; remove one of the two', kind: 'duplicate' };
    keys.add(text);
  }
  return undefined;
}

function faultOf({ code, message, pos: [at] }: YAMLError, lines: LineCounter): ContentFault {
  const { line, col } = lines.linePos(at);
  // What follows a colon quotes the content.
  const told = message.replace(/(?<! ): .*$/s, '').replace(/(Invalid escape sequence) .*$/s, '$1');
  return { kind: 'syntax', message: code === 'MULTIPLE_DOCS' ? 'a second document begins here; a configuration is one document' : lowerFirst(told), line, column: col };
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}
