/**
 * Carries out the requests of a stream. The first request is the hello; the others are a table from
 * the frame's type to the call of the registry.
 */

import { type ItemView, RegistryError, type ReplyFrame, type RequestFrame } from '@rollcall/protocol';
import { Body } from '../../net/answers.ts';
import type { Context } from '../../net/frontend.ts';
import type { Pace, Work } from '../../net/turns.ts';
import type { KvPut } from '../../registry/kind/kv/commands.ts';
import { unrestricted } from '../../security/authorizer.ts';
import { changedIn, type StreamAccess } from './access.ts';
import type { Audience } from '../../net/view-items/audience.ts';
import type { LargeAnswers } from './large-answers.ts';
import { answerTxn, type LockRequests } from './lock-requests.ts';
import type { StreamClient } from './stream-client.ts';
import type { StreamSession } from './stream-session.ts';
import { registryView, revisionOf } from './registry-view.ts';
import { ViewContent } from './view-content.ts';
import { snapshotPieces } from './view-messages.ts';
import { namespaceOf } from '../../net/view-items/view-namespace.ts';
import type { Watches } from './watches.ts';
import { frameTexts, framingTexts, type Message } from './wire.ts';

/** The parts of its stream that a request may use. */
export interface Streamside {
  readonly context: Context;
  /** Of the hello; it holds for keys and registrations. Views and pools name their own. */
  readonly namespace: string;
  readonly watches: Watches;
  readonly access: StreamAccess;
  readonly locks: LockRequests;
  /** Undefined when the client gave no session in its hello. */
  readonly session: StreamSession | undefined;
  readonly large: LargeAnswers;
  /** Undefined before the hello. */
  readonly client: StreamClient | undefined;
}

/** A reply, or the message that it is framed in. */
export type Answer = ReplyFrame | { readonly framed: Message };

/**
 * The permission that each request needs is declared in `access.ts`.
 * @throws RegistryError as the registry, `permission_denied`, and `failed_precondition` for a
 *   second hello
 */
export async function answer(stream: Streamside, frame: RequestFrame): Promise<Answer> {
  const { id } = frame;
  const done = (applied: boolean): Answer => ({ type: 'done', id, applied, revision: stream.context.registry.state.revision });
  switch (frame.type) {
    case 'hello':
      throw new RegistryError('failed_precondition', 'this stream has had its hello');
    case 'register':
      await sessionOf(stream).register(frame.instances);
      return done(true);
    case 'deregister':
      return done(await sessionOf(stream).deregister(frame.instances));
    case 'drain':
      return done(await sessionOf(stream).drain(frame.instances));
    case 'beat': {
      const { instance, check, status, output } = frame;
      if (await sessionOf(stream).beat(instance, check, status, output)) return done(true);
      const message = `instance ${JSON.stringify(instance)} of this session has no ttl check ${JSON.stringify(check)}`;
      throw new RegistryError('not_found', message);
    }
    case 'watch':
      return { type: 'watching', id, revisions: stream.watches.watch(frame.views) };
    case 'config-report':
      return done(stream.watches.report(frame));
    case 'pick-report':
      stream.client?.report(frame);
      return done(true);
    case 'unwatch':
      return done(stream.watches.unwatch(frame.views));
    case 'get': {
      const audience = stream.watches.audienceOf(frame.view);
      return { framed: await stream.large.make((pace) => snapshotAnswer(stream.context, { id, view: frame.view, audience, pace })) };
    }
    case 'kv-put':
      stream.access.require(changedIn(frame, stream.namespace), 'key', 'write', frame.key);
      return done(await stream.context.registry.submit(kvPut(stream, frame)));
    case 'kv-delete':
      if (frame.recurse === true) stream.access.requireKeyTree(changedIn(frame, stream.namespace), frame.key);
      else stream.access.require(changedIn(frame, stream.namespace), 'key', 'write', frame.key);
      return done(await kvDelete(stream, frame));
    case 'lease': {
      const pool = { namespace: namespaceOf(frame), service: frame.pool };
      stream.access.require(pool.namespace, 'service', 'read', pool.service);
      return { type: 'leased', id, ordinal: await sessionOf(stream).lease(pool) };
    }
    case 'lock-session':
    case 'lock-renew':
    case 'lock-end':
    case 'lock-acquire':
    case 'lock-release':
    case 'lock-transfer':
    case 'lock-queue':
      return stream.locks.answer(frame);
    case 'txn':
      return answerTxn(stream, frame);
    case 'goodbye':
      await stream.session?.leave();
      return done(true);
  }
}

function sessionOf({ session }: Streamside): StreamSession {
  if (session !== undefined) return session;
  const message = 'this stream has no session; give one in the hello to register instances or lease ordinals';
  throw new RegistryError('failed_precondition', message);
}

interface SnapshotRequest {
  readonly id: number;
  readonly view: ItemView;
  readonly audience: Audience;
  readonly pace: Pace;
}

/** Bytes of a snapshot that is kept for the next client that asks. */
const keptBytesMax = 262_144;

/**
 * The answer with a view's snapshot. A small snapshot for clients with all rights is kept. Others are built again for each request, a
 * large one in slices.
 */
function* snapshotAnswer({ registry, answers }: Context, { id, view, audience, pace }: SnapshotRequest): Work<Message> {
  const name = registryView(view);
  const revision = revisionOf(registry, view);
  const whole = audience === unrestricted;
  const begin = `{"id":${id},`;
  const kept = whole ? answers.find(name, revision, 'stream snapshot')?.buffers[0] : undefined;
  if (kept !== undefined) return frameTexts([begin, kept.toString()]);
  const content = new ViewContent(view, audience);
  yield* content.lookingAtAll(registry.state, pace);
  const shown = { revision, partial: !whole, items: content.all() };
  if (!whole || content.bytes > keptBytesMax) return yield* framingTexts(snapshotPieces(view, shown, begin), pace);
  const text = [...snapshotPieces(view, shown, '')].join('');
  answers.keep(name, revision, 'stream snapshot', new Body([Buffer.from(text)]));
  return frameTexts([begin, text]);
}

function kvPut(stream: Streamside, frame: Extract<RequestFrame, { type: 'kv-put' }>): KvPut {
  const { limits } = stream.context;
  const value = Buffer.from(frame.value, 'base64');
  if (value.length > limits.kvValueBytesMax) {
    const message = `the value has ${value.length} bytes, the limit is ${limits.kvValueBytesMax}`;
    throw new RegistryError('invalid_argument', message);
  }
  return {
    kind: 'kv-put',
    namespace: changedIn(frame, stream.namespace),
    key: frame.key,
    value,
    flags: BigInt(frame.flags ?? '0'),
    ...(frame.cas === undefined ? {} : { condition: { kind: 'cas', revision: frame.cas } }),
  };
}

function kvDelete(stream: Streamside, frame: Extract<RequestFrame, { type: 'kv-delete' }>): Promise<boolean> {
  const { registry } = stream.context;
  const { key, cas, recurse } = frame;
  const namespace = changedIn(frame, stream.namespace);
  if (recurse === true) return registry.submit({ kind: 'kv-delete-tree', namespace, prefix: key });
  return registry.submit({ kind: 'kv-delete', namespace, key, ...(cas === undefined ? {} : { cas }) });
}
