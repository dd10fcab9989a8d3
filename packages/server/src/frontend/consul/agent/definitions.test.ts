/** Definitions to inputs: times in milliseconds, minimums, kinds. Refused definitions: `agent.test.ts`. */

import { describe, expect, test } from 'vitest';
import { decode } from '../wire/decode.ts';
import { readJson } from '../wire/json.ts';
import { agentCheckInput, instanceInput, serviceCheckInputs } from './definitions.ts';
import { agentCheck, agentService } from './schema.ts';

const check = (body: object) => agentCheckInput(decode(agentCheck, readJson(Buffer.from(JSON.stringify(body)))));

describe('check definitions', () => {
  test.each([
    [{ TTL: '10s' }, 'ttl', { ttlMs: 10_000 }],
    [{ ttl: 15_000_000_000 }, 'ttl', { ttlMs: 15_000 }],
    [{ TTL: '1ns' }, 'ttl', { ttlMs: 1 }],
    [{ HTTP: 'http://a/', Interval: '10s' }, 'http', { http: 'http://a/', intervalMs: 10_000 }],
    [{ HTTP: 'http://a/', Interval: '100ms', Timeout: '5s' }, 'http', { http: 'http://a/', intervalMs: 1_000, timeoutMs: 5_000 }],
    [
      { http: 'https://a/', interval: '1m', method: 'POST', header: { A: ['b', 'c'] }, body: 'x', tls_skip_verify: true, tls_server_name: 'n' },
      'http',
      { http: 'https://a/', intervalMs: 60_000, method: 'POST', header: { A: ['b', 'c'] }, body: 'x', tlsSkipVerify: true, tlsServerName: 'n' },
    ],
    [{ TCP: 'a:1', Interval: '5s' }, 'tcp', { tcp: 'a:1', intervalMs: 5_000 }],
    [{ GRPC: 'a:1/svc', grpc_use_tls: true, Interval: '5s' }, 'grpc', { grpc: 'a:1/svc', grpcUseTls: true, intervalMs: 5_000 }],
    [
      { TTL: '10s', SuccessBeforePassing: 2, FailuresBeforeCritical: 3, FailuresBeforeWarning: 1 },
      'ttl',
      { ttlMs: 10_000, successBeforePassing: 2, failuresBeforeCritical: 3, failuresBeforeWarning: 1 },
    ],
    [{ TTL: '10s', deregister_critical_service_after: '90m' }, 'ttl', { ttlMs: 10_000, deregisterCriticalAfterMs: 5_400_000 }],
    [{ TTL: '10s', DeregisterCriticalServiceAfter: '1s' }, 'ttl', { ttlMs: 10_000, deregisterCriticalAfterMs: 60_000 }],
  ])('%j', (fields, type, definition) => {
    expect(check({ Name: 'c', ...fields })).toEqual({ id: 'c', name: 'c', notes: '', type, definition });
  });

  test('an empty `Check` of a service adds no check, an empty one in `Checks` is refused', () => {
    const fields = (body: object) => decode(agentService, readJson(Buffer.from(JSON.stringify(body))));
    const none = fields({ Name: 's', Check: {}, Checks: null });
    expect(serviceCheckInputs(none, instanceInput(none))).toEqual([]);
    const empty = fields({ Name: 's', Checks: [{}] });
    expect(() => serviceCheckInputs(empty, instanceInput(empty))).toThrow('TTL must be > 0 for TTL checks');
  });

  test('`Check` comes before `Checks`, and ids are numbered over both', () => {
    const both = decode(agentService, readJson(Buffer.from('{"Name":"s","ID":"i","Check":{"TTL":"1s"},"Checks":[{"TTL":"2s"}]}')));
    expect(serviceCheckInputs(both, instanceInput(both)).map(({ id, definition }) => [id, definition?.ttlMs])).toEqual([
      ['service:i:1', 1_000],
      ['service:i:2', 2_000],
    ]);
  });
});
