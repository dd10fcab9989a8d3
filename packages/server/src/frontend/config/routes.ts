/** The visible surface of the API of configurations, as a table. Each route has one permission, so that its access is plain. */

import type { DescribedRoute, Operation, Schema } from '../../net/open-api.ts';
import type { Access } from '../../security/access.ts';
import { permissions, type Call, type Right } from './call.ts';
import { oldKeys } from './old-keys.ts';
import * as reads from './reads.ts';
import * as schemas from './schemas.ts';
import * as writes from './writes.ts';

const { answers, by, environmentParameter, refParameters, reveal } = schemas;

export interface Route extends DescribedRoute {
  readonly handle: (call: Call) => object | Promise<object>;
  /** Absent: the request has no body that is read. */
  readonly body?: Schema;
  /** Whether the audit log records a successful request. */
  readonly audited: boolean;
}

const base = '/rollcall/v1/config';
const needs = (right: Right): Access => ({ kind: 'demands-by-name', ...permissions[right] });
const read = ['GET', 'HEAD'];

type Described = Pick<Operation, 'summary' | 'answer'> & Partial<Operation>;

function question(path: string, handle: Route['handle'], operation: Described, access: Access = needs('read')): Route {
  return { path: base + path, methods: read, access, handle, audited: false, operations: { GET: { parameters: refParameters, ...operation } } };
}

function change(path: string, right: Right, handle: Route['handle'], body: Schema, operation: Described, audited = true): Route {
  const described = { parameters: [...refParameters, by], ...operation, body: schemas.json(body, 'What is asked') };
  return { path: base + path, methods: ['POST'], access: needs(right), handle, body, audited, operations: { POST: described } };
}

const changedEnvironment: Operation = { summary: 'Sets the rules of an environment', parameters: [environmentParameter], answer: answers.done };

export const routes: readonly Route[] = [
  question('', reads.one, { summary: 'A configuration with what all clients get', parameters: [...refParameters, reveal], answer: answers.one }),
  question('/list', reads.list, { summary: 'The configurations of an environment', parameters: [environmentParameter, { name: 'app', description: 'Only of this app', schema: { type: 'string' } }], answer: answers.list }, { kind: 'filters', resources: ['config'] }),
  question('/old-keys', oldKeys, { summary: 'The configurations of an environment with secrets that need an older key than the newest', parameters: [environmentParameter], answer: answers.oldKeys }, { kind: 'filters', resources: ['config'] }),
  question('/resolve', reads.resolved, { summary: 'What a client gets', parameters: schemas.readerParameters, answer: answers.resolved }),
  question('/history', reads.history, { summary: 'The history of a configuration', answer: answers.history }),
  question('/release', reads.release, { summary: 'One step of the history with its content', parameters: [...refParameters, schemas.numbered, reveal], answer: answers.release }),
  question('/diff', reads.diff, { summary: 'What differs between two releases', parameters: schemas.diffParameters, answer: answers.diff }),
  question('/who', reads.who, { summary: 'Which instances get which release', parameters: [...refParameters, schemas.serviceParameter], answer: answers.who }),
  question('/readers', reads.readers, { summary: 'Which clients read it now, through any node, and what they use', parameters: refParameters, answer: answers.readers }),
  change('/publish', 'publish', writes.publish, schemas.publishBody, { summary: 'Publishes content', answer: answers.published }),
  change('/remove', 'publish', writes.remove, schemas.removeBody, { summary: 'Removes a configuration, or one of its rollouts', answer: answers.done }),
  change('/delete', 'publish', writes.deleteUnpublished, schemas.deleteBody, { summary: 'Deletes a configuration that was never published, with its draft and its settings', answer: answers.done }),
  change('/settings', 'publish', writes.settings, schemas.settingsBody, { summary: 'Changes what belongs to a configuration and not to its releases', answer: answers.done }),
  change('/rollback', 'publish', writes.rollback, schemas.rollbackBody, { summary: 'Publishes the content of an older release again', answer: answers.published }),
  change('/rollout', 'publish', writes.rollout, schemas.rolloutBody, { summary: 'Pauses, resumes, advances, completes or stops a rollout', answer: answers.done }),
  question('/draft', reads.draft, { summary: 'The draft of a configuration', parameters: [...refParameters, reveal], answer: answers.draft }),
  change('/draft/save', 'edit', writes.saveDraft, schemas.draftBody, { summary: 'Saves the draft', answer: answers.saved }),
  change('/draft/discard', 'edit', writes.discardDraft, schemas.discardBody, { summary: 'Throws the draft away', answer: answers.done }),
  change('/propose', 'edit', writes.propose, schemas.proposeBody, { summary: 'Proposes the draft', answer: answers.proposed }),
  question('/proposals', reads.proposals, { summary: 'The proposals of an environment', parameters: [environmentParameter, { name: 'app', description: 'Only of this app', schema: { type: 'string' } }, { name: 'state', description: 'open, published, void or withdrawn', schema: { type: 'string' } }], answer: answers.proposals }, { kind: 'filters', resources: ['config'] }),
  question('/proposal', reads.proposal, { summary: 'A proposal with what it changes', parameters: [...refParameters, schemas.numbered, reveal], answer: answers.proposal }),
  change('/proposal/approve', 'approve', writes.approve, schemas.reviewBody, { summary: 'Approves a proposal', answer: answers.done }),
  change('/proposal/withdraw', 'edit', writes.withdraw, schemas.reviewBody, { summary: 'Withdraws a proposal', answer: answers.done }),
  change('/proposal/publish', 'publish', writes.publishProposal, schemas.reviewBody, { summary: 'Publishes an approved proposal', answer: answers.published }),
  change('/report', 'read', writes.report, schemas.reportBody, { summary: 'An instance reports that it cannot use a release of a rollout, or, with an empty error, that it can', answer: answers.done }, false),
  question('/environments', reads.environments, { summary: 'The environments, and their rules', parameters: [], answer: answers.environments }, { kind: 'filters', resources: [] }),
  {
    ...{ path: `${base}/environment`, methods: ['PUT', 'DELETE'], access: { kind: 'demands-by-name', resource: 'operator', verb: 'write' }, handle: writes.environment, body: schemas.environmentBody, audited: true },
    operations: { PUT: { ...changedEnvironment, body: schemas.json(schemas.environmentBody, 'Its order and its policy') }, DELETE: { ...changedEnvironment, summary: 'Takes the rules of an environment away' } },
  },
];
