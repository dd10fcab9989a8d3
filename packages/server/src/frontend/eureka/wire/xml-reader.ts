/**
 * Reads the XML of one request into the same plain shape that `JSON.parse` gives, so that one reader serves both forms. It is strict
 * and small: elements, attributes, text, CDATA, comments, the XML declaration, the five entities that XML itself defines and
 * character references. A DOCTYPE, any other entity or a processing instruction is refused, so nothing can be
 * expanded or fetched (docs/decisions/0080).
 *
 *   <a>text</a>                   "text"
 *   <a x="1">text</a>             { "$": "text", "@x": "1" }
 *   <a x="1"><b>1</b></a>         { "@x": "1", "b": "1" }
 *   <a><b>1</b><b>2</b></a>       { "b": ["1", "2"] }
 */

export type Tree = string | TreeNode;
export interface TreeNode {
  readonly [name: string]: Tree | readonly Tree[];
}

export interface XmlDocument {
  readonly root: string;
  readonly content: Tree;
}

/** Eureka's documents have five levels. */
const depthMax = 24;

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** The text is no XML that the server reads; the message says where and why. */
export class XmlError extends Error {}

/** @throws XmlError */
export function readXml(text: string): XmlDocument {
  const reader = new Reader(text);
  return reader.document();
}

interface Element {
  readonly name: string;
  readonly node: Record<string, Tree | Tree[]>;
  text: string;
  children: number;
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  }

  document(): XmlDocument {
    if (this.#text.startsWith('<?xml') && /\s/.test(this.#text[5] ?? '')) this.#skipPast('?>');
    this.#skipMisc();
    const root = this.#element();
    this.#skipMisc();
    if (this.#at < this.#text.length) this.#fail('there is text after the last element');
    return root;
  }

  /** One element with all that is in it; without recursion, so that the depth of a document is no depth of calls. */
  #element(): XmlDocument {
    const open: Element[] = [];
    for (;;) {
      const top = open.at(-1);
      if (top !== undefined) this.#content(top);
      const start = this.#at;
      if (!this.#takes('<')) this.#fail(top === undefined ? 'an element is expected' : `element ${top.name} does not end`);
      if (top !== undefined && this.#takes('/')) {
        if (this.#name() !== top.name) this.#fail(`element ${top.name} is ended by another name`, start);
        this.#skipSpace();
        this.#expect('>');
        open.pop();
      } else {
        const element = this.#startTag();
        const isEmpty = this.#takes('/');
        this.#expect('>');
        if (!isEmpty) {
          if (open.push(element) > depthMax) this.#fail(`elements are nested more than ${depthMax} deep`, start);
          continue;
        }
        if (top === undefined) return { root: element.name, content: treeOf(element) };
        add(top, element.name, treeOf(element));
        continue;
      }
      const above = open.at(-1);
      if (above === undefined) return { root: top.name, content: treeOf(top) };
      add(above, top.name, treeOf(top));
    }
  }

  #startTag(): Element {
    const element: Element = { name: this.#name(), node: Object.create(null) as Element['node'], text: '', children: 0 };
    for (;;) {
      const spaced = this.#skipSpace();
      const next = this.#text[this.#at];
      if (next === '>' || next === '/') return element;
      if (!spaced) this.#fail(`the tag of ${element.name} is not well formed`);
      const name = `@${this.#name()}`;
      this.#skipSpace();
      this.#expect('=');
      this.#skipSpace();
      const quote = this.#text[this.#at];
      if (quote !== '"' && quote !== "'") this.#fail(`the value of attribute ${name.slice(1)} is not quoted`);
      const end = this.#text.indexOf(quote, ++this.#at);
      if (end < 0) this.#fail(`the value of attribute ${name.slice(1)} does not end`);
      const raw = this.#text.slice(this.#at, end);
      if (raw.includes('<')) this.#fail(`the value of attribute ${name.slice(1)} has a <`);
      if (element.node[name] !== undefined) this.#fail(`attribute ${name.slice(1)} is there twice`);
      element.node[name] = this.#decoded(raw);
      this.#at = end + 1;
    }
  }

  /** Text, CDATA and comments up to the next tag. */
  #content(element: Element): void {
    for (;;) {
      const next = this.#text.indexOf('<', this.#at);
      if (next < 0) this.#fail(`element ${element.name} does not end`);
      element.text += this.#decoded(this.#text.slice(this.#at, next));
      this.#at = next;
      if (this.#text.startsWith('<![CDATA[', next)) {
        this.#at = next + 9;
        const end = this.#text.indexOf(']]>', this.#at);
        if (end < 0) this.#fail('a CDATA section does not end');
        element.text += this.#text.slice(this.#at, end);
        this.#at = end + 3;
      } else if (!this.#skipsComment()) {
        this.#refuseMarkup();
        return;
      }
    }
  }

  /** White space and comments outside of the root. */
  #skipMisc(): void {
    do this.#skipSpace();
    while (this.#skipsComment());
    this.#refuseMarkup();
  }

  #refuseMarkup(): void {
    if (this.#text.startsWith('<!', this.#at)) this.#fail('a DOCTYPE and its like are not allowed');
    if (this.#text.startsWith('<?', this.#at)) this.#fail('processing instructions are not allowed');
  }

  #skipsComment(): boolean {
    if (!this.#text.startsWith('<!--', this.#at)) return false;
    this.#at += 4;
    this.#skipPast('-->');
    return true;
  }

  #skipPast(end: string): void {
    const found = this.#text.indexOf(end, this.#at);
    if (found < 0) this.#fail(`${end} is missing`);
    this.#at = found + end.length;
  }

  #skipSpace(): boolean {
    const start = this.#at;
    while (/[ \t\r\n]/.test(this.#text[this.#at] ?? '')) this.#at++;
    return this.#at > start;
  }

  #name(): string {
    const name = /[\p{L}_:][\p{L}\p{N}_:.-]*/uy;
    name.lastIndex = this.#at;
    const found = name.exec(this.#text)?.[0];
    if (found === undefined) return this.#fail('a name is expected');
    this.#at += found.length;
    return found;
  }

  #takes(char: string): boolean {
    if (this.#text[this.#at] !== char) return false;
    this.#at++;
    return true;
  }

  #expect(char: string): void {
    if (!this.#takes(char)) this.#fail(`${char} is expected`);
  }

  #decoded(raw: string): string {
    if (!raw.includes('&')) return raw;
    return raw.replace(/&([^;&]{0,12};?)/g, (all, name: string) => {
      const known = name.endsWith(';') ? (entities[name.slice(0, -1)] ?? characterOf(name.slice(0, -1))) : undefined;
      return known ?? this.#fail(`the entity ${all} is not known; use &amp; &lt; &gt; &quot; &apos; or a character's number`);
    });
  }

  #fail(reason: string, at = this.#at): never {
    throw new XmlError(`${reason} (at character ${at + 1})`);
  }
}

