/**
 * Checks the frames of a registry, so that a client reports a malformed frame and does not fail later in other
 * code. The registry may be newer than the client: a malformed frame is reported and can be skipped.
 */

import { errorCodes } from './errors.ts';
import type { Checked, FrameItem, FrameItemKey, ReplyFrame } from './frame.ts';
import { namespace, view } from './frame-request.ts';
import type { FrameView } from './frame-view.ts';
import { instanceStatuses } from './instance.ts';
import { lockToken, lockWaiter } from './lock-request.ts';
import {
  Malformed,
  attempt,
  boolean,
  compact,
  field,
  fields,
  integer,
  list,
  oneOf,
  optional,
  string,
  type Fields,
} from './shape.ts';
import { revision } from './value-checks.ts';

const types = [
  'welcome',
  'done',
  'leased',
  'locked',
  'lock-renewed',
  'lock-waiting',
  'committed',
  'watching',
  'snapshot',
  'delta',
  'watch-ended',
  'session-lost',
  'go-elsewhere',
  'freshness',
  'error',
] as const satisfies readonly ReplyFrame['type'][];

const unlimited = Number.MAX_SAFE_INTEGER;

/** @param value the result of JSON.parse for one message */
export function checkReply(value: unknown): Checked<ReplyFrame> {
  const head = attempt(() => {
    const frame = fields(value, 'the frame');
    return { frame, id: optional(field(frame, 'id'), requestId) };
  });
  if (!head.ok) return head;
  const { frame, id } = head.value;
  const body = attempt(() => reply(frame));
  if (body.ok) return { ok: true, frame: body.value };
  return compact<{ ok: false; id?: number; message: string }>({ ok: false, id, message: body.message });
}

function reply(frame: Fields): ReplyFrame {
  const type = oneOf(field(frame, 'type'), 'type', types);
  const get = (key: string) => field(frame, key);
  const text = (key: string) => string(get(key), key, unlimited);
  switch (type) {
    case 'welcome': {
      const server = fields(get('server'), 'server');
      return compact<ReplyFrame>({
        type,
        id: requestId(get('id')),
        protocol: integer(get('protocol'), 'protocol', 1, unlimited),
        registry: text('registry'),
        server: {
          name: string(field(server, 'name'), 'server.name', unlimited),
          version: string(field(server, 'version'), 'server.version', unlimited),
        },
        node: text('node'),
        resumed: boolean(get('resumed'), 'resumed'),
        graceMs: integer(get('graceMs'), 'graceMs', 0, unlimited),
        pingMs: integer(get('pingMs'), 'pingMs', 1, unlimited),
        namespace: optional(get('namespace'), (given) => namespace(given, 'namespace')),
        staleMs: optional(get('staleMs'), staleMs),
        pickReportMs: optional(get('pickReportMs'), (given) => integer(given, 'pickReportMs', 100, unlimited)),
      });
    }
    case 'done':
      return compact<ReplyFrame>({
        type,
        id: requestId(get('id')),
        applied: boolean(get('applied'), 'applied'),
        revision: optional(get('revision'), (given) => revision(given, 'revision')),
      });
    case 'leased':
      return { type, id: requestId(get('id')), ordinal: integer(get('ordinal'), 'ordinal', 0, unlimited) };
    case 'locked': {
      const state = oneOf(get('state'), 'state', ['holds', 'busy', 'late']);
      const token = state === 'holds' ? lockToken(get('token'), 'token') : undefined;
      return compact<ReplyFrame>({ type, id: requestId(get('id')), state, token });
    }
    case 'lock-renewed':
      return {
        ...{ type, id: requestId(get('id')), applied: boolean(get('applied'), 'applied') },
        lost: list(get('lost'), 'lost', unlimited, (each, what) => string(each, what, unlimited)),
      };
    case 'lock-waiting':
      return { type, id: requestId(get('id')), waiting: list(get('waiting'), 'waiting', unlimited, lockWaiter) };
    case 'committed':
      return compact<ReplyFrame>({
        ...{ type, id: requestId(get('id')), applied: boolean(get('applied'), 'applied'), revision: revision(get('revision'), 'revision') },
        fenced: optional(get('fenced'), (fenced) => boolean(fenced, 'fenced')),
        failed: optional(get('failed'), (failed) => integer(failed, 'failed', 0, unlimited)),
      });
    case 'watching':
      return { type, id: requestId(get('id')), revisions: list(get('revisions'), 'revisions', unlimited, revision) };
    case 'snapshot': {
      const of = view(get('view'), 'view');
      return compact<ReplyFrame>({
        type,
        id: optional(get('id'), requestId),
        view: of,
        revision: revision(get('revision'), 'revision'),
        partial: get('partial') === true ? true : undefined,
        items: arrayOf(get('items'), 'items', fitsView(of)) as FrameItem[],
      });
    }
    case 'delta': {
      const of = view(get('view'), 'view');
      return {
        type,
        view: of,
        from: revision(get('from'), 'from'),
        revision: revision(get('revision'), 'revision'),
        put: arrayOf(get('put'), 'put', fitsView(of)) as FrameItem[],
        remove: arrayOf(get('remove'), 'remove', isItemKey(of)) as FrameItemKey[],
      };
    }
    case 'watch-ended':
      return { type, view: view(get('view'), 'view'), code: code(get('code')), message: text('message') };
    case 'session-lost':
      return { type };
    case 'go-elsewhere':
      return {
        type,
        servers: list(get('servers'), 'servers', 1_000, (server, what) => string(server, what, unlimited)),
      };
    case 'freshness':
      return { type, staleMs: staleMs(get('staleMs')) };
    case 'error':
      return compact<ReplyFrame>({
        type,
        id: optional(get('id'), requestId),
        code: code(get('code')),
        message: text('message'),
      });
  }
}

