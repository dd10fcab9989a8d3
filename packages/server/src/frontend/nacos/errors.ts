/**
 * Errors in the forms that Nacos has for them. The first API answers with a status and a text; its later versions with
 * `{"code", "message", "data"}`, where the code is Nacos' own; a refusal of access control is a page of Spring in all of them.
 */

import { STATUS_CODES } from 'node:http';
import { RegistryError, toRegistryError, type ErrorCode } from '@rollcall/protocol';
import { BodyTooLarge } from '../../net/body.ts';

/** A number of Nacos with its text (`ErrorCode` in its `api/model/v2`). */
export interface NacosCode {
  readonly code: number;
  readonly message: string;
}

export const nacosCodes = {
  missing: { code: 10_000, message: 'parameter missing' },
  denied: { code: 10_001, message: 'access denied' },
  invalid: { code: 20_002, message: 'parameter validate error' },
  notFound: { code: 20_004, message: 'resource not found' },
  conflict: { code: 20_005, message: 'resource conflict' },
  instanceNotFound: { code: 21_003, message: 'instance not found' },
  serviceExists: { code: 21_007, message: 'service already exist' },
  serviceNotFound: { code: 21_008, message: 'service not exist' },
  serviceNotEmpty: { code: 21_009, message: 'service delete failure' },
  namespaceNotFound: { code: 22_001, message: 'namespace not exist' },
  namespaceExists: { code: 22_002, message: 'namespace already exist' },
  server: { code: 30_000, message: 'server error' },
} as const satisfies Record<string, NacosCode>;

/** A refusal with a number or a status of its own. */
export class NacosError extends RegistryError {
  readonly nacos: NacosCode;
  /** Undefined: that of the error code. */
  readonly status: number | undefined;
  /** `data` of the answer is null instead of the message. */
  readonly withoutData: boolean;

  constructor(code: ErrorCode, message: string, nacos: NacosCode, { status, withoutData = false }: { readonly status?: number; readonly withoutData?: boolean } = {}) {
    super(code, message);
    this.nacos = nacos;
    this.status = status;
    this.withoutData = withoutData;
  }
}

const byCode: Readonly<Record<ErrorCode, readonly [status: number, nacos: NacosCode]>> = {
  invalid_argument: [400, nacosCodes.invalid],
  not_found: [404, nacosCodes.notFound],
  already_exists: [409, nacosCodes.conflict],
  failed_precondition: [409, nacosCodes.conflict],
  aborted: [409, nacosCodes.conflict],
  permission_denied: [403, nacosCodes.denied],
  unauthenticated: [403, nacosCodes.denied],
  resource_exhausted: [429, nacosCodes.server],
  deadline_exceeded: [503, nacosCodes.server],
  cancelled: [499, nacosCodes.server],
  unavailable: [503, nacosCodes.server],
  unknown_outcome: [503, nacosCodes.server],
  unimplemented: [501, nacosCodes.server],
  data_loss: [500, nacosCodes.server],
  internal: [500, nacosCodes.server],
};

/** An error, ready to be written. */
export interface Failure {
  readonly status: number;
  readonly nacos: NacosCode;
  readonly message: string;
  readonly data: string | null;
}

export function failureOf(thrown: unknown): Failure {
  const error = toRegistryError(thrown);
  const { message } = error;
  const [usual, nacos] = byCode[error.code];
  if (error instanceof NacosError) return { status: error.status ?? usual, nacos: error.nacos, message, data: error.withoutData ? null : message };
  if (error instanceof BodyTooLarge) return { status: 413, nacos: nacosCodes.invalid, message, data: message };
  return { status: usual, nacos: message.endsWith('is required.') ? nacosCodes.missing : nacos, message, data: message };
}

/** A page of Spring, which Nacos answers where no handler of it is reached. */
export function springError(status: number, message: string, path: string, now: number): object {
  // The path is shown as sent, without a query, in which a token may be.
  return { timestamp: new Date(now).toISOString().replace('Z', '+00:00'), status, error: STATUS_CODES[status] ?? 'Error', message, path: path.slice(0, 500) };
}
