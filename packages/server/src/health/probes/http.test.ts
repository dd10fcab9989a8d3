/** The HTTP probe against real servers. */

import type { IncomingMessage, RequestListener } from 'node:http';
import type { CheckDefinition } from '@rollcall/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { httpProbe } from './http.ts';
import { httpsTarget, httpTarget, resolving, trusted, type TargetServer } from './targets.case.ts';

const open: TargetServer[] = [];
afterEach(async () => {
  for (const target of open.splice(0)) await target.close();
});

async function serve(listener: RequestListener): Promise<TargetServer> {
  const target = await httpTarget(listener);
  open.push(target);
  return target;
}

const never = new AbortController().signal;
const probe = (definition: CheckDefinition, ...answers: readonly (readonly string[])[]) =>
  httpProbe(resolving(...answers).resolve)(definition, never);

describe('the status', () => {
  it.each([
    [200, 'passing'],
    [204, 'passing'],
    [299, 'passing'],
    [300, 'critical'],
    [304, 'critical'],
    [400, 'critical'],
    [401, 'critical'],
    [429, 'warning'],
    [500, 'critical'],
    [503, 'critical'],
  ])('%i is %s', async (code, status) => {
    const { port } = await serve((_request, response) => {
      response.statusCode = code;
      response.end();
    });
    expect(await probe({ http: `http://127.0.0.1:${port}/` })).toMatchObject({ status });
  });
});

describe('the request', () => {
  async function echo(definition: (port: number) => CheckDefinition, ...answers: readonly (readonly string[])[]) {
    let seen: { request: IncomingMessage; body: string } | undefined;
    const { port } = await serve((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        seen = { request, body };
        response.end('fine');
      });
    });
    const result = await probe(definition(port), ...answers);
    if (seen === undefined) throw new Error(`nothing arrived: ${result.output}`);
    return { ...seen, result, port };
  }

  it('is a GET by default, names its user agent and closes its connection', async () => {
    const { request, result, port } = await echo((port) => ({ http: `http://127.0.0.1:${port}/health?full=1` }));
    expect(`${request.method} ${request.url}`).toBe('GET /health?full=1');
    expect(request.headers).toMatchObject({
      host: `127.0.0.1:${port}`,
      'user-agent': 'Rollcall-Health-Check',
      accept: 'text/plain, text/*, */*',
      connection: 'close',
    });
    expect(result).toEqual({
      status: 'passing',
      output: `HTTP GET http://127.0.0.1:${port}/health?full=1: 200 OK Output: fine`,
    });
  });

  it('carries the method, headers and body of the check', async () => {
    const { request, body } = await echo((port) => ({
      http: `http://127.0.0.1:${port}/`,
      method: 'POST',
      body: '{"ping":"é"}',
      header: { 'X-Token': ['secret'], 'X-Many': ['a', 'b'], 'User-Agent': ['mine'], Host: ['other.test'] },
    }));
    expect(request.method).toBe('POST');
    expect(body).toBe('{"ping":"é"}');
    expect(request.headers).toMatchObject({
      'x-token': 'secret',
      'x-many': 'a, b',
      'user-agent': 'mine',
      host: 'other.test',
      'content-length': '13',
    });
  });

  it('sends the credentials of the URL, and leaves them out of its output', async () => {
    const { request, result, port } = await echo((port) => ({ http: `http://user:pass@127.0.0.1:${port}/` }));
    expect(result.output).toBe(`HTTP GET http://127.0.0.1:${port}/: 200 OK Output: fine`);
    await expect(probe({ http: 'ftp://user:pass@127.0.0.1/' })).rejects.toThrow('"ftp://127.0.0.1/" is not an http');
    expect(request.headers.authorization).toBe(`Basic ${Buffer.from('user:pass').toString('base64')}`);
  });

  it('connects to the address that the policy checked, with the name in Host: the name is resolved once', async () => {
    const { resolve, asked } = resolving(['127.0.0.1'], ['169.254.169.254']);
    let host: string | undefined;
    const { port } = await serve((request, response) => {
      host = request.headers.host;
      response.end();
    });
    const definition = { http: `http://rebind.test:${port}/` };
    expect(await httpProbe(resolve)(definition, never)).toMatchObject({ status: 'passing' });
    expect(host).toBe(`rebind.test:${port}`);
    expect(asked).toEqual(['rebind.test']);
    // The name has another address now: nothing is sent there.
    await expect(httpProbe(resolve)(definition, never)).rejects.toMatchObject({ code: 'permission_denied' });
  });

  it('tries the next address when the first accepts no connection', async () => {
    const { result } = await echo((port) => ({ http: `http://both.test:${port}/` }), ['::1', '127.0.0.1']);
    expect(result.status).toBe('passing');
  });

  it.each(['http://169.254.169.254/latest/meta-data', 'http://2852039166/', 'http://[::ffff:a9fe:a9fe]/'])(
    'is never sent to %s',
    async (http) => {
      await expect(probe({ http })).rejects.toMatchObject({ code: 'permission_denied' });
    },
  );

  it.each(['', 'nonsense', 'ftp://127.0.0.1/', 'file:///etc/passwd', 'http://'])('is not made for the URL %j', async (http) => {
    await expect(probe({ http })).rejects.toMatchObject({ code: 'invalid_argument' });
  });

  it.each([{ method: 'NOT A METHOD' }, { header: { 'bad name': ['x'] } }, { header: { x: ['a\nb'] } }])(
    'with bad settings is an error of the check: %j',
    async (bad) => {
      await expect(probe({ http: 'http://127.0.0.1:9/', ...bad })).rejects.toThrow(/invalid|valid HTTP token/i);
    },
  );
});

