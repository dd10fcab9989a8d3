import { describe, expect, it } from 'vitest';
import { credentialSource, type CredentialOptions } from './credentials.ts';

const pem = '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n';
const files: Record<string, string> = { token: ' from-file\n', empty: '\n', two: 'a\nb', pem, text: 'no certificate' };

const source = (options: CredentialOptions, env: Record<string, string> = {}) =>
  credentialSource(options, env, (path) => {
    const content = files[path];
    return content === undefined ? Promise.reject(new Error(`ENOENT: no such file, open '${path}'`)) : Promise.resolve(content);
  })();

describe('credentials', () => {
  it.each<[string, CredentialOptions, Record<string, string>, object]>([
    ['nothing', {}, {}, { token: undefined, tls: {} }],
    ['the token of the program', { token: 't' }, { ROLLCALL_TOKEN: 'e', ROLLCALL_TOKEN_FILE: 'token' }, { token: 't', tls: {} }],
    ['the token file of the program', { tokenFile: 'token' }, { ROLLCALL_TOKEN: 'e' }, { token: 'from-file', tls: {} }],
    ['the token of the environment', {}, { ROLLCALL_TOKEN: 'e' }, { token: 'e', tls: {} }],
    ['the token file of the environment', {}, { ROLLCALL_TOKEN_FILE: 'token' }, { token: 'from-file', tls: {} }],
    ['an empty environment', {}, { ROLLCALL_TOKEN: '', ROLLCALL_CA_FILE: '' }, { token: undefined, tls: {} }],
    ['TLS', { caFile: 'pem', certFile: 'pem', keyFile: 'pem', tlsServerName: 'n' }, {}, { token: undefined, tls: { ca: pem, cert: pem, key: pem, servername: 'n' } }],
    ['TLS of the environment', {}, { ROLLCALL_CA_FILE: 'pem', ROLLCALL_CERT_FILE: 'pem', ROLLCALL_KEY_FILE: 'pem', ROLLCALL_TLS_SERVER_NAME: 'n' }, { tls: { ca: pem, cert: pem, key: pem, servername: 'n' } }],
  ])('are %s', async (_what, options, env, expected) => {
    expect(await source(options, env)).toMatchObject(expected);
  });

  it.each<[string, CredentialOptions, Record<string, string>, string]>([
    ['two tokens', { token: 'a', tokenFile: 'token' }, {}, 'token and tokenFile are both set'],
    ['two tokens in the environment', {}, { ROLLCALL_TOKEN: 'a', ROLLCALL_TOKEN_FILE: 'token' }, 'ROLLCALL_TOKEN and ROLLCALL_TOKEN_FILE are both set'],
    ['a certificate without its key', { certFile: 'pem' }, {}, 'certFile and keyFile belong together'],
    ['a token that would be another header', { token: 'a\r\nX-Other: b' }, {}, 'the token has characters that a token cannot have'],
    ['an empty token', { token: '' }, {}, 'the token is empty'],
  ])('are refused at once: %s', (_what, options, env, message) => {
    expect(() => source(options, env)).toThrow(message);
    expect(() => source(options, env)).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
  });

  it.each<[CredentialOptions, string]>([
    [{ tokenFile: 'missing' }, "cannot read the token file: ENOENT: no such file, open 'missing'"],
    [{ tokenFile: 'empty' }, 'token file empty is empty'],
    [{ tokenFile: 'two' }, 'token file two has characters that a token cannot have'],
    [{ caFile: 'text' }, 'caFile text is not PEM'],
  ])('in files that cannot be used are reported with every attempt: %j', async (options, message) => {
    await expect(source(options)).rejects.toMatchObject({ code: 'unauthenticated', message: expect.stringContaining(message) });
  });
});
