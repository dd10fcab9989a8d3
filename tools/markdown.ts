/**
 * The parts of documents that tests read: fenced blocks with the words after their language, headings,
 * and links. Enough of CommonMark for our own files (https://spec.commonmark.org/0.31.2/).
 */

export interface Block {
  /** `sh`, `ts`, …; empty when the fence names none. */
  readonly language: string;
  /** What follows the language, which readers of the rendered page do not see: `until="on port"`. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly text: string;
  /** Line of the opening fence, counted from 1. */
  readonly line: number;
}

export function blocksOf(markdown: string): Block[] {
  const found: Block[] = [];
  const lines = markdown.split('\n');
  for (let at = 0; at < lines.length; at++) {
    const fence = /^ {0,3}```+ *(\S*)(.*)$/.exec(lines[at] ?? '');
    if (fence === null) continue;
    const [, language = '', info = ''] = fence;
    const end = lines.findIndex((line, index) => index > at && /^ {0,3}```+\s*$/.test(line));
    if (end < 0) throw new Error(`line ${at + 1}: the block has no end`);
    found.push({ language, attributes: attributesOf(info), text: lines.slice(at + 1, end).join('\n'), line: at + 1 });
    at = end;
  }
  return found;
}

function attributesOf(info: string): Record<string, string> {
  const pairs = [...info.matchAll(/([a-z]+)=(?:"([^"]*)"|(\S+))/g)];
  return Object.fromEntries(pairs.map(([, name = '', quoted, bare]) => [name, quoted ?? bare ?? '']));
}

export function headingsOf(markdown: string): { readonly level: number; readonly text: string }[] {
  return [...withoutBlocks(markdown).matchAll(/^(#{1,6}) (.*)$/gm)].map(([, marks = '', text = '']) => ({
    level: marks.length,
    text: text.trim(),
  }));
}

/** Targets of links and images, without those to other sites. */
export function localLinksOf(markdown: string): string[] {
  const prose = withoutBlocks(markdown).replace(/`[^`\n]*`/g, '');
  return [...prose.matchAll(/\]\(<?([^)\s>]+)>?(?: "[^"]*")?\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z][a-z+.-]*:/i.test(target));
}

/** The fragment that GitHub gives a heading. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-');
}

function withoutBlocks(markdown: string): string {
  return markdown.replace(/^ {0,3}```[\s\S]*?^ {0,3}```\s*$/gm, '');
}
