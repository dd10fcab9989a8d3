/**
 * The repository's own sources as text, for the tests in this folder, and what is code in them:
 * comments and the contents of strings can be blanked out, so that no rule trips over prose.
 * It is a scanner, not a parser: it knows strings, templates, comments and regular expressions.
 */

import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface SourceFile {
  /** Path from the root of the repository, with `/`. */
  readonly path: string;
  readonly text: string;
}

export const root = fileURLToPath(new URL('..', import.meta.url));

const skipped = new Set(['node_modules', 'dist', 'data', 'coverage', '.git']);

/** Every file below the given folders whose name ends in one of `endings`, sorted by path. */
export function sourceFiles(folders: readonly string[], endings: readonly string[]): SourceFile[] {
  const paths = folders.flatMap((folder) => walk(folder));
  return paths
    .filter((path) => endings.some((ending) => path.endsWith(ending)))
    .sort()
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}

/** The TypeScript sources of the packages, without tests and the suites that tests share. */
export function productSources(): SourceFile[] {
  return sourceFiles(['packages'], ['.ts']).filter(({ path }) => !isTest(path));
}

export function isTest(path: string): boolean {
  return /\.(test|case)\.ts$/.test(path);
}

function walk(folder: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    if (skipped.has(entry.name)) return [];
    const path = folder === '.' ? entry.name : `${folder}/${entry.name}`;
    return entry.isDirectory() ? walk(path) : [path];
  });
}

/** A slash starts a regular expression, not a division, after one of these. */
const beforeRegex = /(?:^|[(,=:[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case|in|of|await|yield))\s*$/;

/**
 * `text` with comments blanked out, line by line the same length of lines.
 * @param keepStrings whether quoted strings stay; templates go in any case
 */
export function codeOf(text: string, { keepStrings }: { readonly keepStrings: boolean }): string {
  let out = '';
  let at = 0;
  /** Braces open inside each `${` that we are in. */
  const templates: number[] = [];
  const blank = (end: number) => {
    out += text.slice(at, end).replace(/[^\n]/g, ' ');
    at = end;
  };
  const keep = (end: number) => {
    out += text.slice(at, end);
    at = end;
  };
  while (at < text.length) {
    const char = text[at] as string;
    const two = text.slice(at, at + 2);
    if (two === '//') blank(endOf(text, '\n', at));
    else if (two === '/*') blank(Math.min(text.length, endOf(text, '*/', at + 2) + 2));
    else if (char === "'" || char === '"') {
      const end = endOfString(text, at + 1, char);
      if (keepStrings) keep(end);
      else blank(end);
    }
    else if (char === '`' || (char === '}' && templates.at(-1) === 0)) {
      if (char === '}') templates.pop();
      const end = endOfTemplate(text, at + 1);
      if (text.startsWith('${', end - 2)) templates.push(0);
      blank(end);
    } else if (char === '/' && beforeRegex.test(out.slice(-40))) blank(endOfRegex(text, at + 1));
    else {
      const depth = templates.at(-1);
      if (depth !== undefined && char === '{') templates[templates.length - 1] = depth + 1;
      if (depth !== undefined && char === '}') templates[templates.length - 1] = depth - 1;
      keep(at + 1);
    }
  }
  return out;
}

function endOf(text: string, what: string, from: number): number {
  const found = text.indexOf(what, from);
  return found < 0 ? text.length : found;
}

function endOfString(text: string, from: number, quote: string): number {
  let at = from;
  while (at < text.length && text[at] !== quote && text[at] !== '\n') at += text[at] === '\\' ? 2 : 1;
  return Math.min(at + 1, text.length);
}

/** Just behind the closing backtick, or behind the next `${`. */
function endOfTemplate(text: string, from: number): number {
  let at = from;
  while (at < text.length && text[at] !== '`') {
    if (text.startsWith('${', at)) return at + 2;
    at += text[at] === '\\' ? 2 : 1;
  }
  return Math.min(at + 1, text.length);
}

function endOfRegex(text: string, from: number): number {
  let at = from;
  let inClass = false;
  while (at < text.length && text[at] !== '\n' && (inClass || text[at] !== '/')) {
    if (text[at] === '[') inClass = true;
    if (text[at] === ']') inClass = false;
    at += text[at] === '\\' ? 2 : 1;
  }
  return Math.min(at + 1, text.length);
}

/** The line number of an index, counted from 1. */
export function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length;
}
