/** The visible surface of the API of configurations, as a table. Each route has one permission, so that its access is plain. */

import type { DescribedRoute, Operation, Schema } from '../../net/open-api.ts';
import { configEnvironmentsView, configsView, configView, configWorkView } from '../../registry/kind/config/views.ts';
import { namespaceNames } from '../../registry/kind/namespace/find.ts';
import { namespacesView } from '../../registry/kind/namespace/views.ts';
import type { Access } from '../../security/access.ts';
import { approvers } from './approvers.ts';
import { permissions, type Call, type Right } from './call.ts';
import { oldKeys } from './old-keys.ts';
import { pending } from './pending.ts';
import * as reads from './reads.ts';
import * as schemas from './schemas.ts';
import { who } from './who.ts';
import * as writes from './writes.ts';

const { answers, by, environmentParameter, refParameters, reveal } = schemas;

export interface Route extends DescribedRoute {
  readonly handle: (call: Call) => object | Promise<object>;
  /** Absent: the request has no body that is read. */
  readonly body?: Schema;
  /** Whether the audit log records a successful request. */
  readonly audited: boolean;
  /** Whether the parameter `at` asks for the answer as of a past time. */
  readonly hasPast?: true;
  /** Names of the views that the answer shows: its `ETag` changes only when one of them does. Absent: it has none. */
  readonly shows?: (call: Call) => Iterable<string>;
}

const base = '/rollcall/v1/config';
const needs = (right: Right): Access => ({ kind: 'demands-by-name', ...permissions[right] });
const read = ['GET', 'HEAD'];

const drafted = (call: Call): string[] => [configWorkView(call.environment())];
const listed = (call: Call): string[] => call.environments().flatMap((namespace) => [configsView(namespace), configWorkView(namespace)]);
const released = (call: Call): string[] => [configView(call.ref('read'))];
const rules = (): string[] => [configEnvironmentsView(), namespacesView()];

function* everywhere({ context }: Call): Generator<string> {
  yield* rules();
  for (const namespace of namespaceNames(context.registry.state)) yield* [configsView(namespace), configWorkView(namespace)];
}

/** A question with an `ETag`, which may also be about the past. */
function tagged(route: Route, shows: NonNullable<Route['shows']>): Route {
  return { ...ofPast(route), shows };
}

function ofPast(route: Route): Route {
  const { GET: operation } = route.operations;
  return { ...route, hasPast: true, ...(operation === undefined ? {} : { operations: { GET: { ...operation, parameters: [...operation.parameters ?? [], schemas.at] } } }) };
}

type Described = Pick<Operation, 'summary' | 'answer'> & Partial<Operation>;

function question(path: string, handle: Route['handle'], operation: Described, access: Access = needs('read')): Route {
  return { path: base + path, methods: read, access, handle, audited: false, operations: { GET: { parameters: refParameters, ...operation } } };
}

function change(path: string, right: Right, handle: Route['handle'], body: Schema, operation: Described, audited = true): Route {
  const described = { parameters: [...refParameters, by], ...operation, body: schemas.json(body, 'What is asked') };
  return { path: base + path, methods: ['POST'], access: needs(right), handle, body, audited, operations: { POST: described } };
}

const changedEnvironment: Operation = { summary: 'Sets the rules of an environment', parameters: [environmentParameter, by], answer: answers.done };

