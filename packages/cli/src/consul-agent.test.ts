import { describe, expect, it } from 'vitest';
import { agentSettings, type AgentFlags } from './consul-agent.ts';

const file = (content: unknown, path = 'consul.json') => ({ path, text: JSON.stringify(content) });
const of = (flags: AgentFlags, ...contents: unknown[]) => agentSettings(flags, contents.map((each) => file(each)), '/srv');

describe('flags and files of a Consul agent', () => {
  it('listen where Consul would, and keep data below the folder', () => {
    const { settings, warnings, pidFile } = of({});
    expect(settings).toMatchObject({
      http: { host: '127.0.0.1', port: 8_500 },
      dns: { host: '127.0.0.1', port: 8_600 },
      dataDir: '/srv/data',
      dev: false,
      nodeName: undefined,
      datacenter: 'dc1',
      logLevel: 'info',
    });
    expect(warnings).toEqual([]);
    expect(pidFile).toBeUndefined();
  });

  it('take flags before files, and later files before earlier ones', () => {
    const { settings, pidFile } = of(
      { node: 'flag', httpPort: '1' },
      { node_name: 'a', datacenter: 'a', ports: { http: 2, dns: 3 }, log_level: 'ERR' },
      { node_name: 'b', datacenter: 'b', data_dir: 'd', pid_file: 'p', addresses: { http: '127.0.0.2' } },
    );
    expect(settings).toMatchObject({ nodeName: 'flag', datacenter: 'b', dataDir: '/srv/d', logLevel: 'error' });
    expect(settings.http).toEqual({ host: '127.0.0.2', port: 1 });
    expect(settings.dns).toEqual({ host: '127.0.0.1', port: 3 });
    expect(pidFile).toBe('/srv/p');
  });

  it('can switch DNS off', () => {
    expect(of({ dnsPort: '-1' }).settings.dns).toBeUndefined();
    expect(of({}, { ports: { dns: -1 } }).settings.dns).toBeUndefined();
  });

  it('name what has no effect, and nothing that needs none', () => {
    const { warnings } = of({}, { server: true, bootstrap: true, bind_addr: '127.0.0.1', telemetry: {}, __proto__x: 1 });
    expect(warnings).toEqual(['consul.json: telemetry has no effect here', 'consul.json: __proto__x has no effect here']);
  });

  it.each([
    ['not JSON', () => agentSettings({}, [{ path: 'a.hcl', text: 'server = true' }], '/'), 'a.hcl is not JSON'],
    ['no object', () => of({}, []), 'holds no JSON object'],
    ['a wrong type', () => of({}, { node_name: 5 }), 'node_name must be a string, not 5'],
    ['a wrong section', () => of({}, { ports: [] }), 'ports must be an object'],
    ['a wrong port', () => of({ httpPort: '70000' }), '"70000" is no port for HTTP'],
    ['HTTP off', () => of({ httpPort: '-1' }), 'the HTTP port is off'],
    ['a wrong level', () => of({ logLevel: 'loud' }), 'log level "loud" is unknown'],
  ])('refuse %s', (_what, action, message) => {
    expect(action).toThrow(message);
  });
});
