/**
 * Scripted scenarios of the state machine: each file in testdata/ is a conversation with recorded
 * answers. `ROLLCALL_REWRITE=1 npx vitest run scenario` records them again; do that only when you understand every line that
 * changes.
 *
 *   <verb> <name=value …>       one command; several lines before `----` are one batch
 *   txn <step> then <step>; …   a transaction; a step is `require`, a command or `read`
 *   ----
 *   the answers, the changed rows, the changed views, the watched views that woke
 */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { CheckKind, CheckStatus } from '@rollcall/protocol';
import { describe, expect, test } from 'vitest';
import { Journal, type Committed } from './journal.case.ts';
import { keyOf, type Command, type Row, type TxnOperation, type AnyResult } from './kinds.ts';
import { prunable } from './prune.case.ts';

const folder = new URL('testdata/', import.meta.url);

describe('scenarios of the state machine', () => {
  for (const file of readdirSync(folder).sort()) {
    test(file, () => {
      const script = readFileSync(new URL(file, folder), 'utf8');
      const played = play(script);
      if (process.env['ROLLCALL_REWRITE'] === '1') writeFileSync(new URL(file, folder), played);
      else expect(played).toBe(script);
    });
  }
});

function play(script: string): string {
  const journal = new Journal();
  const woken: string[] = [];
  const clock = { now: 0 };
  return script
    .split('\n\n')
    .map((block) => {
      const lines = block.trimEnd().split('\n');
      const end = lines.indexOf('----');
      const input = end < 0 ? lines : lines.slice(0, end);
      const comments = input.filter((line) => line.startsWith('#'));
      const commands = input.filter((line) => line !== '' && !line.startsWith('#'));
      if (commands.length === 0) return comments.join('\n');
      woken.length = 0;
      const answer = run(journal, commands, clock, woken);
      return [...input, '----', ...answer].join('\n');
    })
    .join('\n\n')
    .concat('\n');
}

function run(journal: Journal, lines: string[], clock: { now: number }, woken: string[]): string[] {
  const [verb, ...words] = (lines[0] ?? '').split(' ');
  const rest = words.join(' ');
  switch (verb) {
    case 'watch':
      journal.views.watch(viewName(rest), () => woken.push(rest));
      return ['watching'];
    case 'revision':
      return [String(journal.views.revision(viewName(rest)))];
    case 'wait':
      clock.now += Number(rest);
      return [`now ${clock.now}`];
    case 'restart':
      journal.restart();
      return [`${journal.state.size} rows at revision ${journal.state.revision}`];
    default:
      return report(journal.commit(lines.map((line) => parse(line, journal, clock.now)), clock.now), woken);
  }
}

function viewName(text: string): string {
  const view = text.replace(' ', '\0');
  return text.startsWith('node ') ? view.replace('\0', '\0default\0') : withNamespace(view);
}

const shared = ['node', 'view', 'floor', 'nodes', 'catalog', 'namespaces'];

/** Names of rows are written without the namespace `default`. */
function withNamespace(name: string): string {
  const [kind = '', ...rest] = name.split('\0');
  return shared.includes(kind) ? name : [kind, 'default', ...rest].join('\0');
}

function shownName(name: string): string {
  return name.replace('\0default', '').replace('node\0\0', 'node\0').replaceAll('\0', ' ');
}

function report({ outcomes, changes, views, revision }: Committed, woken: readonly string[]): string[] {
  const answers = outcomes.map((outcome) =>
    'error' in outcome ? `${outcome.error.code}: ${outcome.error.message}` : describeResult(outcome.result),
  );
  if (changes.length === 0) return [...answers, `nothing changed, still at ${revision}`];
  const rows = changes.map(({ key, before, after }) => {
    const sign = before === undefined ? '+' : after === undefined ? '-' : '~';
    return `${sign} ${shownName(key)}${after === undefined ? '' : describeRow(after)}`;
  });
  const changed = views.size === 0 ? [] : [`views: ${[...new Set([...views].map(shownName))].sort().join(', ')}`];
  const wakes = woken.length === 0 ? [] : [`woke: ${woken.join(', ')}`];
  return [...answers, `revision ${revision}`, ...rows.sort(), ...changed, ...wakes];
}

function describeResult(result: AnyResult): string {
  if (typeof result !== 'object') return String(result);
  const shown = (row: Row) => `${shownName(keyOf(row))}${describeRow(row)} modified=${row.modified}`;
  if ('reads' in result) {
    return ['done', ...result.reads.flatMap((rows, at) => rows.map((row) => `read by ${at}: ${shown(row)}`))].join('\n');
  }
  if (!('failures' in result)) return JSON.stringify(result);
  const failures = result.failures.map(({ at, reason, found, error }) => {
    const because = error === undefined ? '' : `: ${error.message}`;
    return `failed ${at}: ${reason}${because}${found === undefined ? '' : `, found ${shown(found)}`}`;
  });
  return failures.join('\n');
}

function describeRow(row: Row): string {
  switch (row.kind) {
    case 'kv':
      return ` = ${Buffer.from(row.value).toString()} created=${row.created} lock=${row.lockIndex} session=${row.session ?? '-'}`;
    case 'check':
      return ` ${row.status} of ${row.instance === '' ? 'the node' : row.instance} created=${row.created}`;
    case 'instance':
      return ` ${row.service} :${row.port} [${row.tags.join(' ')}] created=${row.created}`;
    case 'floor':
      return ` ${row.revision}`;
    case 'delay':
      return ` until ${row.untilMs}`;
    default:
      return '';
  }
}

