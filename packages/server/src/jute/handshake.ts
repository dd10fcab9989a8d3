/** The first packet of each side: a client asks for a session, or for one that it had; the server grants it or says that it is gone. */

import { RegistryError } from '@rollcall/protocol';
import { JuteInput } from './input.ts';
import { JuteOutput } from './output.ts';
import { oldConnectRequest, oldConnectResponse, readOnly } from './records.ts';
import type { ValueOf } from './codec.ts';

export type ConnectRequest = ValueOf<typeof oldConnectRequest> & {
  /** Whether a server that cannot write is good enough; undefined of clients before 3.4, which do not say it. */
  readonly readOnly: boolean | undefined;
};

export type ConnectResponse = ValueOf<typeof oldConnectResponse> & {
  /** Undefined for clients that did not send it. */
  readonly readOnly: boolean | undefined;
};

/** Bytes of a password that servers make. */
export const passwordBytes = 16;

const passwordBytesMax = 1_024;

/**
 * @param packet without its length
 * @throws RegistryError `invalid_argument`
 */
export function decodeConnectRequest(packet: Buffer): ConnectRequest {
  const input = new JuteInput(packet);
  const request = oldConnectRequest.read(input);
  if ((request.passwd?.length ?? 0) > passwordBytesMax) {
    throw new RegistryError('invalid_argument', `the password of a session has ${request.passwd?.length} bytes, the limit is ${passwordBytesMax}`);
  }
  return { ...request, readOnly: input.left === 0 ? undefined : readOnly.read(input) };
}

/** @returns the packet with its length */
export function encodeConnectRequest(request: ConnectRequest): Buffer {
  const output = new JuteOutput(64);
  oldConnectRequest.write(output, request);
  if (request.readOnly !== undefined) readOnly.write(output, request.readOnly);
  return output.packet();
}

export function decodeConnectResponse(packet: Buffer): ConnectResponse {
  const input = new JuteInput(packet);
  const response = oldConnectResponse.read(input);
  return { ...response, readOnly: input.left === 0 ? undefined : readOnly.read(input) };
}

export function encodeConnectResponse(response: ConnectResponse): Buffer {
  const output = new JuteOutput(64);
  oldConnectResponse.write(output, response);
  if (response.readOnly !== undefined) readOnly.write(output, response.readOnly);
  return output.packet();
}

/** A session that is gone, or whose password was wrong: the answer has no session (`ZooKeeperServer.finishSessionInit`). */
export function encodeExpired(hasReadOnly: boolean): Buffer {
  return encodeConnectResponse({ protocolVersion: 0, timeOut: 0, sessionId: 0n, passwd: new Uint8Array(passwordBytes), readOnly: hasReadOnly ? false : undefined });
}
