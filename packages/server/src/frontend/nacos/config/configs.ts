/** One configuration: getting, publishing and removing it, gray releases included. */

import { findConfig, findRelease } from '../../../registry/kind/config/find.ts';
import { anonymousAccessor } from '../../../security/well-known.ts';
import { nacosCodes, NacosError } from '../errors.ts';
import { fromNamespace } from '../names.ts';
import { Answer, jsonUtf8, text, type Format, type Returned } from '../request/answer.ts';
import type { Call } from '../request/call.ts';
import { clientOf, target } from './target.ts';
import { appNameOf, betaName, contentOf, encryptedKeyOf, findFor, publicationOf, refOf, tagName, tagOf, type ConfigName, type Found } from './translate.ts';

const missing = 'config data not exist';

/** `GET configs`: the content itself; in the second version of the API, a text in JSON. */
export function get(call: Call, format: Format): Returned {
  const name = target(call, 'read');
  const found = findFor(call.context.registry.state, name, clientOf(call));
  if (found === undefined) throw new NacosError('not_found', missing, nacosCodes.notFound);
  const { release, given } = found;
  const headers = [
    ...['Config-Type', release.format ?? 'text', 'Content-MD5', given.md5, 'Last-Modified', new Date(release.atMs).toUTCString()],
    ...['Encrypted-Data-Key', encryptedKeyOf(release), 'X-Content-Type-Options', 'nosniff'],
    ...(given.rollout?.name === betaName ? ['isBeta', 'true'] : []),
  ];
  if (format === 'result') return new Answer(Buffer.from(JSON.stringify({ code: 0, message: 'success', data: contentOf(release) })), jsonUtf8, { headers });
  const { content } = release;
  return new Answer(Buffer.from(content.buffer, content.byteOffset, content.length), release.format === 'json' ? jsonUtf8 : text, { headers });
}

/** `GET v3/client/cs/config` */
export function query(call: Call): Returned {
  const name = target(call, 'read');
  const found = findFor(call.context.registry.state, name, clientOf(call));
  // The status is 200: clients of this version read the code.
  if (found === undefined) throw new NacosError('not_found', missing, nacosCodes.notFound, { status: 200, withoutData: true });
  const { release, given } = found;
  return {
    ...{ resultCode: 200, errorCode: 0, message: null, requestId: null, content: contentOf(release), encryptedDataKey: encryptedKeyOf(release) },
    ...{ contentType: release.format ?? 'text', md5: given.md5, lastModified: release.atMs },
    ...{ tag: tagOf(given.rollout?.rule) ?? null, beta: given.rollout?.name === betaName, success: true },
  };
}

/** Everything about a configuration, as consoles show it. */
export function detail(call: Call): Returned {
  const name = target(call, 'read');
  const found = findFor(call.context.registry.state, name, {});
  if (found === undefined) throw new NacosError('not_found', missing, nacosCodes.notFound);
  return wholeView(found);
}

function wholeView({ row, release }: Found): object {
  const { app: group, name } = row;
  const tenant = fromNamespace(row.namespace);
  return {
    ...{ id: String(row.created), dataId: name, group, groupName: group, tenant, namespaceId: tenant },
    ...{ content: contentOf(release), md5: row.md5, type: row.format ?? 'text', appName: appNameOf(row), desc: row.description ?? '' },
    ...{ configTags: (row.tags ?? []).join(','), encryptedDataKey: encryptedKeyOf(release), createUser: release.by ?? null, createIp: release.from ?? null },
    ...{ createTime: row.createdMs, modifyTime: row.changedMs },
  };
}

/** `POST configs` */
export async function publish(call: Call): Promise<Returned> {
  const { params, context: { configurations }, exchange: { request } } = call;
  const header = (name: string) => {
    const value = request.headers[name];
    return Array.isArray(value) ? value[0] : value;
  };
  const content = params.get('content') ?? '';
  if (content === '') params.required('content');
  const name = target(call, 'publish');
  await call.ensureNamespace(name.namespace);
  const done = await configurations.publish(
    refOf(name),
    publicationOf({
      content,
      type: params.get('type'),
      app: params.get('appName'),
      description: params.get('desc'),
      tags: params.text(['config_tags', 'configTags']),
      tag: params.get('tag'),
      betaIps: header('betaips') ?? params.get('betaIps'),
      casMd5: header('casmd5') ?? params.get('casMd5'),
      encryptedDataKey: params.get('encryptedDataKey'),
      by: whoIs(call),
      from: call.clientIp,
    }),
  );
  if (!done) throw new NacosError('aborted', 'Cas publish fail, server md5 may have changed.', nacosCodes.conflict);
  return true;
}

/** The token that a request came with; without access control, the name that it gives. */
function whoIs({ caller: { accessorId }, params }: Call): string {
  return accessorId !== '' && accessorId !== anonymousAccessor ? accessorId : params.text(['src_user', 'srcUser']).slice(0, 128);
}

/** `DELETE configs`: also of one that is gone already. */
export async function remove(call: Call): Promise<Returned> {
  const tag = call.params.text('tag');
  await removed(call, target(call, 'publish'), tag === '' ? undefined : tagName(tag));
  return true;
}

async function removed(call: Call, name: ConfigName, rollout: string | undefined): Promise<boolean> {
  const by = whoIs(call);
  return call.context.configurations.remove(refOf(name), rollout, { from: call.clientIp, ...(by === '' ? {} : { by }) });
}

/** `GET configs?beta=true`: the gray release by addresses. The first version has an envelope of its own here. */
export function getBeta(call: Call, format: Format): Returned {
  const name = target(call, 'read');
  const { state } = call.context.registry;
  const row = findConfig(state, refOf(name));
  const rollout = row?.rollouts?.find((each) => each.name === betaName);
  const release = row && rollout && findRelease(state, row, rollout.release);
  const view = release && {
    ...wholeView({ row, release, given: { release: rollout.release, md5: rollout.md5, rollout } }),
    ...{ md5: rollout.md5, betaIps: rollout.rule?.kind === 'address' ? rollout.rule.addresses.join(',') : '', grayName: rollout.name },
  };
  if (format === 'plain') return { code: 200, message: 'query beta ok', data: view ?? null };
  if (view === undefined) throw new NacosError('not_found', missing, nacosCodes.notFound);
  return view;
}

/** `DELETE configs?beta=true` */
export async function removeBeta(call: Call, format: Format): Promise<Returned> {
  await removed(call, target(call, 'publish'), betaName);
  return format === 'plain' ? { code: 200, message: 'stop beta ok', data: true } : true;
}
