/** Requests with an unusual head, byte by byte, and the answers that RFC 9110 and 9112 demand. */

import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { raw, serve, type Setup } from './listener.case.ts';

/** Answers with the request as a front end sees it. */
const echo: NonNullable<Setup['handle']> = ({ request, response, path, query }) => {
  let body = '';
  request.on('data', (chunk: Buffer) => (body += chunk.toString()));
  request.on('end', () => {
    const { rawHeaders } = request;
    const host = rawHeaders[rawHeaders.findIndex((name) => name.toLowerCase() === 'host') + 1];
    response.end(JSON.stringify({ path, query, host, same: host === request.headers.host, body }));
  });
};

const head = (...lines: string[]) => [...lines, '', ''].join('\r\n');
const statusOf = (answer: string) => Number(answer.slice(9, 12));

/** Sends bytes on one connection, whose last request asks the server to close it. @returns all answers */
async function exchange(bytes: string | Buffer, setup: Setup = { handle: echo }): Promise<string> {
  const { port } = await serve(setup);
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    onTestFinished(() => void socket.destroy());
    let text = '';
    socket.on('data', (chunk) => (text += chunk.toString()));
    socket.on('close', () => resolve(text));
  });
}

const last = 'Connection: close';

describe('a target that is a whole URL', () => {
  it.each([
    ['http://one.test:8500/test/a?b=c', '/test/a', 'b=c', 'one.test:8500'],
    ['HTTPS://One.Test/test', '/test', '', 'One.Test'],
    ['http://[::1]:80/test?', '/test', '', '[::1]:80'],
  ])('%s is that path of that host, and the header Host does not count', async (target, path, query, host) => {
    for (const given of [['Host: other.test'], ['hOST:']]) {
      const answer = await exchange(head(`GET ${target} HTTP/1.1`, 'X: y', ...given, last));
      expect(answer).toMatch(/^HTTP\/1\.1 200 /);
      expect(JSON.parse(answer.slice(answer.indexOf('{'), answer.indexOf('}') + 1))).toEqual({ path, query, host, same: true, body: '' });
    }
    expect(await exchange(head(`GET ${target} HTTP/1.0`))).toContain(`"host":"${host}"`);
  });

  it.each(['http:///test', 'http://user@one.test/test', 'ftp://one.test/test', 'http://a b/test', 'one.test:80'])(
    '%s is refused',
    async (target) => expect(statusOf(await exchange(head(`GET ${target} HTTP/1.1`, 'Host: x')))).toBe(400),
  );

  it('without a path means the root path', async () => {
    expect(await exchange(head('GET http://one.test HTTP/1.1', 'Host: x', last))).toMatch(/^HTTP\/1\.1 404 [^]*no such path/);
  });
});

describe('Host', () => {
  it.each([
    [['Host: a', 'Host: b'], 'more than one Host header'],
    [['Host: a', 'X: y', 'hOsT: a'], 'more than one Host header'],
    [['X: y'], 'there is no Host header'],
    [['Host: a b'], 'is no host name or address'],
    [['Host: a/b'], 'is no host name or address'],
    [['Host: a, b'], 'is no host name or address'],
    [['Host: user@a'], 'is no host name or address'],
    [['Host: a:80:90'], 'is no host name or address'],
  ])('%j is refused with the reason, and the connection closed', async (headers, reason) => {
    const answer = await exchange(head('GET /test HTTP/1.1', ...headers) + head('GET /test HTTP/1.1', 'Host: x'));
    expect(answer).toMatch(/^HTTP\/1\.1 400 [^]*\r\nConnection: close\r\n/);
    expect(answer).toContain(reason);
    expect(answer.match(/HTTP\/1\.1 \d/g)).toHaveLength(1);
  });

  it.each(['Host: a.test', 'Host: A-1_b.test:8500', 'Host: 10.0.0.1:80', 'Host: [fe80::1]:80', 'Host:', 'Host: a:'])('%s is accepted', async (line) => {
    expect(statusOf(await exchange(head('GET /test HTTP/1.1', line, last)))).toBe(200);
  });

  it('is optional in HTTP/1.0', async () => {
    expect(statusOf(await exchange(head('GET /test HTTP/1.0')))).toBe(200);
  });
});

