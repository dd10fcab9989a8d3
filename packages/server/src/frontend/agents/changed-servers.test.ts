import { describe, expect, it } from 'vitest';
import { changedServers } from './changed-servers.ts';
import type { Live } from './live.ts';
import { mcpServersOf } from './mcp-servers.ts';

const instance = (id: string, version: string, atMs: number): Live =>
  ({ row: { id, service: 'web', port: 80, meta: { 'mcp-version': version }, registeredMs: atMs }, address: '10.0.0.1' }) as unknown as Live;
const servers = (...live: Live[]) => mcpServersOf('default', 'web', live);
const old = instance('a', '1.0.0', 10);

describe('a client that polls since 100', () => {
  it.each([
    { what: 'nothing of what is as it was', before: servers(old), now: servers(old), told: [] },
    { what: 'a new version, and the former latest, which is none any more', before: servers(old), now: servers(old, instance('b', '2.0.0', 110)), told: ['2.0.0 active', '1.0.0 active'] },
    { what: 'a version that answers again, without a registration', before: servers(), now: servers(old), told: ['1.0.0 active'] },
    { what: 'a version of which an instance has gone', before: servers(old, instance('b', '1.0.0', 20)), now: servers(old), told: ['1.0.0 active'] },
    { what: 'a version that has gone', before: servers(old), now: servers(), told: ['1.0.0 deleted'] },
    { what: 'a version that has gone beside one that stays', before: servers(old, instance('b', '2.0.0', 20)), now: servers(old), told: ['1.0.0 active', '2.0.0 deleted'] },
    { what: 'registrations alone when the past is not known', before: undefined, now: servers(old, instance('b', '2.0.0', 110)), told: ['2.0.0 active'] },
  ])('is told $what', ({ before, now, told }) => {
    const seen = changedServers(now, { sinceMs: 100, before, nowMs: 200 });
    const statusOf = (json: string) => (JSON.parse(json) as { _meta: Record<string, { status: string }> })._meta['io.modelcontextprotocol.registry/official']?.status;
    expect(seen.map(({ version, json }) => `${version} ${statusOf(json)}`)).toEqual(told);
  });

  it('is told of a server that has gone with the time of the answer, and without its URLs', () => {
    const [gone] = changedServers([], { sinceMs: 100, before: servers(old), nowMs: 200 });
    expect(JSON.parse(gone?.json ?? '')).toEqual({
      server: { name: 'rollcall.default/web', description: 'The service web', version: '1.0.0' },
      _meta: {
        'io.modelcontextprotocol.registry/official': { status: 'deleted', statusChangedAt: '1970-01-01T00:00:00.200Z', publishedAt: '1970-01-01T00:00:00.010Z', updatedAt: '1970-01-01T00:00:00.200Z', isLatest: true },
        rollcall: { namespace: 'default', service: 'web', instances: 0 },
      },
    });
  });
});
