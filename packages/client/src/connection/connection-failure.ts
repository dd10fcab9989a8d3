/**
 * Explains why a connection could not be made, and what to do: messages of TLS libraries use terms such as
 * leaf, depth and alert. Pure.
 */

/** Codes of Node's verification (https://nodejs.org/api/tls.html#x509-certificate-error-codes). */
const untrusted: ReadonlySet<string> = new Set([
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
]);

/** OpenSSL's names for alerts of the other side about our certificate (RFC 8446 §6.2). */
const clientRefused = /ALERT_(CERTIFICATE_REQUIRED|BAD_CERTIFICATE|UNKNOWN_CA|CERTIFICATE_UNKNOWN|CERTIFICATE_EXPIRED|CERTIFICATE_REVOKED|UNSUPPORTED_CERTIFICATE|HANDSHAKE_FAILURE|ACCESS_DENIED)/;

/** OpenSSL's signs that the other side does not speak TLS: its code, or its text in an EPROTO. */
const noTls = /WRONG_VERSION_NUMBER|wrong version number|PACKET_LENGTH_TOO_LONG|packet length too long|BAD_RECORD_TYPE|bad record type/;

/** Remedies, in the words of the caller's options. */
export interface Remedies {
  readonly authority: string;
  readonly serverName: string;
  readonly certificate: string;
  readonly unusable: string;
  /** The server speaks no TLS, or nothing else. */
  readonly plain: string;
  readonly tls: string;
}

const forRegistry: Remedies = {
  authority: "name the authority's certificate with caFile (--ca-file, ROLLCALL_CA_FILE)",
  serverName: 'use one of its names in the address, or say which one to expect with tlsServerName (--tls-server-name, ROLLCALL_TLS_SERVER_NAME)',
  certificate: 'name one that it trusts with certFile and keyFile (--cert-file, --key-file)',
  unusable: 'check certFile and keyFile',
  plain: 'write http:// instead of https://, or another port',
  tls: 'write https:// before it',
};

/**
 * @param error the socket's error
 * @param server base URL
 * @returns one line that names the host, what was wrong, and the option that helps
 */
export function connectionFailure(error: unknown, server: string, remedies = forRegistry): string {
  const cause = error instanceof AggregateError && error.errors.length > 0 ? (error.errors[0] as unknown) : error;
  const { code = '', message, cert } = cause as NodeJS.ErrnoException & { cert?: { subjectaltname?: string } };
  const { host, protocol } = new URL(server);
  if (untrusted.has(code)) {
    return `the certificate of ${host} is not signed by an authority that is trusted here (${code}); ${remedies.authority}`;
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const names = cert?.subjectaltname ?? '';
    return `the certificate of ${host} is for another name${names === '' ? '' : ` (${names.slice(0, 200)})`}; ${remedies.serverName}`;
  }
  if (code === 'CERT_HAS_EXPIRED') return `the certificate of ${host} has expired; renew it, or correct this machine's clock`;
  if (code === 'CERT_NOT_YET_VALID') return `the certificate of ${host} is not valid yet; correct this machine's clock, or wait`;
  if (clientRefused.test(code)) {
    return `${host} wants a certificate of this client and did not accept what it got (${code.replace(/^ERR_SSL_/, '')}); ${remedies.certificate}`;
  }
  if (noTls.test(code) || (code === 'EPROTO' && noTls.test(message))) {
    return `${host} does not speak TLS there; ${remedies.plain}`;
  }
  if (code.startsWith('ERR_OSSL') || code === 'ERR_SSL_KEY_VALUES_MISMATCH') {
    return `the certificate or key of this client cannot be used (${message}); ${remedies.unusable}`;
  }
  const text = message === '' ? code : message;
  // A TLS listener closes a connection that begins in plain text, or answers with TLS bytes.
  if (protocol === 'http:' && (code === 'ECONNRESET' || code.startsWith('HPE_'))) {
    return `${text} (if ${host} speaks TLS, ${remedies.tls})`;
  }
  // With TLS 1.3, a server checks our certificate after the handshake has ended on our side (RFC 8446
  // §4.4.2.4).
  if (protocol === 'https:' && code === 'ECONNRESET') {
    return `${host} closed the connection in the handshake; if it wants a certificate of this client, ${remedies.certificate}`;
  }
  return text;
}
