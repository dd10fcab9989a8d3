/** Changes of configurations: each says whether it was done, and what came of it. */

import { formatOfName, RegistryError, type ConfigVerdict, type Done, type DraftSaved, type Proposed, type Published, type Settled } from '@rollcall/protocol';
import type { Author } from '../../configurations/configurations.ts';
import type { ConfigSettings } from '../../registry/kind/config/commands.ts';
import { configName } from '../../registry/kind/config/find.ts';
import type { ConfigRef, DraftRow, Policy, ProposalRow, RolloutInput, RolloutPlan, RolloutRule, Stage } from '../../registry/kind/config/rows.ts';
import type { Call } from './call.ts';

/** `POST /rollcall/v1/config/publish` */
export async function publish(call: Call): Promise<Published> {
  const ref = call.ref('publish');
  const body = call.body as {
    readonly content: string; readonly format?: string; readonly cas?: string; readonly settings?: ConfigSettings;
    readonly rollout?: GivenRollout; readonly confirmed?: boolean; readonly source?: 'git';
  };
  const { content, rollout, ...rest } = body;
  const done = await call.configurations.publish(ref, { ...rest, content: Buffer.from(content), ...call.author(), ...(rollout === undefined ? {} : { rollout: rolloutOf(rollout) }) });
  // The newest step of the history is this publication, or was the same content.
  const release = call.configurations.get(ref)?.row.last;
  return { done, ...(done && release !== undefined ? published(call, ref, release) : {}) };
}

/** A release, and the rollout that brings it to clients. */
function published({ configurations }: Call, ref: ConfigRef, release: number): Omit<Published, 'done'> {
  const rollout = configurations.release(ref, release)?.rollout;
  return { release, ...(rollout === undefined ? {} : { rollout }) };
}

/** `POST /rollcall/v1/config/remove` */
export async function remove(call: Call): Promise<Done> {
  const ref = call.ref('publish');
  const { rollout, source } = call.body as { readonly rollout?: string; readonly source?: 'git' };
  return { done: await call.configurations.remove(ref, rollout, { ...call.author(), ...(source === undefined ? {} : { source }) }) };
}

/** `POST /rollcall/v1/config/delete` */
export async function deleteUnpublished(call: Call): Promise<Done> {
  const ref = call.ref('publish');
  const { source } = call.body as { readonly source?: 'git' };
  return { done: await call.configurations.deleteUnpublished(ref, { ...call.author(), ...(source === undefined ? {} : { source }) }) };
}

/** `POST /rollcall/v1/config/settings` */
export async function settings(call: Call): Promise<Settled> {
  const ref = call.ref('publish');
  const { message: _, ...changed } = call.body as ConfigSettings & { readonly message?: string };
  await call.configurations.configure(ref, changed, call.author());
  const note = noteOnParents(call, ref);
  return { done: true, ...(note === undefined || changed.parents === undefined ? {} : { note }) };
}

/** What an editor may not expect of the parents of a format that is not merged key by key (decision record 0155). */
function noteOnParents(call: Call, ref: ConfigRef): string | undefined {
  const row = call.configurations.get(ref)?.row;
  const format = row?.format ?? formatOfName(ref.name);
  if (row?.parents === undefined || format === undefined || format === 'properties') return undefined;
  return `the content of ${configName(ref)} in ${format.toUpperCase()} is not merged with its parents: only properties are merged key by key. Clients get the content of the first parent only while this configuration has no release`;
}

/** `POST /rollcall/v1/config/rollback` */
export async function rollback(call: Call): Promise<Published> {
  const ref = call.ref('publish');
  const { to } = call.body as { readonly to: number };
  const done = await call.configurations.rollback(ref, to, call.author());
  const release = call.configurations.get(ref)?.row.release;
  return { done, ...(done && release !== undefined ? { release } : {}) };
}

