/** Questions about configurations: lists, what a client gets, and what happened. */

import { mergeProperties, parseProperties, printProperties, RegistryError, type ConfigDetail, type ConfigDraft, type ConfigEnvironment, type ConfigRelease, type ConfigStep, type DiffLine, type EnvironmentStep, type ListedConfig, type ListedProposal, type ProposalDetail, type ResolvedConfig } from '@rollcall/protocol';
import { assertFound } from '../../configurations/configurations.ts';
import { diffLines } from '../../configurations/diff.ts';
import type { Body } from '../../net/answers.ts';
import { inOrder, order, select } from '../../net/slices.ts';
import type { Pace, Work } from '../../net/turns.ts';
import { configsIn, configName, draftsIn, findConfig, findDraft, policyOf } from '../../registry/kind/config/find.ts';
import type { ConfigReader } from '../../registry/kind/config/given.ts';
import type { Layer } from '../../registry/kind/config/resolve.ts';
import type { ConfigRef, DraftRow, ProposalRow, ReleaseRow } from '../../registry/kind/config/rows.ts';
import { newConfig, refOf } from '../../registry/kind/config/steps.ts';
import { namespaceNames } from '../../registry/kind/namespace/find.ts';
import type { Call } from './call.ts';
import { configJson, draftJson, environmentJson, environmentStepJson, proposalJson, stepJson } from './translate.ts';

/** `GET /rollcall/v1/config` */
export function one(call: Call): ConfigDetail {
  const { configurations, rows } = call;
  const ref = call.ref('read');
  const draft = rows.draft(ref);
  const { row, release } = assertFound(rows.get(ref) ?? (draft && { row: newConfig(refOf(draft), draft.atMs), release: undefined }), ref);
  const reveals = call.reveals(ref);
  return {
    ...configJson(row),
    can: call.rightsOn(ref),
    ...(release === undefined ? {} : { current: whole(call, ref, release, reveals) }),
    ...(draft === undefined ? {} : { draft: call.params.get('whole') === 'true' ? draftJson(draft, configurations.contents.editable(ref, draft.content, reveals)) : draftHead(draft) }),
  };
}

function draftHead({ modified, remove, base, editors, atMs }: DraftRow): NonNullable<ListedConfig['draft']> {
  return { revision: modified, ...(remove === undefined ? {} : { remove }), base, editors, atMs };
}

/** `GET /rollcall/v1/config/list` */
export async function list(call: Call): Promise<Body> {
  const namespaces = call.environments();
  return call.listInTurns(function* (pace, add) {
    for (const namespace of namespaces) yield* listOne(call, namespace, pace, add);
  });
}

function* listOne(call: Call, namespace: string, pace: Pace, add: (entry: ListedConfig) => void): Work<void> {
  const { state } = call;
  const wanted = call.params.get('app');
  const isWanted = (row: ConfigRef) => (wanted === null || row.app === wanted) && call.may('read', row);
  const rows = yield* select(configsIn(state, namespace), isWanted, pace, 0.5);
  const drafts = yield* select(draftsIn(state, namespace), (row) => isWanted(row) && findConfig(state, row) === undefined, pace, 0.5);
  const sorted = yield* inOrder([...rows, ...drafts.map((row) => newConfig(refOf(row), row.atMs))], (a, b) => order(a.app, b.app) || order(a.name, b.name) || order(a.cluster, b.cluster), pace);
  for (const row of sorted) {
    // A schema may have as many bytes as the rest of the list.
    const { schema: _schema, ...rest } = row;
    const draft = findDraft(state, row);
    add({ ...configJson(rest), can: call.rightsOn(row), ...(draft === undefined ? {} : { draft: draftHead(draft) }) });
    if (pace.spend(6)) yield;
  }
}