export const routes: readonly Route[] = [
  tagged(question('', reads.one, { summary: 'A configuration with what all clients get', parameters: [...refParameters, reveal, schemas.whole], answer: answers.one }), (call) => [...released(call), ...drafted(call)]),
  tagged(question('/list', reads.list, { summary: 'The configurations of one or several environments', parameters: [schemas.environmentsParameter, { name: 'app', description: 'Only of this app', schema: { type: 'string' } }], answer: answers.list }, { kind: 'filters', resources: ['config'] }), listed),
  question('/old-keys', oldKeys, { summary: 'The configurations of an environment with secrets that need an older key than the newest', parameters: [environmentParameter], answer: answers.oldKeys }, { kind: 'filters', resources: ['config'] }),
  ofPast(question('/resolve', reads.resolved, { summary: 'What a client gets', parameters: schemas.readerParameters, answer: answers.resolved })),
  tagged(question('/history', reads.history, { summary: 'The history of a configuration', answer: answers.history }), released),
  ofPast(question('/release', reads.release, { summary: 'One step of the history with its content', parameters: [...refParameters, schemas.numbered, reveal], answer: answers.release })),
  question('/diff', reads.diff, { summary: 'What differs between two releases', parameters: schemas.diffParameters, answer: answers.diff }),
  question('/who', who, { summary: 'Which instances and which connected clients get which release, and what they use', parameters: [...refParameters, schemas.serviceParameter, schemas.limitParameter], answer: answers.who }),
  change('/publish', 'publish', writes.publish, schemas.publishBody, { summary: 'Publishes content', answer: answers.published }),
  change('/remove', 'publish', writes.remove, schemas.removeBody, { summary: 'Removes a configuration, or one of its rollouts', answer: answers.done }),
  change('/delete', 'publish', writes.deleteUnpublished, schemas.deleteBody, { summary: 'Deletes a configuration that was never published, with its draft and its settings', answer: answers.done }),
  change('/settings', 'publish', writes.settings, schemas.settingsBody, { summary: 'Changes what belongs to a configuration and not to its releases', answer: answers.settled }),
  change('/rollback', 'publish', writes.rollback, schemas.rollbackBody, { summary: 'Publishes the content of an older release again', answer: answers.published }),
  change('/rollout', 'publish', writes.rollout, schemas.rolloutBody, { summary: 'Pauses, resumes, advances, completes or stops a rollout', answer: answers.done }),
  tagged(question('/draft', reads.draft, { summary: 'The draft of a configuration', parameters: [...refParameters, reveal], answer: answers.draft }), drafted),
  change('/check', 'edit', writes.check, schemas.checkBody, { summary: 'Says what is wrong with content, and saves nothing', answer: answers.checkedContent }, false),
  change('/draft/save', 'edit', writes.saveDraft, schemas.draftBody, { summary: 'Saves the draft', answer: answers.saved }),
  change('/draft/discard', 'edit', writes.discardDraft, schemas.discardBody, { summary: 'Throws the draft away', answer: answers.done }),
  change('/propose', 'edit', writes.propose, schemas.proposeBody, { summary: 'Proposes the draft', answer: answers.proposed }),
  tagged(question('/proposals', reads.proposals, { summary: 'The proposals of an environment', parameters: [environmentParameter, { name: 'app', description: 'Only of this app', schema: { type: 'string' } }, { name: 'state', description: 'open, published, void or withdrawn', schema: { type: 'string' } }], answer: answers.proposals }, { kind: 'filters', resources: ['config'] }), (call) => [...drafted(call), ...rules()]),
  tagged(question('/proposal', reads.proposal, { summary: 'A proposal with what it changes', parameters: [...refParameters, schemas.numbered, reveal], answer: answers.proposal }), (call) => [...released(call), ...drafted(call), ...rules()]),
  question('/approvers', approvers, { summary: 'Who can approve the draft of a configuration, or one of its proposals', parameters: [...refParameters, schemas.numberedProposal], answer: answers.approvers }),
  change('/proposal/approve', 'approve', writes.approve, schemas.reviewBody, { summary: 'Approves a proposal', answer: answers.done }),
  change('/proposal/withdraw', 'edit', writes.withdraw, schemas.reviewBody, { summary: 'Withdraws a proposal', answer: answers.done }),
  change('/proposal/publish', 'publish', writes.publishProposal, schemas.reviewBody, { summary: 'Publishes an approved proposal', answer: answers.published }),
  change('/report', 'read', writes.report, schemas.reportBody, { summary: 'An instance reports that it cannot use a release of a rollout, or, with an empty error, that it can', answer: answers.done }, false),
  tagged(question('/pending', pending, { summary: 'Rollouts that go forward, and open proposals, of all environments', parameters: [], answer: answers.pending }, { kind: 'filters', resources: ['config'] }), everywhere),
  tagged(question('/environments', reads.environments, { summary: 'The environments, and their rules', parameters: [], answer: answers.environments }, { kind: 'filters', resources: [] }), rules),
  question('/environment/history', reads.environmentHistory, { summary: 'Changes of the rules of an environment', parameters: [environmentParameter], answer: answers.environmentHistory }, { kind: 'demands-by-name', resource: 'operator', verb: 'read' }),
  {
    ...{ path: `${base}/environment`, methods: ['PUT', 'DELETE'], access: { kind: 'demands-by-name', resource: 'operator', verb: 'write' }, handle: writes.environment, body: schemas.environmentBody, audited: true },
    operations: { PUT: { ...changedEnvironment, body: schemas.json(schemas.environmentBody, 'Its order and its policy') }, DELETE: { ...changedEnvironment, summary: 'Takes the rules of an environment away' } },
  },
];
