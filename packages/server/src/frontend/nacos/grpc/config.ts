/** The messages about configurations: asking, publishing, removing, and listening to changes. */

import { inTurns } from '../../../in-turns.ts';
import type { ConfigReader } from '../../../registry/kind/config/given.ts';
import { anonymousAccessor } from '../../../security/well-known.ts';
import { checkWord } from '../config/target.ts';
import { contentOf, encryptedKeyOf, findFor, publicationOf, readerOf, refOf, rightsName, tagName, tagOf } from '../config/translate.ts';
import { invalid, toNamespace } from '../names.ts';
import type { Answer } from './answer.ts';
import type { Call, MessageTypes } from './call.ts';
import type { WrittenName } from './config-listens.ts';
import { errorCodes, failure } from './errors.ts';
import { flag, object, objects, text } from './fields.ts';

const reads = { kind: 'demands-by-name', resource: 'config', verb: 'read' } as const;
const writes = { kind: 'demands-by-name', resource: 'config-publish', verb: 'write' } as const;

/** Configurations in one request to listen; the Java client sends 3,000. */
const listensMax = 10_000;
/** Of them, those that begin between two turns of the event loop: some 4 ms. */
const listensPerTurn = 512;

export const configMessages: MessageTypes = {
  ConfigQueryRequest: { reply: 'ConfigQueryResponse', access: reads, handle: query },
  ConfigPublishRequest: { reply: 'ConfigPublishResponse', access: writes, handle: publish },
  ConfigRemoveRequest: { reply: 'ConfigRemoveResponse', access: writes, handle: remove },
  ConfigBatchListenRequest: { reply: 'ConfigChangeBatchListenResponse', access: reads, handle: listen },
};

function query(call: Call): Answer {
  const name = nameIn(call, call.body);
  call.require(name.namespace, 'config', 'read', rightsName(name));
  const found = findFor(call.context.registry.state, name, clientOf(call, tagIn(call)));
  if (found === undefined) return { ...failure(errorCodes.configNotFound, 'config data not exist'), lastModified: 0, beta: false };
  const { release, given } = found;
  const rule = given.rollout?.rule;
  const tag = tagOf(rule);
  return {
    ...{ content: contentOf(release), encryptedDataKey: encryptedKeyOf(release), contentType: release.format ?? 'text', md5: given.md5 },
    ...{ lastModified: release.atMs, beta: rule?.kind === 'address' },
    ...(tag === undefined ? {} : { tag }),
  };
}

async function publish(call: Call): Promise<Answer> {
  const { body } = call;
  const name = nameIn(call, body);
  const content = text(body, 'content');
  if (content === '') throw invalid("Param 'content' is required.");
  const addition = object(body, 'additionMap');
  const more = (field: string) => text(addition, field) || undefined;
  call.require(name.namespace, 'config-publish', 'write', rightsName(name));
  await call.ensureNamespace(name.namespace);
  const published = await call.context.configurations.publish(
    refOf(name),
    publicationOf({
      content,
      ...{ type: more('type'), app: more('appName'), description: more('desc'), tags: more('config_tags'), tag: more('tag'), betaIps: more('betaIps') },
      ...{ casMd5: text(body, 'casMd5') || undefined, encryptedDataKey: more('encryptedDataKey'), ...by(call, more('src_user')) },
    }),
  );
  return published ? {} : failure(errorCodes.serverError, 'Cas publish fail, server md5 may have changed.');
}

async function remove(call: Call): Promise<Answer> {
  const name = nameIn(call, call.body);
  const tag = text(call.body, 'tag');
  call.require(name.namespace, 'config-publish', 'write', rightsName(name));
  await call.context.configurations.remove(refOf(name), tag === '' ? undefined : tagName(tag), by(call));
  return {};
}

async function listen(call: Call): Promise<Answer> {
  const { connection, configListens } = call;
  const on = flag(call.body, 'listen', true);
  const listens = objects(call.body, 'configListenContexts', listensMax).map((each) => ({ name: nameIn(call, each), md5: text(each, 'md5') }));
  if (!on) {
    for (const { name } of listens) configListens.ignore(connection, name);
    return { changedConfigs: [] };
  }
  for (const { name } of listens) call.require(name.namespace, 'config', 'read', rightsName(name));
  const client = clientOf(call, headerTag(call));
  const changed: WrittenName[] = [];
  function* steps(): Generator<void, void, undefined> {
    for (const { name, md5 } of listens) {
      // The connection may end between two turns.
      if (!connection.isOpen) return;
      const mayRead = () => call.callerNow()?.authorizer.allows(name.namespace, 'config', 'read', rightsName(name)) === true;
      if (configListens.listen(connection, { name, md5, client, mayRead })) changed.push(name);
      yield;
    }
  }
  await inTurns(steps(), listensPerTurn);
  return { changedConfigs: changed.map(({ group, id, tenant }) => ({ group, dataId: id, tenant })) };
}

/** @throws RegistryError `invalid_argument` */
function nameIn(call: Call, fields: Call['body']): WrittenName {
  const tenant = text(fields, 'tenant');
  return { namespace: call.seen(toNamespace(tenant)), group: checkWord('group', text(fields, 'group')), id: checkWord('dataId', text(fields, 'dataId')), tenant };
}

function headerTag({ headers }: Call): string {
  return headers['Vipserver-Tag'] ?? '';
}

function tagIn(call: Call): string {
  return text(call.body, 'tag') || headerTag(call);
}

function clientOf({ connection }: Call, tag: string): ConfigReader {
  return readerOf(connection.link.address, tag);
}

/** For the history. @param given by a client while access control is off */
function by({ caller: { accessorId }, connection }: Call, given?: string): { readonly by?: string; readonly from: string } {
  const name = accessorId !== '' && accessorId !== anonymousAccessor ? accessorId : given?.slice(0, 128);
  return { from: connection.link.address, ...(name === undefined ? {} : { by: name }) };
}