function parse(line: string, journal: Journal, now: number): Command {
  const [verb, ...words] = line.split(' ');
  const args = Object.fromEntries(
    words.map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]),
  );
  const given = (name: string) => args[name] ?? '';
  switch (verb) {
    case 'txn':
      return { kind: 'txn', operations: line.slice(4).split('; ').map((text) => parseOperation(text, journal, now)) };
    case 'register':
      return parseRegister(args);
    case 'deregister':
      if (args['instance'] !== undefined) {
        return { kind: 'deregister-instance', namespace: 'default', node: given('node'), id: given('instance') };
      }
      if (args['check'] !== undefined) {
        return { kind: 'deregister-check', namespace: 'default', node: given('node'), id: given('check') };
      }
      return { kind: 'deregister-node', node: given('node') };
    case 'check':
      return {
        kind: 'update-checks',
        updates: [{ namespace: 'default', node: given('node'), id: given('id'), status: given('status') as CheckStatus }],
      };
    case 'put':
      return {
        kind: 'kv-put',
        namespace: 'default',
        key: given('key'),
        value: Buffer.from(given('value')),
        flags: BigInt(args['flags'] ?? 0),
        ...(args['cas'] === undefined ? {} : { condition: { kind: 'cas', revision: Number(args['cas']) } }),
        ...(args['acquire'] === undefined ? {} : { condition: { kind: 'acquire', session: given('acquire') } }),
        ...(args['release'] === undefined ? {} : { condition: { kind: 'release', session: given('release') } }),
      };
    case 'delete':
      if (args['prefix'] !== undefined) return { kind: 'kv-delete-tree', namespace: 'default', prefix: given('prefix') };
      return {
        kind: 'kv-delete',
        namespace: 'default',
        key: given('key'),
        ...(args['cas'] === undefined ? {} : { cas: Number(args['cas']) }),
      };
    case 'session':
      return {
        kind: 'session-create',
        namespace: 'default',
        id: given('id'),
        name: '',
        node: given('node'),
        liveness: args['liveness'] === 'stream' ? 'stream' : 'ttl',
        ttlMs: 10_000,
        lockDelayMs: Number(args['delay'] ?? 0),
        behavior: args['behavior'] === 'delete' ? 'delete' : 'release',
        checks: given('checks') === '' ? [] : given('checks').split(',').map((check) => ({ namespace: 'default', id: check })),
      };
    case 'destroy':
      return { kind: 'session-destroy', namespace: 'default', id: given('id') };
    case 'connected': {
      const connection = args['lost'] === undefined ? ({ connected: true, after: Number(args['after'] ?? Infinity) } as const) : ({ connected: false, epoch: Number(given('lost')) } as const);
      return { kind: 'session-connected', namespace: 'default', id: given('id'), holder: given('holder'), ...connection };
    }
    case 'prune':
      return { kind: 'prune', keys: prunable(journal.state, now) };
    default:
      throw new Error(`unknown verb in scenario: ${line}`);
  }
}

function parseOperation(text: string, journal: Journal, now: number): TxnOperation {
  return Object.assign(
    {},
    ...text.split(' then ').map((step): TxnOperation => {
      const [, verb = '', of = '', name = '', rule = '', value = ''] =
        /^(\w+) (\w+)=(\S*)(?: (\w+)=(\S*))?/.exec(step) ?? [];
      const key = withNamespace(`${of}\0${name.replaceAll(',', '\0')}`);
      if (verb === 'read') return { read: of === 'prefix' ? { kind: 'kv', namespace: 'default', prefix: name } : { key } };
      if (verb !== 'require') return { change: parse(step, journal, now) as NonNullable<TxnOperation['change']> };
      if (rule === 'present') return { require: { key, present: value === 'true' } };
      return { require: rule === 'session' ? { key, session: value } : { key, revision: Number(value) } };
    }),
  ) as TxnOperation;
}

function parseRegister(args: Record<string, string>): Command {
  const { node = '', instance, service = '', tags, port = '0', check, session } = args;
  return {
    kind: 'register',
    namespace: 'default',
    node: { name: node, address: args['address'] ?? '10.0.0.1', ...(args['id'] === undefined ? {} : { id: args['id'] }) },
    nodeMode: (args['mode'] ?? 'ensure') as 'ensure',
    ...(args['replace'] === undefined ? {} : { replaceChecks: true }),
    ...(instance === undefined
      ? {}
      : {
          instances: [
            {
              id: instance,
              service,
              port: Number(port),
              ...(tags === undefined ? {} : { tags: tags.split(',') }),
              ...(session === undefined ? {} : { session }),
            },
          ],
        }),
    ...(check === undefined
      ? {}
      : {
          checks: check.split(',').map((each) => {
            const [id = '', type = 'ttl', of, status] = each.split(':');
            return {
              id,
              name: id,
              type: type as CheckKind,
              ...(of === undefined || of === '' ? {} : { instance: of }),
              ...(status === undefined ? {} : { status: status as CheckStatus }),
            };
          }),
        }),
  };
}
