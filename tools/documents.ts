/** Checks of documents as such: links work, and folders have the README that they need. */

import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { anchorOf, headingsOf, localLinksOf } from './markdown.ts';
import type { SourceFile } from './source-files.ts';

/** Broken links of a document, one line each. */
export function checkLinks(base: string, { path, text }: SourceFile): string[] {
  return localLinksOf(text).flatMap((link) => {
    const [target = '', fragment] = link.split('#');
    const file = target === '' ? join(base, path) : resolve(base, dirname(path), target);
    if (!existsSync(file)) return [`${path} links to ${link}, which does not exist`];
    if (fragment === undefined || statSync(file).isDirectory()) return [];
    const anchors = headingsOf(readFileSync(file, 'utf8')).map((heading) => anchorOf(heading.text));
    return anchors.includes(fragment) ? [] : [`${path} links to ${link}, but there is no such heading`];
  });
}

/** Headings of the second level that a folder's README must have, in this order among others. */
export const wantedHeadings = {
  frontend: ['Description', 'Supported surface', 'Examples'],
  engine: ['Description'],
} as const;

/** Missing parts of the README of a folder, one line each; `text` undefined when there is none. */
export function checkReadme(path: string, text: string | undefined, wanted: readonly string[]): string[] {
  if (text === undefined) return [`${path} does not exist; describe what the folder is for`];
  const headings = headingsOf(text);
  const second = headings.filter(({ level }) => level === 2).map((heading) => heading.text);
  const found = wanted.filter((name) => !second.includes(name)).map((name) => `${path} lacks the heading "## ${name}"`);
  if (headings[0]?.level !== 1) found.push(`${path} lacks a title`);
  const present = second.filter((name) => wanted.includes(name));
  if (present.join() !== wanted.filter((name) => second.includes(name)).join()) {
    found.push(`${path} has its headings in another order than ${wanted.join(', ')}`);
  }
  return found;
}
