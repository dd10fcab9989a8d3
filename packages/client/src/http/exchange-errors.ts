/**
 * The errors with which a request of `fetch` ends when it gets no answer: the code, and the facts that a reader of the
 * log needs. The exchange decides when they occur.
 */

import { RegistryError } from '@rollcall/protocol';
import type { Endpoint } from '../endpoint.ts';
import type { Failure } from '../resilience/retry.ts';
import { unreadAnswers } from '../resilience/unread-answers.ts';
import { connectionFailure, type Remedies } from '../connection/connection-failure.ts';

const forService: Remedies = {
  authority: "give the authority's certificate with tls.ca",
  serverName: 'say which one to expect with tls.serverName',
  certificate: 'give one that it trusts with tls.cert and tls.key',
  unusable: 'check tls.cert and tls.key',
  plain: 'leave tls out, or give tls: { instances: \'marked\' }',
  tls: 'give the service the option tls, or the instance the metadata scheme: https',
};

export function noInstance(service: string): RegistryError {
  return new RegistryError('unavailable', `no instance of ${service} is registered; start one, or check the name`);
}

/** @param answering number of requests in flight whose answer has begun */
export function tooMany(service: string, max: number, answering: number): RegistryError {
  const unread = unreadAnswers(answering);
  const message = `${max} requests to ${service} are in flight, the limit; ${unread ?? 'wait for some to end or raise requestsMax'}`;
  return new RegistryError('resource_exhausted', message);
}

export function overloaded(service: string, inFlight: number): RegistryError {
  const message = `${inFlight} requests to ${service} are in flight, as many as it answers without delay now; try again later`;
  return new RegistryError('resource_exhausted', message);
}

/** @param what method, path and service of the request */
export function tooLate(what: string): RegistryError {
  return new RegistryError('deadline_exceeded', `${what}: not sent, since the time for it is over`);
}

export function noList(what: string, cause: Error): RegistryError {
  return new RegistryError('deadline_exceeded', `${what}: not sent, since no list of instances was known in time`, { cause });
}

export function brokenOff(what: string, { authority }: Endpoint, cause: Error): RegistryError {
  return new RegistryError('deadline_exceeded', `${what}: the answer of ${authority} broke off: ${cause.message}`, { cause });
}

/** @param endpoint the one tried last */
export function noAnswer(what: string, { authority }: Endpoint, failure: Failure, tries: number, idempotent: boolean, cause: Error): RegistryError {
  const why = reasonOf(cause, authority);
  if (failure !== 'unsent' && !idempotent) {
    const message = `${what}: no answer from ${authority} after it was sent, so it may have been applied: ${why}`;
    return new RegistryError('unknown_outcome', message, { cause });
  }
  const code = failure === 'late' ? 'deadline_exceeded' : 'unavailable';
  const after = `${tries === 1 ? 'one try' : `${tries} tries`}, the last at ${authority}`;
  return new RegistryError(code, `${what}: no answer after ${after}: ${why}`, { cause });
}

/** The socket's error, with advice. */
function reasonOf(cause: Error, authority: string): string {
  const { code, socket } = cause as NodeJS.ErrnoException & { readonly socket?: { readonly bytesRead?: number } };
  if (typeof code !== 'string') return cause.message;
  // A TLS listener that gets plain text does the same, and a TLS 1.3 listener whose client has no certificate.
  if (code === 'UND_ERR_SOCKET' && socket?.bytesRead === 0) {
    return `${cause.message} before it said anything (does it want TLS, or a certificate of this client? see the option tls)`;
  }
  // Instances reset connections for many reasons; only bytes that are not HTTP point to TLS.
  const scheme = code.startsWith('HPE_') ? 'http' : 'tcp';
  return connectionFailure(cause, `${scheme}://${authority}`, forService);
}