/** `POST /rollcall/v1/config/rollout` */
export async function rollout(call: Call): Promise<Done> {
  const ref = call.ref('publish');
  const { rollout: name, action } = call.body as { readonly rollout: string; readonly action: 'pause' | 'resume' | 'stop' | 'complete' | 'advance' };
  return { done: await call.configurations.control(ref, name, action, call.author()) };
}

/** `POST /rollcall/v1/config/check` */
export async function check(call: Call): Promise<ConfigVerdict> {
  const ref = call.ref('edit');
  const { content, ...rest } = call.body as { readonly content: string; readonly format?: string; readonly publishing?: boolean };
  return call.configurations.check(ref, { ...rest, content: Buffer.from(content), by: call.author().by });
}

/** `POST /rollcall/v1/config/draft/save` */
export async function saveDraft(call: Call): Promise<DraftSaved> {
  const ref = call.ref('edit');
  const { content, format, remove: removes, own, ...rest } = call.body as { readonly content?: string; readonly format?: string; readonly remove?: boolean; readonly cas?: number; readonly own?: boolean; readonly source?: 'git' };
  if ((content === undefined) !== (removes === true)) throw new RegistryError('invalid_argument', 'a draft has either content, or remove: true');
  const author = call.author();
  const input = { ...rest, ...author, ...(own === true && rest.cas === undefined ? ownDraft(call.configurations.draft(ref), content, author) : {}) };
  const done =
    content === undefined ? await call.configurations.saveRemoval(ref, input) : await call.configurations.saveDraft(ref, { ...input, content: Buffer.from(content), ...(format === undefined ? {} : { format }) });
  const revision = call.configurations.draft(ref)?.modified;
  return { done, ...(revision === undefined ? {} : { revision }) };
}

/**
 * The condition under which the author replaces no work of others.
 * @param content undefined: a removal
 * @throws RegistryError `failed_precondition`
 */
function ownDraft(present: DraftRow | undefined, content: string | undefined, { by }: Author): { readonly cas: number } {
  const others = present?.editors.filter((editor) => editor !== by) ?? [];
  const isSame = present !== undefined && (content === undefined ? present.remove === true : present.remove !== true && Buffer.from(present.content).equals(Buffer.from(content)));
  if (present !== undefined && others.length > 0 && !isSame) {
    throw new RegistryError('failed_precondition', `draft ${present.modified} of ${configName(present)} was edited by ${others.join(', ')}; look at it, and publish it, discard it, or replace it on the condition of its revision ("cas": ${present.modified} in JSON, --cas ${present.modified} on a command line)`);
  }
  return { cas: present?.modified ?? 0 };
}

/** `POST /rollcall/v1/config/draft/discard` */
export async function discardDraft(call: Call): Promise<Done> {
  const ref = call.ref('edit');
  return { done: await call.configurations.deleteDraft(ref, (call.body as { readonly cas?: number }).cas) };
}

/** `POST /rollcall/v1/config/propose` */
export async function propose(call: Call): Promise<Proposed> {
  const ref = call.ref('edit');
  const { rollout, ...body } = call.body as { readonly draft: number; readonly notBeforeMs?: number; readonly confirmed?: boolean; readonly rollout?: GivenRollout; readonly replace?: boolean };
  const number = await call.configurations.propose(ref, { ...body, ...call.author(), ...(rollout === undefined ? {} : { rollout: rolloutOf(rollout) }) });
  return number === false ? { done: false } : { done: true, number };
}

/** `POST /rollcall/v1/config/proposal/approve` */
export async function approve(call: Call): Promise<Done> {
  const ref = call.ref('approve');
  return { done: await call.configurations.review(ref, numberIn(call), 'approve', call.author()) };
}

/** `POST /rollcall/v1/config/proposal/withdraw` */
export async function withdraw(call: Call): Promise<Done> {
  const ref = call.ref('edit');
  return { done: await call.configurations.review(ref, numberIn(call), 'withdraw', call.author()) };
}