/** `GET /rollcall/v1/config/resolve` */
export function resolved(call: Call): ResolvedConfig {
  const { configurations, params } = call;
  const name = call.name('read');
  const reveals = call.reveals(name);
  const reader = readerIn(call);
  const layers = call.rows.resolve(name, reader).layers.filter(({ row }) => call.may('read', row));
  if (layers.length === 0) throw new RegistryError('not_found', `a client with ${params.size === 0 ? 'these fields' : [...params.keys()].join(', ')} gets no configuration ${configName(name)} in the environment ${call.about.namespace}`);
  const shown = layers.map((layer) => ({ layer, content: configurations.contents.shown(layer.row, layer.release.content, reveals && call.may('reveal', layer.row)) }));
  return { layers: shown.map(({ layer, content }) => layerJson(layer, content)), merged: merged(shown) };
}

function layerJson({ row, release, rollout }: Layer, content: string): ResolvedConfig['layers'][number] {
  const { namespace, app, cluster, name, modified } = row;
  return {
    ...{ environment: namespace, app, cluster, name, release: release.number, revision: modified },
    ...(rollout === undefined ? {} : { rollout: rollout.name }),
    ...(release.format === undefined ? {} : { format: release.format }),
    ...{ md5: release.md5, hash: release.hash, content },
  };
}

/** Properties key by key, each with where it comes from; of other formats the first layer. */
function merged(layers: readonly { readonly layer: Layer; readonly content: string }[]): ResolvedConfig['merged'] {
  const [first] = layers;
  const format = first?.layer.release.format;
  const about = format === undefined ? {} : { format };
  const parsed = layers.map(({ layer, content }) => ({ properties: parseProperties(content), origin: `${configName(layer.row)} in ${layer.row.cluster}`, format: layer.release.format }));
  const readable = parsed.flatMap(({ properties, origin, format: own }) => (own === 'properties' && properties.ok ? [{ entries: properties.entries, origin }] : []));
  if (format !== 'properties' || readable.length < layers.length) return { ...about, content: first?.content ?? '' };
  const values = mergeProperties(readable);
  return {
    ...about,
    content: printProperties(Array.from(values, ([key, { value }]) => [key, value] as const)),
    values: Array.from(values, ([key, { value, origin }]) => ({ key, value, from: origin })),
  };
}

/** @throws RegistryError `invalid_argument` */
function readerIn({ params }: Call): ConfigReader {
  const given = (name: string, field: keyof ConfigReader) => (params.get(name) ? { [field]: params.get(name) } : {});
  const labels = params.getAll('label').map((text): [string, string] => {
    const at = text.indexOf('=');
    if (at < 1) throw new RegistryError('invalid_argument', `label is ${JSON.stringify(text.slice(0, 80))}, it must be KEY=VALUE`);
    return [text.slice(0, at), text.slice(at + 1)];
  });
  return {
    ...given('readerApp', 'app'), ...given('instance', 'instance'), ...given('address', 'address'), ...given('cluster', 'cluster'), ...given('datacentre', 'datacentre'),
    ...(labels.length === 0 ? {} : { labels: Object.fromEntries(labels) }),
  };
}

/** `GET /rollcall/v1/config/history` */
export function history(call: Call): readonly ConfigStep[] {
  const ref = call.ref('read');
  assertFound(call.rows.get(ref), ref);
  return call.rows.history(ref).map(stepJson);
}

/** `GET /rollcall/v1/config/release` */
export function release(call: Call): ConfigRelease {
  const ref = call.ref('read');
  return whole(call, ref, releaseOf(call, ref, call.number('number')), call.reveals(ref));
}

/** `GET /rollcall/v1/config/diff` */
export function diff(call: Call): readonly DiffLine[] {
  const ref = call.ref('read');
  return diffLines(sideOf(call, ref, 'from'), sideOf(call, ref, 'to'));
}

