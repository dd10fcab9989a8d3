/** Lists of configurations: `search=accurate` for exact names, `search=blur` for names with `*` in them. */

import { configsIn, findRelease, isPublished } from '../../../registry/kind/config/find.ts';
import type { ConfigRow } from '../../../registry/kind/config/rows.ts';
import { RegistryError } from '@rollcall/protocol';
import { MemoryShare, type AnswerMemory } from '../../../net/answer-memory.ts';
import { Body } from '../../../net/answers.ts';
import { ListWriter } from '../../../net/list-writer.ts';
import { inOrder, order, select } from '../../../net/slices.ts';
import type { Pace, Work } from '../../../net/turns.ts';
import { fromNamespace } from '../names.ts';
import { encodedAnswer } from '../request/answer.ts';
import type { Call } from '../request/call.ts';
import type { Handler } from '../request/route.ts';
import { paged, onPage, readPage, type Page } from '../naming/pages.ts';
import { groupNames, tenantNames } from './target.ts';
import { appNameOf, contentOf, encryptedKeyOf, nameOf, rightsName } from './translate.ts';

/** Most bytes of the contents of one page. */
const pageBytesMax = 33_554_432;

/** How the JSON of a page ends: its entries come last. */
const pageEnd = ']}';
/** Characters that are encoded in a unit of work. */
const charactersPerUnit = 200;

type Matcher = (text: string) => boolean;

/** @param blur `*` stands for any text, and a text without it may stand anywhere */
function matcher(pattern: string, blur: boolean): Matcher {
  if (pattern === '') return () => true;
  if (!blur) return (text) => text === pattern;
  const parts = (pattern.includes('*') ? pattern : `*${pattern}*`).split('*');
  return (text) => hasParts(text, parts);
}

/** Whether the text is these parts with any text between them. Takes time in proportion to the text for each part. */
function hasParts(text: string, parts: readonly string[]): boolean {
  const [first = '', ...rest] = parts;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const [index, part] of rest.entries()) {
    if (index === rest.length - 1) return text.length - at >= part.length && text.endsWith(part);
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at === text.length;
}

/** @param contents whether each entry has its content, as in the first version of the API */
export function search(memory: AnswerMemory, { contents }: { readonly contents: boolean }): Handler {
  return async (call, format) => {
    const { params } = call;
    const namespace = call.namespace(tenantNames);
    const blur = params.text('search', 'blur') !== 'accurate';
    const [id, group] = [matcher(params.text('dataId'), blur), matcher(params.text(groupNames), blur)];
    const [app, tags, types] = [params.text('appName'), params.text(['config_tags', 'configTags']), params.text(['types', 'type'])];
    const page = readPage(params, 10, 500);
    const wanted = (row: ConfigRow) => {
      const name = nameOf(row);
      return name !== undefined &&
      isPublished(row) &&
      row.release > 0 &&
      id(row.name) &&
      group(row.app) &&
      (app === '' || appNameOf(row) === app) &&
      (tags === '' || tags.split(',').some((tag) => row.tags?.includes(tag) === true)) &&
      (types === '' || types.split(',').includes(row.format ?? 'text')) &&
      call.may(namespace, 'config', 'read', rightsName(name));
    };
    return call.inTurns(function* (pace) {
      const { state } = call.context.registry;
      const share = new MemoryShare(memory);
      try {
        const found = yield* select(configsIn(state, namespace), wanted, pace, 0.5);
        const sorted = yield* inOrder(found, (a, b) => order(a.app, b.app) || order(a.name, b.name), pace);
        const rows = onPage(sorted, page);
        const bytes = contents ? rows.reduce((sum, row) => sum + row.bytes, 0) : 0;
        if (bytes > pageBytesMax) {
          throw new RegistryError('resource_exhausted', `the contents of this page have ${bytes} bytes, the limit is ${pageBytesMax}; ask for a smaller pageSize`);
        }
        return encodedAnswer(yield* pageOf(found.length, page, rows, { share, pace, entry: (row) => entry(call, row, contents) }), format);
      } finally {
        share.free();
      }
    });
  };
}

export interface PageOptions {
  readonly share: MemoryShare;
  readonly pace: Pace;
  readonly entry: (row: ConfigRow) => object;
}

/** Encodes a page, an entry at a time: all contents of a page would take too long in one turn of the event loop. */
export function* pageOf(count: number, page: Page, rows: readonly ConfigRow[], { share, pace, entry: entryOf }: PageOptions): Work<Body> {
  const empty = JSON.stringify(paged(count, page, []));
  const out = new ListWriter(share);
  out.write(empty.slice(0, -pageEnd.length));
  for (const [at, row] of rows.entries()) {
    const text = JSON.stringify(entryOf(row));
    out.write(at === 0 ? text : `,${text}`);
    if (pace.spend(1 + text.length / charactersPerUnit)) yield;
  }
  out.write(pageEnd);
  return new Body(out.finish());
}

function entry(call: Call, row: ConfigRow, withContent: boolean): object {
  const release = findRelease(call.context.registry.state, row, row.release);
  const { app: group, name } = row;
  const tenant = fromNamespace(row.namespace);
  return {
    ...{ id: String(row.created), dataId: name, group, groupName: group, tenant, namespaceId: tenant, md5: row.md5 },
    ...(withContent && release !== undefined ? { content: contentOf(release), encryptedDataKey: encryptedKeyOf(release) } : {}),
    ...{ type: row.format ?? 'text', appName: appNameOf(row), desc: row.description ?? '', configTags: (row.tags ?? []).join(','), createTime: row.createdMs, modifyTime: row.changedMs },
  };
}