/** The character of a reference such as `#65` or `#x41`. */
function characterOf(reference: string): string | undefined {
  const digits = /^#(?:x([0-9a-f]{1,6})|(\d{1,7}))$/i.exec(reference);
  if (digits === null) return undefined;
  const code = digits[1] === undefined ? Number(digits[2]) : Number.parseInt(digits[1], 16);
  return code > 0 && code <= 0x10_ffff && (code < 0xd800 || code > 0xdfff) ? String.fromCodePoint(code) : undefined;
}

function add(element: Element, name: string, child: Tree): void {
  element.children++;
  const before = element.node[name];
  if (before === undefined) element.node[name] = child;
  else if (Array.isArray(before)) before.push(child);
  else element.node[name] = [before, child];
}

function treeOf({ node, text, children }: Element): Tree {
  if (children > 0) return node;
  for (const _attribute in node) {
    node['$'] = text;
    return node;
  }
  return text;
}

/**
 * Element names of metadata: a key may have characters that no element name has. As XStream's `XmlFriendlyNameCoder`: `_` is `__`,
 * `$` is `_-`, and any other is `_.` with four hexadecimal digits for each UTF-16 unit.
 */
export function elementNameOf(key: string): string {
  return key.replace(/[^A-Za-z0-9.-]|^[0-9.-]/g, (char) => {
    if (char === '_') return '__';
    if (char === '$') return '_-';
    return `_.${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

export function keyOfElement(name: string): string {
  return name.replace(/__|_-|_\.([0-9a-fA-F]{4})/g, (all, hex: string | undefined) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    return all === '__' ? '_' : '$';
  });
}