describe('OPTIONS *', () => {
  it('answers with the methods of the server', async () => {
    for (const target of ['*', 'http://x']) {
      const answer = await exchange(head(`OPTIONS ${target} HTTP/1.1`, 'Host: x', last));
      expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\nAllow: GET, HEAD, PUT, POST, DELETE, OPTIONS\r\nContent-Length: 0\r\n/);
    }
  });

  it('is the only method with the target *', async () => {
    expect(await exchange(head('GET * HTTP/1.1', 'Host: x', last))).toMatch(/^HTTP\/1\.1 400 [^]*goes with OPTIONS only/);
  });
});

describe('Transfer-Encoding', () => {
  const chunks = '3\r\nabc\r\n0\r\n\r\n';
  it.each([
    [['Transfer-Encoding: gzip, chunked'], 501],
    [['Transfer-Encoding: gzip', 'Transfer-Encoding: chunked'], 501],
    [['Transfer-Encoding: chunked, chunked'], 400],
    [['Transfer-Encoding: chunked', 'Content-Length: 3'], 400],
    [['Content-Length: 3', 'Content-Length: 3'], 400],
    [['Content-Length: +3'], 400],
    [['Content-Length: 3, 3'], 400],
  ])('%j is refused, and the bytes after it are not read as a request', async (headers, status) => {
    const answer = await exchange(head('PUT /test HTTP/1.1', 'Host: x', ...headers) + chunks + head('GET /test HTTP/1.1', 'Host: x'));
    expect(statusOf(answer)).toBe(status);
    expect(answer.match(/HTTP\/1\.1 \d/g)).toHaveLength(1);
  });

  it('is refused in HTTP/1.0, which does not define it', async () => {
    expect(statusOf(await exchange(head('PUT /test HTTP/1.0', 'Transfer-Encoding: chunked') + chunks))).toBe(400);
  });

  it('chunked is read, with trailers, and the next request after it', async () => {
    const put = head('PUT /test HTTP/1.1', 'Host: x', 'Transfer-Encoding: Chunked') + '3;x=y\r\nabc\r\n0\r\nTrailer: z\r\n\r\n';
    const answer = await exchange(put + head('GET /test?second HTTP/1.1', 'Host: x', last));
    expect(answer).toContain('"body":"abc"');
    expect(answer).toContain('"query":"second"');
  });
});

describe('Expect', () => {
  const big = ['PUT /test HTTP/1.1', 'Host: x', 'Content-Length: 3', 'Expect: 100-continue'];

  it('100-continue is answered when the body is asked for', async () => {
    const { port } = await serve({ handle: echo });
    const text = await new Promise<string>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => socket.write(head(...big, last)));
      let all = '';
      socket.on('data', (chunk) => {
        all += chunk.toString();
        if (all === 'HTTP/1.1 100 Continue\r\n\r\n') socket.write('abc');
      });
      socket.on('close', () => resolve(all));
    });
    expect(text).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 [^]*"body":"abc"/);
  });

  it('100-continue is not answered when the request is refused, and the connection ends', async () => {
    const answer = await exchange(head(...big), { handle: ({ response }) => void response.writeHead(403, { 'Content-Length': 2 }).end('no') });
    expect(answer).toMatch(/^HTTP\/1\.1 403 [^]*Connection: close\r\n\r\nno$/);
  });

  it('with any other value is answered with 417', async () => {
    expect(await exchange(head('GET /test HTTP/1.1', 'Host: x', 'Expect: tea'))).toMatch(/^HTTP\/1\.1 417 [^]*leave it out/);
  });
});