function requestId(value: unknown): number {
  return integer(value, 'id', 1, unlimited);
}

function staleMs(value: unknown): number {
  return integer(value, 'staleMs', 0, unlimited);
}

function code(value: unknown): (typeof errorCodes)[number] {
  // An unknown code, of a newer registry, is an error, too.
  return errorCodes.find((known) => known === value) ?? 'internal';
}

/**
 * A snapshot may have 100,000 items: they are tested in place, without copies and without a path
 * that only an error would show.
 */
function arrayOf(value: unknown, what: string, fits: (item: unknown) => boolean): unknown[] {
  if (!Array.isArray(value)) throw new Malformed(`${what} must be an array`);
  const wrong = value.findIndex((item) => !fits(item));
  if (wrong >= 0) throw new Malformed(`${what}[${wrong}] does not fit its view`);
  return value;
}

function fitsView(of: FrameView): (item: unknown) => boolean {
  switch (of.kind) {
    case 'service':
      return isInstance;
    case 'services':
      return isServiceEntry;
    case 'route':
      return isRouteEntry;
    case 'key':
    case 'prefix':
      return isKvItem;
    case 'lock':
      return isLockHolder;
    case 'config':
      return isConfigLayer;
  }
}

/** Checks types only: other protocols may register any values. */
function isInstance(item: unknown): boolean {
  if (!isObject(item)) return false;
  const { id, service, node, address, port, scheme, ports, zone, region, cluster, tags, meta, weight, status } = item;
  return (
    isText(id) &&
    isText(service) &&
    isText(node) &&
    isText(address) &&
    isAmount(port) &&
    [scheme, zone, region, cluster].every((text) => text === undefined || isText(text)) &&
    (ports === undefined || (isObject(ports) && Object.values(ports).every(isNamedPort))) &&
    isTexts(tags) &&
    isObject(meta) &&
    isTexts(Object.values(meta)) &&
    isAmount(weight) &&
    instanceStatuses.some((known) => known === status)
  );
}

function isNamedPort(value: unknown): boolean {
  return isObject(value) && isAmount(value['port']) && (value['scheme'] === undefined || isText(value['scheme']));
}

function isServiceEntry(item: unknown): boolean {
  return isObject(item) && isText(item['service']) && isTexts(item['tags']);
}

/** What the route says is checked where it is followed, so that a client keeps the last one that it understands. */
function isRouteEntry(item: unknown): boolean {
  return isObject(item) && isText(item['service']) && isObject(item['route']);
}

function isKvItem(item: unknown): boolean {
  if (!isObject(item)) return false;
  const { key, value, flags, revision, session } = item;
  return (
    isText(key) &&
    isText(value) &&
    isText(flags) &&
    /^\d{1,20}$/.test(flags) &&
    Number.isSafeInteger(revision) &&
    (session === undefined || isText(session))
  );
}

function isLockHolder(item: unknown): boolean {
  if (!isObject(item)) return false;
  const { contender, token, shared, sinceMs, value } = item;
  return (
    isText(contender) &&
    isText(token) &&
    /^[1-9]\d{0,19}$/.test(token) &&
    (shared === undefined || typeof shared === 'boolean') &&
    (sinceMs === undefined || Number.isSafeInteger(sinceMs)) &&
    (value === undefined || isText(value))
  );
}

function isConfigLayer(item: unknown): boolean {
  if (!isObject(item)) return false;
  const { app, name, cluster, release, format, hash, content, rollout, masked } = item;
  return (
    [app, name, cluster, hash, content].every(isText) &&
    Number.isSafeInteger(release) &&
    [format, rollout].every((text) => text === undefined || isText(text)) &&
    (masked === undefined || masked === true)
  );
}

function isItemKey(of: FrameView): (key: unknown) => boolean {
  if (of.kind !== 'service') return isText;
  return (key) => Array.isArray(key) && key.length === 2 && isTexts(key);
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every(isText);
}

function isAmount(value: unknown): boolean {
  return typeof value === 'number' && value >= 0 && Number.isFinite(value);
}