describe('a redirect', () => {
  it('is not followed, to any target', async () => {
    const elsewhere = await serve((_request, response) => response.end());
    const { port } = await serve((request, response) => {
      const location = request.url === '/in' ? `http://127.0.0.1:${elsewhere.port}/` : 'http://169.254.169.254/';
      response.writeHead(302, { location }).end('moved');
    });
    for (const path of ['in', 'out']) {
      const result = await probe({ http: `http://127.0.0.1:${port}/${path}` });
      expect(result.status).toBe('critical');
      expect(result.output).toContain('302 Found (redirects are not followed)');
    }
    expect(elsewhere.connections()).toBe(0);
  });
});

describe('the answer', () => {
  it('is cut at 4,096 bytes, also when it is endless', async () => {
    const { port } = await serve((_request, response) => {
      const more = () => {
        while (response.write('x'.repeat(1_000)));
        response.once('drain', more);
      };
      more();
    });
    const { status, output } = await probe({ http: `http://127.0.0.1:${port}/` });
    expect(status).toBe('passing');
    expect(output).toMatch(/ Output: x{4096} \.\.\. \(captured 4096 bytes\)$/);
  });

  it('that does not come is aborted with the signal', async () => {
    const { port } = await serve(() => {});
    const abort = new AbortController();
    const asking = httpProbe(resolving().resolve)({ http: `http://127.0.0.1:${port}/` }, abort.signal);
    abort.abort();
    await expect(asking).rejects.toThrow(/abort/i);
  });

  it('without a server is an error that names the cause', async () => {
    const target = await serve(() => {});
    await target.close();
    await expect(probe({ http: `http://127.0.0.1:${target.port}/` })).rejects.toThrow('ECONNREFUSED');
  });

  it('that is cut off is an error', async () => {
    const { port } = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half');
      setImmediate(() => response.destroy());
    });
    await expect(probe({ http: `http://127.0.0.1:${port}/` })).rejects.toThrow(/aborted|hang up/);
  });
});

describe('TLS', () => {
  it('is verified, unless the check turns it off', async () => {
    const target = await httpsTarget((_request, response) => response.end('secret'));
    open.push(target);
    const http = `https://127.0.0.1:${target.port}/`;
    await expect(probe({ http })).rejects.toThrow(/unable to verify/);
    expect(await probe({ http, tlsSkipVerify: true })).toMatchObject({ status: 'passing' });
  });

  it('is verified for the name in the URL or in the check, also when the authority is trusted', async () => {
    const target = await httpsTarget((_request, response) => response.end());
    open.push(target);
    const ask = (host: string, more: CheckDefinition = {}) =>
      httpProbe(resolving(['127.0.0.1']).resolve, trusted)({ http: `https://${host}:${target.port}/`, ...more }, never);
    expect(await ask('web.test')).toMatchObject({ status: 'passing' });
    expect(await ask('other.test', { tlsServerName: 'web.test' })).toMatchObject({ status: 'passing' });
    expect(await ask('127.0.0.1', { tlsServerName: 'web.test' })).toMatchObject({ status: 'passing' });
    const another = /does not match certificate's altnames/;
    await expect(ask('other.test')).rejects.toThrow(another);
    await expect(ask('127.0.0.1')).rejects.toThrow(another);
    await expect(ask('web.test', { tlsServerName: 'other.test' })).rejects.toThrow(another);
    // The Host header of the check does not change the name that is verified.
    await expect(ask('other.test', { header: { Host: ['web.test'] } })).rejects.toThrow(another);
    expect(await ask('other.test', { tlsSkipVerify: true })).toMatchObject({ status: 'passing' });
  });

  it('sends the name in the URL or in the check (SNI), never that of a Host header', async () => {
    const names: string[] = [];
    const target = await httpsTarget(
      (_request, response) => response.end(),
      (name) => names.push(name),
    );
    open.push(target);
    const http = `https://web.test:${target.port}/`;
    const header = { Host: ['other.test'] };
    await probe({ http, header, tlsSkipVerify: true }, ['127.0.0.1']);
    await probe({ http, tlsServerName: 'sni.test', tlsSkipVerify: true }, ['127.0.0.1']);
    expect(names).toEqual(['web.test', 'sni.test']);
  });
});
