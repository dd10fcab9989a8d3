/**
 * The messages of flagd's sync protocol, with the fields that are used: names and numbers of `flagd/sync/v1/sync.proto` in
 * github.com/open-feature/flagd-schemas. Unknown fields of a client are skipped.
 */

import { RegistryError } from '@rollcall/protocol';
import protobuf from 'protobufjs';

const { root } = protobuf.parse(
  `
syntax = "proto3";
message Request { string provider_id = 1; string selector = 2; }
message Flags { string flag_configuration = 1; }
`,
  { keepCase: true },
);

export const paths = {
  sync: '/flagd.sync.v1.FlagSyncService/SyncFlags',
  fetch: '/flagd.sync.v1.FlagSyncService/FetchAllFlags',
  metadata: '/flagd.sync.v1.FlagSyncService/GetMetadata',
} as const;

/** The selector of a request. @throws RegistryError `invalid_argument` for bytes that are no message */
export function selectorIn(bytes: Uint8Array): string {
  try {
    return (root.lookupType('Request').decode(bytes) as unknown as { readonly selector: string }).selector;
  } catch {
    throw new RegistryError('invalid_argument', 'the request is no message of flagd.sync.v1.FlagSyncService');
  }
}

/** A response of `SyncFlags` and of `FetchAllFlags`, which are alike. @param text the definition of the flags */
export function encodeFlags(text: string): Buffer {
  return Buffer.from(root.lookupType('Flags').encode({ flag_configuration: text }).finish());
}

/** An answer of `GetMetadata`, which clients of today do not need. */
export const noMetadata = Buffer.alloc(0);
