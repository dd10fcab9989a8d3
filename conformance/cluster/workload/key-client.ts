/** A client of keys: reads, puts, cas and deletes over a few keys that other clients use at the same time. */

import type { KeyInput, KeyOutput } from '../check/key-model.ts';
import type { Random } from '../seeded.ts';
import { Caller, type Outcome } from './caller.ts';
import { epochOf, moments, type Scene } from './scene.ts';

const keysPerEpoch = 3;

export async function runKeyClient(scene: Scene, client: number, random: Random, meanMs: number): Promise<void> {
  const caller = new Caller({ name: `key-client-${client}`, entries: scene.entries, first: client });
  const known = new Map<string, number>();
  let writes = 0;
  for await (const at of moments(scene, random, meanMs)) {
    const key = `chaos/key/${epochOf(at)}/${random.below(keysPerEpoch)}`;
    const kind = random.pick(['get', 'get', 'get', 'put', 'cas', 'cas', 'cas', 'delete', 'delete-cas'] as const) ?? 'get';
    const entry = random.below(scene.entries.length);
    const value = `${client}-${++writes}`;
    const revision = known.get(key) ?? 0;
    const input: KeyInput = kind === 'put' ? { kind, value } : kind === 'cas' ? { kind, value, revision } : kind === 'delete-cas' ? { kind, revision } : { kind };
    caller.choose(entry);
    // Deleting with cas=0 deletes unconditionally in Consul.
    if (input.kind === 'delete-cas' && revision === 0) continue;
    const call = scene.history.now();
    const outcome = await send(caller, key, input);
    const end = scene.history.now();
    const output = outputOf(input, outcome);
    if (outcome.kind === 'unsent' || (output === undefined && kind === 'get')) continue;
    if (output?.found !== undefined) known.set(key, output.found.revision);
    else if (kind === 'get') known.delete(key);
    scene.history.add({ t: 'key', key, operation: { client, input, call, ...(output === undefined ? {} : { output, return: end }) } });
  }
  await caller.close();
}

function send(caller: Caller, key: string, input: KeyInput): Promise<Outcome> {
  const path = `/v1/kv/${key}`;
  switch (input.kind) {
    case 'get':
      return caller.get(`${path}?consistent`);
    case 'put':
      return caller.put(path, input.value);
    case 'cas':
      return caller.put(`${path}?cas=${input.revision}`, input.value);
    case 'delete':
      return caller.delete(path);
    case 'delete-cas':
      return caller.delete(`${path}?cas=${input.revision}`);
  }
}

/** @returns undefined when the outcome is unknown */
function outputOf(input: KeyInput, outcome: Outcome): KeyOutput | undefined {
  if (outcome.kind !== 'answer') return undefined;
  const { status, text } = outcome;
  if (input.kind !== 'get') return status === 200 ? { applied: text.trim() === 'true' } : undefined;
  if (status === 404) return {};
  if (status !== 200) return undefined;
  const [entry] = JSON.parse(text) as { readonly Value: string | null; readonly ModifyIndex: number }[];
  return { found: { value: Buffer.from(entry?.Value ?? '', 'base64').toString(), revision: entry?.ModifyIndex ?? 0 } };
}