/** Masks differ when secrets do. @throws RegistryError `not_found`, `invalid_argument` */
function sideOf(call: Call, ref: ConfigRef, side: string): string {
  const { contents } = call.configurations;
  if (call.params.get(side) === 'draft') return contents.shown(ref, draftOf(call, ref).content, false);
  const number = call.number(side);
  return number === 0 ? '' : contents.shown(ref, releaseOf(call, ref, number).content, false);
}

/** @throws RegistryError `not_found` */
function draftOf(call: Call, ref: ConfigRef): DraftRow {
  const found = call.rows.draft(ref);
  if (found === undefined) throw new RegistryError('not_found', `configuration ${configName(ref)} has no draft`);
  return found;
}

function releaseOf(call: Call, ref: ConfigRef, number: number): ReleaseRow {
  const found = call.rows.release(ref, number);
  if (found === undefined) throw new RegistryError('not_found', `configuration ${configName(ref)} has no step ${number}; see its history`);
  return found;
}

function whole(call: Call, ref: ConfigRef, row: ReleaseRow, reveals: boolean): ConfigRelease {
  return { ...stepJson(row), content: call.configurations.contents.editable(ref, row.content, reveals) };
}

/** `GET /rollcall/v1/config/draft` */
export function draft(call: Call): ConfigDraft {
  const ref = call.ref('read');
  const found = draftOf(call, ref);
  return draftJson(found, call.configurations.contents.editable(ref, found.content, call.reveals(ref)));
}

/** `GET /rollcall/v1/config/proposals` */
export function proposals(call: Call): Promise<readonly ListedProposal[]> {
  const namespace = call.environment();
  const [app, state] = [call.params.get('app'), call.params.get('state')];
  const policy = policyOf(call.state, namespace);
  const isWanted = (row: ProposalRow) => (app === null || row.app === app) && (state === null || row.state === state) && call.may('read', row);
  return call.inTurns(function* (pace) {
    const rows = yield* select(call.rows.proposals(namespace), isWanted, pace, 0.5);
    const newest = yield* inOrder(rows, (a, b) => b.number - a.number, pace);
    return newest.slice(0, proposalsMax).map((row) => proposalJson(row, policy));
  });
}

const proposalsMax = 1_000;

/** `GET /rollcall/v1/config/proposal` */
export function proposal(call: Call): ProposalDetail {
  const { configurations } = call;
  const ref = call.ref('read');
  const found = call.rows.proposal(ref, call.number('number'));
  if (found === undefined) throw new RegistryError('not_found', `configuration ${configName(ref)} has no proposal ${call.number('number')}`);
  const made = found.release === undefined ? undefined : call.rows.release(ref, found.release);
  const base = call.rows.release(ref, found.base);
  const { contents } = configurations;
  const [before, after] = [base?.content ?? new Uint8Array(0), made?.content ?? found.content];
  const content = contents.editable(ref, after, call.reveals(ref));
  return { ...proposalJson(found, policyOf(call.state, ref.namespace)), content, diff: diffLines(contents.shown(ref, before, false), contents.shown(ref, after, false)) };
}

/** `GET /rollcall/v1/config/environments` */
export function environments(call: Call): readonly ConfigEnvironment[] {
  const { authorizer } = call.caller;
  const visible = (namespace: string) => authorizer.allowsNamespace(namespace, 'read');
  const ruled = call.rows.environments().filter(({ namespace }) => visible(namespace));
  const known = new Set(ruled.map(({ namespace }) => namespace));
  const others = [...namespaceNames(call.state)].filter((namespace) => !known.has(namespace) && visible(namespace));
  return [...ruled.map(environmentJson), ...others.sort(order).map((namespace) => environmentJson({ namespace, order: 0, policy: {}, modified: 0 }))];
}

/** `GET /rollcall/v1/config/environment/history` */
export function environmentHistory(call: Call): readonly EnvironmentStep[] {
  const namespace = call.environment();
  call.context.security.acl.authorizeNamespace(call.caller, namespace, 'read');
  return call.rows.environmentHistory(namespace).map(environmentStepJson);
}
