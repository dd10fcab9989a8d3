/**
 * A client's credentials: its token, its certificate, and the authority that must have signed the registries'
 * certificates. Files are read again for every connection, so that replaced files are used without a restart.
 */

import { RegistryError } from '@rollcall/protocol';

export interface CredentialOptions {
  /** Token of access control. Better in a file: options end up in logs and process lists. */
  readonly token?: string;
  /** File with the token, read for every connection. */
  readonly tokenFile?: string;
  /** File with the certificates (PEM) of the authorities that sign registries' certificates; replaces Node's list. */
  readonly caFile?: string;
  /** File with the client's own certificate (PEM), for registries that require one; together with `keyFile`. */
  readonly certFile?: string;
  /** File with the key (PEM) of the certificate, without a password. */
  readonly keyFile?: string;
  /** Name that the registry's certificate must have, if it differs from that of its URL. */
  readonly tlsServerName?: string;
}

/** Credentials of one connection; the TLS part as `tls.connect` takes it. */
export interface Credentials {
  readonly token: string | undefined;
  readonly tls: {
    readonly ca?: string;
    readonly cert?: string;
    readonly key?: string;
    readonly servername?: string;
  };
}

/** Reads the credentials as they are now. @throws RegistryError `unauthenticated` for a file that cannot be used */
export type CredentialSource = () => Promise<Credentials>;

type Environment = Readonly<Record<string, string | undefined>>;

/** The source of a value that the program does not set. */
export const credentialVariables = {
  token: 'ROLLCALL_TOKEN',
  tokenFile: 'ROLLCALL_TOKEN_FILE',
  caFile: 'ROLLCALL_CA_FILE',
  certFile: 'ROLLCALL_CERT_FILE',
  keyFile: 'ROLLCALL_KEY_FILE',
  tlsServerName: 'ROLLCALL_TLS_SERVER_NAME',
} as const satisfies Readonly<Record<keyof CredentialOptions, string>>;

/** Tokens of logins have some hundred characters; this is far from the limit of a header. */
const tokenMax = 4_096;

/**
 * @param readText the content of a file
 * @throws RegistryError `invalid_argument` for options that contradict each other
 */
export function credentialSource(
  options: CredentialOptions,
  env: Environment,
  readText: (path: string) => Promise<string>,
): CredentialSource {
  const { token, tokenFile, caFile, certFile, keyFile, tlsServerName } = chosen(options, env);
  const read = async (path: string | undefined, what: string): Promise<string | undefined> => {
    if (path === undefined) return undefined;
    try {
      return await readText(path);
    } catch (error) {
      throw unusable(`cannot read the ${what}: ${(error as Error).message}`, error);
    }
  };
  return async () => {
    const [tokenText, ca, cert, key] = await Promise.all([
      read(tokenFile, 'token file'),
      read(caFile, 'certificates of authorities (caFile)'),
      read(certFile, 'certificate (certFile)'),
      read(keyFile, 'key (keyFile)'),
    ]);
    return {
      token: tokenText === undefined ? token : checkedToken(tokenText.trim(), `token file ${tokenFile}`),
      tls: {
        ...(ca === undefined ? {} : { ca: checkedPem(ca, `caFile ${caFile}`) }),
        ...(cert === undefined ? {} : { cert: checkedPem(cert, `certFile ${certFile}`) }),
        ...(key === undefined ? {} : { key: checkedPem(key, `keyFile ${keyFile}`) }),
        ...(tlsServerName === undefined ? {} : { servername: tlsServerName }),
      },
    };
  };
}

/** Options take precedence over the environment; a token of the program also over a token file of the environment. */
function chosen(options: CredentialOptions, env: Environment): CredentialOptions {
  const { token, tokenFile } = options;
  const of = (name: keyof CredentialOptions) => options[name] ?? (env[credentialVariables[name]] || undefined);
  const both = (one: string, other: string) => wrong(`${one} and ${other} are both set; give one of them`);
  if (token !== undefined && tokenFile !== undefined) throw both('token', 'tokenFile');
  const ownToken = token ?? tokenFile;
  if (ownToken === undefined && of('token') !== undefined && of('tokenFile') !== undefined) {
    throw both(credentialVariables.token, credentialVariables.tokenFile);
  }
  const [certFile, keyFile] = [of('certFile'), of('keyFile')];
  if ((certFile === undefined) !== (keyFile === undefined)) throw wrong('certFile and keyFile belong together; give both or none');
  const result: Record<string, string | undefined> = {
    ...{ certFile, keyFile, caFile: of('caFile'), tlsServerName: of('tlsServerName') },
    token: ownToken === undefined ? of('token') : token,
    tokenFile: ownToken === undefined ? of('tokenFile') : tokenFile,
  };
  if (result['token'] !== undefined) checkToken(result['token'], 'the token', wrong);
  return Object.fromEntries(Object.entries(result).filter(([, value]) => value !== undefined));
}

function checkedToken(text: string, where: string): string {
  checkToken(text, where, unusable);
  return text;
}

/** A token becomes part of a header, and an empty one would count as none. */
function checkToken(text: string, where: string, fail: (message: string) => RegistryError): void {
  if (text === '') throw fail(`${where} is empty`);
  if (text.length > tokenMax) throw fail(`${where} has ${text.length} characters, the limit is ${tokenMax}`);
  if (!/^[\x20-\x7e]+$/.test(text) || text !== text.trim()) throw fail(`${where} has characters that a token cannot have; use visible ASCII characters`);
}

function checkedPem(text: string, where: string): string {
  if (/^-----BEGIN [A-Z0-9 ]+-----/m.test(text)) return text;
  throw unusable(`${where} is not PEM: it has no line with -----BEGIN …-----`);
}

function wrong(message: string): RegistryError {
  return new RegistryError('invalid_argument', message);
}

function unusable(message: string, cause?: unknown): RegistryError {
  return new RegistryError('unauthenticated', message, { cause });
}
