/** The messages about configurations: asking, publishing, removing, and listening to changes. */

import { createHash } from 'node:crypto';
import { configLimits } from '../../../registry/kind/config/commands.ts';
import { findConfig, findRelease, givenTo } from '../../../registry/kind/config/find.ts';
import { anonymousAccessor } from '../../../security/well-known.ts';
import { keep, kept } from '../foreign.ts';
import { checkGroup, invalid, toNamespace } from '../names.ts';
import type { Answer, Call, MessageTypes } from './call.ts';
import type { ConfigName } from './config-listens.ts';
import { errorCodes, failure } from './errors.ts';
import { flag, object, objects, text } from './fields.ts';

const reads = { kind: 'demands-by-name', resource: 'key', verb: 'read' } as const;
const writes = { kind: 'demands-by-name', resource: 'key', verb: 'write' } as const;

/** Configurations in one request to listen; the Java client sends 3,000. */
const listensMax = 10_000;

export const configMessages: MessageTypes = {
  ConfigQueryRequest: { reply: 'ConfigQueryResponse', access: reads, handle: query },
  ConfigPublishRequest: { reply: 'ConfigPublishResponse', access: writes, handle: publish },
  ConfigRemoveRequest: { reply: 'ConfigRemoveResponse', access: writes, handle: remove },
  ConfigBatchListenRequest: { reply: 'ConfigChangeBatchListenResponse', access: reads, handle: listen },
};

/** The name under which access to a configuration is granted. */
function keyOf({ group, id }: Pick<ConfigName, 'group' | 'id'>): string {
  return `config/${group}/${id}`;
}

function query(call: Call): Answer {
  const name = nameIn(call, call.body);
  call.require(name.namespace, 'key', 'read', keyOf(name));
  const { state } = call.context.registry;
  const row = findConfig(state, name.namespace, name.group, name.id);
  const tag = tagOf(call) ?? call.headers['Vipserver-Tag'];
  const given = row && givenTo(row, { address: call.connection.link.address, ...(tag === undefined ? {} : { tag }) });
  const release = row && given && findRelease(state, row, given.release);
  if (release === undefined) return { ...failure(errorCodes.configNotFound, 'config data not exist'), lastModified: 0, beta: false };
  const { encryptedDataKey = '' } = kept(release);
  return {
    content: Buffer.from(release.content).toString(),
    encryptedDataKey,
    contentType: release.type ?? 'text',
    md5: release.md5,
    lastModified: release.atMs,
    beta: given?.gray?.rule.kind === 'ip',
    ...(given?.gray?.rule.kind === 'tag' ? { tag: given.gray.rule.tag } : {}),
  };
}

async function publish(call: Call): Promise<Answer> {
  const name = nameIn(call, call.body);
  const { namespace, group, id } = name;
  const content = Buffer.from(text(call.body, 'content'));
  if (content.length === 0) throw invalid("Param 'content' is required.");
  const addition = object(call.body, 'additionMap');
  const more = (field: string) => text(addition, field) || undefined;
  call.require(namespace, 'key', 'write', keyOf(name));
  await call.ensureNamespace(namespace);
  const [type, app, description, tags, cas] = [more('type'), more('appName'), more('desc'), more('config_tags'), text(call.body, 'casMd5')];
  const gray = grayOf(more('betaIps'), more('tag'));
  const published = await call.context.registry.submit({
    kind: 'config-publish',
    ...{ namespace, group, id, content, md5: createHash('md5').update(content).digest('hex') },
    ...(cas === '' ? {} : { cas }),
    ...(type === undefined ? {} : { type }),
    ...(app === undefined ? {} : { app }),
    ...(description === undefined ? {} : { description }),
    ...(tags === undefined ? {} : { tags: tags.split(',').filter((tag) => tag !== '') }),
    ...(gray === undefined ? {} : { gray }),
    ...by(call),
    ...keep({ encryptedDataKey: more('encryptedDataKey') }),
  });
  return published ? {} : failure(errorCodes.serverError, 'Cas publish fail, server md5 may have changed.');
}

async function remove(call: Call): Promise<Answer> {
  const name = nameIn(call, call.body);
  const { namespace, group, id } = name;
  const tag = tagOf(call);
  call.require(namespace, 'key', 'write', keyOf(name));
  await call.context.registry.submit({ kind: 'config-remove', namespace, group, id, ...(tag === undefined ? {} : { gray: `tag_${tag}` }), ...by(call) });
  return {};
}

function listen(call: Call): Answer {
  const { connection, configListens } = call;
  const on = flag(call.body, 'listen', true);
  const listens = objects(call.body, 'configListenContexts', listensMax).map((each) => ({ name: nameIn(call, each), md5: text(each, 'md5') }));
  if (!on) {
    for (const { name } of listens) configListens.ignore(connection, name);
    return { changedConfigs: [] };
  }
  for (const { name } of listens) call.require(name.namespace, 'key', 'read', keyOf(name));
  const tag = call.headers['Vipserver-Tag'];
  const changed = listens.filter(({ name, md5 }) => {
    const mayRead = () => call.callerNow()?.authorizer.allows(name.namespace, 'key', 'read', keyOf(name)) === true;
    return configListens.listen(connection, { name, md5, tag, mayRead });
  });
  return { changedConfigs: changed.map(({ name: { group, id, tenant } }) => ({ group, dataId: id, tenant })) };
}

/** @throws RegistryError `invalid_argument` */
function nameIn(call: Call, fields: Call['body']): ConfigName {
  const [id, group, tenant] = [text(fields, 'dataId'), text(fields, 'group'), text(fields, 'tenant')];
  if (id.length === 0 || id.length > configLimits.idMax || !/^[\w\-.:]+$/.test(id)) {
    throw invalid(`Param 'dataId' is illegal: use 1 to ${configLimits.idMax} letters, digits and -_.: characters.`);
  }
  checkGroup(group);
  return { namespace: call.seen(toNamespace(tenant)), group, id, tenant };
}

function tagOf(call: Call): string | undefined {
  return text(call.body, 'tag') || undefined;
}

/** A release for the clients at some addresses, or with a tag; names and priorities as in Nacos. */
function grayOf(betaIps: string | undefined, tag: string | undefined) {
  if (betaIps !== undefined) {
    const addresses = betaIps.split(',').map((each) => each.trim()).filter((each) => each !== '');
    return { name: 'beta', rule: { kind: 'ip', addresses }, priority: 2 } as const;
  }
  return tag === undefined ? undefined : ({ name: `tag_${tag}`, rule: { kind: 'tag', tag }, priority: 1 } as const);
}

/** For the history. */
function by({ caller, connection }: Call): { readonly by?: string; readonly from: string } {
  const isNamed = caller.accessorId !== '' && caller.accessorId !== anonymousAccessor;
  return { from: connection.link.address, ...(isNamed ? { by: caller.accessorId } : {}) };
}