/** `POST /rollcall/v1/config/proposal/publish` */
export async function publishProposal(call: Call): Promise<Published> {
  const ref = call.ref('publish');
  const number = numberIn(call);
  const release = await call.configurations.publishProposal(ref, number, call.author());
  if (release === false) return { done: false, ...stateOf(call.configurations.proposal(ref, number)) };
  return { done: true, ...published(call, ref, release), ...(call.configurations.proposal(ref, number)?.remove === true ? { removed: true } : {}) };
}

function stateOf(proposal: ProposalRow | undefined): Pick<Published, 'state'> {
  return proposal === undefined ? {} : { state: proposal.state };
}

function numberIn(call: Call): number {
  return (call.body as { readonly number: number }).number;
}

/** `POST /rollcall/v1/config/report` */
export async function report(call: Call): Promise<Done> {
  const ref = call.ref('read');
  const { release, instance, error } = call.body as { readonly release: number; readonly instance: string; readonly error: string };
  return { done: await call.configurations.report(ref, { release, instance, error }) };
}

/** `PUT` and `DELETE /rollcall/v1/config/environment` */
export async function environment(call: Call): Promise<Done> {
  const { acl } = call.context.security;
  const namespace = call.environment();
  acl.authorizeNamespace(call.caller, namespace, 'write');
  call.about = { namespace, name: '' };
  if (call.exchange.request.method === 'DELETE') return { done: await call.configurations.deleteEnvironment(namespace, call.author()) };
  const { order, policy, cas } = call.body as { readonly order: number; readonly policy: Omit<Policy, 'rollout'> & { readonly rollout?: GivenPlan }; readonly cas?: number };
  const { rollout: plan, ...rest } = policy;
  const rules = { order, policy: { ...rest, ...(plan === undefined ? {} : { rollout: planOf(plan) }) }, ...(cas === undefined ? {} : { cas }) };
  return { done: await call.configurations.putEnvironment({ namespace, ...rules, ...call.author() }) };
}

// Schemas have no alternatives: these are the forms that they allow.

interface GivenRule {
  readonly kind: RolloutRule['kind'];
  readonly apps?: readonly string[];
  readonly addresses?: readonly string[];
  readonly label?: string;
  readonly values?: readonly string[];
  readonly instances?: readonly string[];
  readonly expression?: string;
}

interface GivenPlan extends Omit<RolloutPlan, 'stages'> {
  readonly stages: readonly { readonly percent?: number; readonly count?: number; readonly bakeMs: number }[];
}

interface GivenRollout {
  readonly name: string;
  readonly rule?: GivenRule;
  readonly priority?: number;
  readonly plan?: GivenPlan;
}

/** @throws RegistryError `invalid_argument` */
function rolloutOf({ name, rule, priority = 0, plan }: GivenRollout): RolloutInput {
  return { name, priority, ...(rule === undefined ? {} : { rule: ruleOf(rule) }), ...(plan === undefined ? {} : { plan: planOf(plan) }) };
}

function planOf({ stages, ...rest }: GivenPlan): RolloutPlan {
  return { ...rest, stages: stages.map(stageOf) };
}

function stageOf({ percent, count, bakeMs }: GivenPlan['stages'][number]): Stage {
  if (percent !== undefined && count === undefined) return { percent, bakeMs };
  if (count !== undefined && percent === undefined) return { count, bakeMs };
  throw new RegistryError('invalid_argument', 'a stage has either percent or count');
}

function ruleOf({ kind, apps, addresses, label, values, instances, expression }: GivenRule): RolloutRule {
  if (kind === 'app' && apps !== undefined) return { kind, apps };
  if (kind === 'address' && addresses !== undefined) return { kind, addresses };
  if (kind === 'label' && label !== undefined && values !== undefined) return { kind, label, values };
  if (kind === 'instance' && instances !== undefined) return { kind, instances };
  if (kind === 'expression' && expression !== undefined) return { kind, expression };
  const needed = { app: 'apps', address: 'addresses', label: 'label and values', instance: 'instances', expression: 'expression' }[kind];
  throw new RegistryError('invalid_argument', `a rule of the kind ${kind} needs ${needed}`);
}
