/**
 * A client of transactions: appends to lists and reads them, over Consul's `PUT /v1/txn`. Consul cannot append, so the client
 * reads first and writes the longer list only if none of the lists that it read has changed. So its reads hold at the moment of
 * the commit.
 */

import type { ListStep } from '../check/list-append.ts';
import type { Random } from '../seeded.ts';
import { Caller } from './caller.ts';
import { epochOf, moments, type Scene } from './scene.ts';

const listsPerEpoch = 3;

/** The outcome by the status of the answer; it is unknown for other statuses. */
const verdicts: Readonly<Record<number, boolean>> = { 200: true, 409: false };

interface Found {
  readonly elements: readonly number[];
  /** 0: the list does not exist. */
  readonly revision: number;
}

export async function runListClient(scene: Scene, client: number, random: Random, meanMs: number): Promise<void> {
  const caller = new Caller({ name: `list-client-${client}`, entries: scene.entries, first: client });
  let transactions = 0;
  for await (const at of moments(scene, random, meanMs)) {
    const lists = new Set(Array.from({ length: 1 + random.below(3) }, () => `chaos/list/${epochOf(at)}/${random.below(listsPerEpoch)}`));
    const appends = new Set([...lists].filter(() => random.chance(0.6)));
    caller.choose(random.below(scene.entries.length));
    const id = client * 1_000_000 + ++transactions;
    const found = new Map<string, Found>();
    for (const list of lists) {
      const read = await readList(caller, list);
      if (read !== undefined) found.set(list, read);
    }
    if (found.size < lists.size) continue;
    const steps: ListStep[] = [];
    const operations: object[] = [];
    for (const [list, { elements, revision }] of found) {
      steps.push({ kind: 'read', list, elements });
      if (!appends.has(list)) {
        operations.push(revision === 0 ? { KV: { Verb: 'check-not-exists', Key: list } } : { KV: { Verb: 'check-index', Key: list, Index: revision } });
        continue;
      }
      steps.push({ kind: 'append', list, element: id });
      const value = Buffer.from(JSON.stringify([...elements, id])).toString('base64');
      operations.push({ KV: { Verb: 'cas', Key: list, Index: revision, Value: value } });
    }
    const outcome = await caller.put('/v1/txn', operations);
    if (outcome.kind === 'unsent') continue;
    const committed = outcome.kind === 'answer' ? verdicts[outcome.status] : undefined;
    scene.history.add({ t: 'list', transaction: { id, ...(committed === undefined ? {} : { committed }), steps } });
  }
  await caller.close();
}

async function readList(caller: Caller, list: string): Promise<Found | undefined> {
  const outcome = await caller.get(`/v1/kv/${list}`);
  if (outcome.kind !== 'answer') return undefined;
  if (outcome.status === 404) return { elements: [], revision: 0 };
  if (outcome.status !== 200) return undefined;
  const [entry] = JSON.parse(outcome.text) as { readonly Value: string; readonly ModifyIndex: number }[];
  if (entry === undefined) return undefined;
  return { elements: JSON.parse(Buffer.from(entry.Value, 'base64').toString()) as number[], revision: entry.ModifyIndex };
}
