/**
 * The history of a configuration. Nacos has a row for each step with the content before it, or for the first one the content of
 * it: so an update and a removal show what they replaced.
 */

import { findConfig, findRelease, historyOf } from '../../../registry/kind/config/find.ts';
import type { ConfigRow, ReleaseRow } from '../../../registry/kind/config/rows.ts';
import { nacosCodes, NacosError } from '../errors.ts';
import { fromNamespace } from '../names.ts';
import { onPage, paged, readPage } from '../naming/pages.ts';
import type { Returned } from '../request/answer.ts';
import type { Call } from '../request/call.ts';
import { target } from './target.ts';
import { appNameOf, contentOf, encryptedKeyOf, refOf } from './translate.ts';

/** `GET history`: a page of the steps, the newest first; with `nid`, one of them. */
export function history(call: Call): Returned {
  return call.params.text('nid') === '' ? list(call) : step(call);
}

/** `GET history/list` */
export function list(call: Call): Returned {
  const { row, steps } = stepsOf(call);
  const page = readPage(call.params, 100, 500);
  return paged(steps.length, page, row === undefined ? [] : onPage(steps, page).map((each) => view(call, row, each, false)));
}

/** `GET history?nid=` */
export function step(call: Call): Returned {
  return one(call, call.params.required('nid'));
}

/** `GET history/previous?id=`: the step before one. */
export function previous(call: Call): Returned {
  const { row, steps } = stepsOf(call);
  const number = Number(call.params.required(['id', 'nid']));
  const found = steps.find((each) => each.number < number);
  if (row === undefined || found === undefined) throw missing(call);
  return view(call, row, found, true);
}

function one(call: Call, nid: string): Returned {
  const { row, steps } = stepsOf(call);
  const found = steps.find(({ number }) => String(number) === nid);
  if (row === undefined || found === undefined) throw missing(call);
  return view(call, row, found, true);
}

function missing(call: Call): NacosError {
  return new NacosError('not_found', `configuration history of ${call.params.text('dataId')} has no such step; steps are shown for 30 days`, nacosCodes.notFound);
}

function stepsOf(call: Call): { readonly row: ConfigRow | undefined; readonly steps: readonly ReleaseRow[] } {
  const name = target(call, 'read');
  const { context: { registry, clock } } = call;
  const row = findConfig(registry.state, refOf(name));
  if (row === undefined) return { row, steps: [] };
  const oldest = clock.now() - shownMs;
  return { row, steps: [...historyOf(registry.state, row)].filter(({ atMs, step }) => atMs >= oldest && isContent(step)) };
}

/** As in Nacos: 30 days, however long the history is kept. */
const shownMs = 2_592_000_000;

const operations = { insert: 'I', update: 'U', delete: 'D' } as const;

/** Nacos has steps of content only, and no rollouts that go forward. */
function isContent(step: ReleaseRow['step']): boolean {
  return step === 'publish' || step === 'rollback' || step === 'remove';
}

function view(call: Call, row: ConfigRow, step: ReleaseRow, whole: boolean): object {
  const operation = step.step === 'remove' ? 'delete' : step.parent === 0 ? 'insert' : 'update';
  const shown = operation === 'insert' ? step : findRelease(call.context.registry.state, row, step.parent);
  const time = new Date(step.atMs).toISOString().replace('Z', '+00:00');
  const { app: group, name } = row;
  const tenant = fromNamespace(row.namespace);
  return {
    ...{ id: String(step.number), lastId: -1, dataId: name, group, groupName: group, tenant, namespaceId: tenant, appName: appNameOf(row) },
    ...(whole ? { md5: shown?.md5 ?? null, content: shown === undefined ? null : contentOf(shown) } : { md5: null, content: null }),
    // The column of Nacos' table has ten characters.
    ...{ srcIp: step.from ?? '', srcUser: step.by ?? null, opType: operations[operation].padEnd(10), publishType: step.rollout === undefined ? 'formal' : 'gray', grayName: step.rollout ?? '' },
    ...{ extInfo: JSON.stringify({ type: step.format ?? 'text' }), createdTime: time, lastModifiedTime: time, encryptedDataKey: whole && shown !== undefined ? encryptedKeyOf(shown) : null },
  };
}
