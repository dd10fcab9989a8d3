import { afterEach, expect, it } from 'vitest';
import type { Endpoint } from '../endpoint.ts';
import { type WebServer, webServer } from '../http/web-server.case.ts';
import { ServiceClient } from '../service-client.ts';
import { StaticSource } from '../source/static-source.ts';
import type { BalancerFactory } from './balancer.ts';

const servers: WebServer[] = [];

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.kill()));
});

/** A balancer that picks the first endpoint not yet tried, and the keys that it was given. */
function recording(keys: (string | undefined)[]): BalancerFactory {
  return () => {
    let list: readonly Endpoint[] = [];
    return {
      update: (endpoints) => (list = [...endpoints]),
      pick({ exclude, key }) {
        keys.push(key);
        return list.find((endpoint) => !exclude.includes(endpoint));
      },
      observe() {},
    };
  };
}

async function serve(status: number): Promise<string> {
  const server = await webServer((_request, response) => response.writeHead(status).end());
  servers.push(server);
  return server.authority;
}

it('passes the key of a pick to the balancer, and no key for a later pick without one', async () => {
  const keys: (string | undefined)[] = [];
  const web = new ServiceClient(new StaticSource({ web: ['127.0.0.1:1'] }), 'web', { balancer: recording(keys) });
  await web.instances();
  web.pick({ key: 'user-7' }).done();
  web.pick().done();
  expect(keys).toEqual(['user-7', undefined]);
  await web.close();
});

it('passes the key of a fetch to the balancer, for its retries, too', async () => {
  const keys: (string | undefined)[] = [];
  const source = new StaticSource({ web: [await serve(503), await serve(200)] });
  const web = new ServiceClient(source, 'web', { balancer: recording(keys) });
  expect((await web.fetch('/', { hashKey: 'user-7' })).status).toBe(200);
  expect((await web.fetch('/')).status).toBe(200);
  expect(keys).toEqual(['user-7', 'user-7', undefined, undefined]);
  await web.close();
});