describe('Upgrade', () => {
  const h2c = ['Host: x', 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA'];

  it('to an unknown protocol is ignored, and the request is answered with its whole body', async () => {
    expect(await exchange(head('GET /test HTTP/1.1', ...h2c, last), { handle: echo })).toMatch(/^HTTP\/1\.1 200 /);
    const { port } = await serve({ handle: echo });
    const text = await new Promise<string>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => socket.write(`${head('PUT /test HTTP/1.1', ...h2c, 'Content-Length: 3')}abc`));
      let all = '';
      socket.on('data', (chunk) => {
        const first = all === '';
        all += chunk.toString();
        if (first) socket.write(head('GET /test?second HTTP/1.1', ...h2c, last));
      });
      socket.on('close', () => resolve(all));
    });
    expect(text).toMatch(/"body":"abc"[^]*"query":"second"/);
  });

  it('of a malformed request is refused like other malformed requests', async () => {
    const upgrade = ['Connection: Upgrade', 'Upgrade: websocket'];
    const setup: Setup = { upgrade: (_request, socket) => void socket.end('taken') };
    expect(await exchange(head('GET /test HTTP/1.1', 'Host: x', ...upgrade), setup)).toBe('taken');
    expect(await exchange(head('GET http://x/test HTTP/1.1', 'Host: y', ...upgrade), setup)).toBe('taken');
    expect(await exchange(head('GET /test HTTP/1.1', 'Host: x', 'Host: y', ...upgrade), setup)).toMatch(/^HTTP\/1\.1 400 [^]*more than one Host/);
  });

  it('by CONNECT is refused with the reason', async () => {
    expect(await exchange(head('CONNECT a.test:443 HTTP/1.1', 'Host: a.test:443'))).toMatch(/^HTTP\/1\.1 405 [^]*Allow: [^]*no proxy/);
  });
});

describe('bytes that are not HTTP/1.1', () => {
  it.each([
    ['a target that is not ASCII', 'GET /test/ключ HTTP/1.1\r\nHost: x\r\n\r\n', '400', 'percent-encode'],
    ['a target that is no path', 'GET test HTTP/1.1\r\nHost: x\r\n\r\n', '400', 'no path'],
    ['a folded header', 'GET /test HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n', '400', 'whitespace'],
    ['a space before the colon', 'GET /test HTTP/1.1\r\nHost : x\r\n\r\n', '400', 'header token'],
    ['lines that end in LF alone', 'GET /test HTTP/1.1\nHost: x\n\n', '400', 'CRLF'],
    ['a later version', 'GET /test HTTP/3.0\r\nHost: x\r\n\r\n', '505', 'speaks HTTP/1.1'],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', '400', 'not HTTP/1.1'],
  ])('%s: refused with the reason', async (_what, bytes, status, reason) => {
    const answer = await exchange(Buffer.from(bytes));
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [^]*\\r\\nConnection: close\\r\\n`));
    expect(answer).toContain(reason);
  });
});

describe('a client that closes its side after its request', () => {
  it('gets the answer, even a late one', async () => {
    let answer: () => void = () => {};
    const { port } = await serve({ handle: ({ response }) => void (answer = () => response.end('late')) });
    const text = await new Promise<string>((resolve) => {
      const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }, () => socket.end(head('GET /test HTTP/1.1', 'Host: x')));
      let all = '';
      socket.on('data', (chunk) => (all += chunk.toString()));
      socket.on('end', () => resolve(all));
      // A later request on another connection: when it is answered, the server has seen the end of this one.
      void raw(port, 'GET /nothing HTTP/1.1', 'Host: x', last, '', '').then(() => answer());
    });
    expect(text).toMatch(/^HTTP\/1\.1 200 [^]*late$/);
  });

  it('in the middle of its body gets an error with that reason', async () => {
    const { port } = await serve({ handle: echo });
    const text = await new Promise<string>((resolve) => {
      const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }, () => socket.end(`${head('PUT /test HTTP/1.1', 'Host: x', 'Content-Length: 3')}a`));
      let all = '';
      socket.on('data', (chunk) => (all += chunk.toString()));
      socket.on('end', () => resolve(all));
    });
    expect(text).toMatch(/^HTTP\/1\.1 400 /);
  });
});
