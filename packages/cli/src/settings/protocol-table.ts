/** The settings of protocols with ports of their own: rows of the settings table (`table.ts`). */

import { parseAddress, type Address } from './address.ts';
import type { Setting } from './setting.ts';
import { file, flag, list, peerUrl, text } from './values.ts';

export interface ProtocolSettings {
  /** Undefined: HTTP has no further address for clients of Eureka. */
  readonly eureka: Address | undefined;
  readonly eurekaTls: boolean;
  readonly eurekaCompat: boolean;
  /** Undefined: there is no further address for clients of Nacos, and no gRPC. */
  readonly nacos: Address | undefined;
  readonly nacosTls: boolean;
  /** Undefined: gRPC is not served. */
  readonly grpc: Address | undefined;
  readonly grpcTls: boolean;
  /** URLs; may hold passwords. */
  readonly eurekaPeer: readonly string[];
  readonly eurekaPeerCaFile: string | undefined;
}

export const protocolSettings: { readonly [K in keyof ProtocolSettings]: Setting<ProtocolSettings[K]> } = {
  eureka: {
    flag: '--eureka <host:port>',
    env: 'ROLLCALL_EUREKA',
    description: 'a further address of HTTP, for clients of Eureka that expect its port, such as 127.0.0.1:8761; off for none',
    fallback: 'off',
    read: (value) => (value === 'off' ? undefined : parseAddress(text(value))),
  },
  eurekaTls: {
    flag: '--eureka-tls',
    env: 'ROLLCALL_EUREKA_TLS',
    description: 'serve the address of --eureka over TLS, with the files of --tls-cert-file and --tls-key-file',
    fallback: false,
    read: flag,
  },
  eurekaCompat: {
    flag: '--eureka-compat',
    env: 'ROLLCALL_EUREKA_COMPAT',
    description: 'give clients of Eureka the timings of its own server: leases that last twice as long as they ask, lists that are up to 30 s old',
    fallback: false,
    read: flag,
  },
  nacos: {
    flag: '--nacos <host:port>',
    env: 'ROLLCALL_NACOS',
    description: 'a further address of HTTP, and of gRPC 1,000 ports above it, for clients of Nacos that expect its port, such as 127.0.0.1:8848; off for none',
    fallback: 'off',
    read: (value) => (value === 'off' ? undefined : parseAddress(text(value))),
  },
  nacosTls: {
    flag: '--nacos-tls',
    env: 'ROLLCALL_NACOS_TLS',
    description: 'serve the address of --nacos and its gRPC over TLS, with the files of --tls-cert-file and --tls-key-file',
    fallback: false,
    read: flag,
  },
  grpc: {
    flag: '--grpc <host:port>',
    env: 'ROLLCALL_GRPC',
    description: 'where to serve gRPC: xDS, for gRPC clients and Envoy, such as 127.0.0.1:8502; off for none',
    fallback: 'off',
    read: (value) => (value === 'off' ? undefined : parseAddress(text(value))),
  },
  grpcTls: {
    flag: '--grpc-tls',
    env: 'ROLLCALL_GRPC_TLS',
    description: 'serve the address of --grpc over TLS, with the files of --tls-cert-file and --tls-key-file',
    fallback: false,
    read: flag,
  },
  eurekaPeer: {
    flag: '--eureka-peer <url...>',
    env: 'ROLLCALL_EUREKA_PEER',
    description: 'a Eureka server to replicate with, such as http://eureka-1:8761/eureka; once for each, with commas in the environment',
    fallback: undefined,
    read: (value) => (typeof value === 'string' ? value.split(',').filter((url) => url !== '') : list(value)).map(peerUrl),
  },
  eurekaPeerCaFile: {
    flag: '--eureka-peer-ca-file <file>',
    env: 'ROLLCALL_EUREKA_PEER_CA_FILE',
    description: 'certificates, in PEM, that Eureka servers over HTTPS are checked against besides the well-known ones',
    fallback: undefined,
    read: file,
  },
};
