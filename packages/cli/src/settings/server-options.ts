/** Converts settings to options of the server package, and refuses contradicting ones. */

import type { ServerOptions } from '@rollcall/server';
import { usage } from '../failure.ts';
import type { Settings } from './table.ts';

/** All options except the store and the log. @throws CommandFailure `usage` that names the missing setting */
export function serverOptions(settings: Settings): ServerOptions {
  const { dns, nodeName } = settings;
  if (settings.http === undefined && settings.https === undefined) {
    throw usage('http is off and https is not on: no client could reach such a registry');
  }
  return {
    http: httpOptions(settings),
    ...httpsOptions(settings),
    ...(dns === undefined ? {} : { dns }),
    ...eurekaOptions(settings),
    ...nacosOptions(settings),
    ...grpcOptions(settings),
    ...zookeeperOptions(settings),
    ...aclOptions(settings),
    history: { bytesMax: settings.history },
    ...(settings.auditLog === undefined ? {} : { auditFile: settings.auditLog }),
    ...configKeyOptions(settings),
    ...(settings.apolloKeysFile === undefined ? {} : { apolloKeysFile: settings.apolloKeysFile }),
    ...(settings.configurationsInKv ? { configurationsInKv: true } : {}),
    ...(settings.probeCaFile === undefined ? {} : { probeCaFile: settings.probeCaFile }),
    unsafeAllowUnauthenticated: settings.unsafeAllowUnauthenticated,
    unsafeAllowPlaintext: settings.unsafeAllowPlaintext,
    allowedHosts: settings.allowedHosts,
    allowedOrigins: settings.allowedOrigins,
    ...(settings.followers ? { followers: true } : {}),
    ...(settings.peerUrl === undefined ? {} : { peerUrl: settings.peerUrl }),
    ...(settings.peerCaFile === undefined ? {} : { peerCaFile: settings.peerCaFile }),
    datacenter: settings.datacenter,
    ...(settings.consoleEnvironment === undefined ? {} : { consoleEnvironment: settings.consoleEnvironment }),
    agentNames: settings.agentNames,
    limits: settings.limits,
    ...(nodeName === undefined ? {} : { nodeName }),
  };
}

function httpOptions({ http, unixSockets }: Settings): NonNullable<ServerOptions['http']> {
  if (http === undefined) return false;
  if (!('path' in http)) return http;
  const { mode, user, group } = unixSockets;
  return { ...http, mode, ...(user === undefined ? {} : { uid: user }), ...(group === undefined ? {} : { gid: group }) };
}

type TlsOptions = Omit<NonNullable<ServerOptions['https']>, 'host' | 'port'>;

function httpsOptions(settings: Settings): Pick<ServerOptions, 'https'> {
  const { https, nacosTls, eurekaTls, grpcTls, zookeeperTls, tlsCertFile, tlsVerifyIncoming } = settings;
  if (https !== undefined) return { https: { ...https, ...tlsOptions('https', settings) } };
  // An operator who gives certificates expects TLS: certificates without a TLS listener are an error.
  const unused = tlsCertFile !== undefined ? 'tlsCertFile' : tlsVerifyIncoming ? 'tlsVerifyIncoming' : undefined;
  if (unused !== undefined && !nacosTls && !eurekaTls && !grpcTls && !zookeeperTls) throw usage(`${unused} is set, but https is off; set an address with --https, such as 127.0.0.1:8501`);
  return {};
}

function configKeyOptions({ configKeyFile: file, configKeyCommand: command }: Settings): Pick<ServerOptions, 'configKeys'> {
  if (file !== undefined && command !== undefined) throw usage('configKeyFile and configKeyCommand are set; the keys come from one of them');
  return file === undefined && command === undefined ? {} : { configKeys: { file, command } };
}

function nacosOptions(settings: Settings): Pick<ServerOptions, 'nacos'> {
  const { nacos, nacosTls } = settings;
  if (nacos !== undefined) return { nacos: { ...nacos, ...(nacosTls ? { tls: tlsOptions('nacosTls', settings) } : {}) } };
  if (nacosTls) throw usage('nacosTls is set, but nacos is off; set an address with --nacos, such as 127.0.0.1:8848');
  return {};
}

function grpcOptions(settings: Settings): Pick<ServerOptions, 'grpc'> {
  const { grpc, grpcTls } = settings;
  if (grpc !== undefined) return { grpc: { ...grpc, ...(grpcTls ? { tls: tlsOptions('grpcTls', settings) } : {}) } };
  if (grpcTls) throw usage('grpcTls is set, but grpc is off; set an address with --grpc, such as 127.0.0.1:8502');
  return {};
}

function zookeeperOptions(settings: Settings): Pick<ServerOptions, 'zookeeper'> {
  const { zookeeper, zookeeperTls, zookeeperNamespace: namespace, zookeeperTick: tickMs, zookeeperFamily: family } = settings;
  if (zookeeper === undefined) {
    if (zookeeperTls) throw usage('zookeeperTls is set, but zookeeper is off; set an address with --zookeeper, such as 127.0.0.1:2181');
    return {};
  }
  const { zookeeperBase: base, zookeeperDubboBase: dubboBase, zookeeperWords: fourLetterWords } = settings;
  const tls = zookeeperTls ? { tls: tlsOptions('zookeeperTls', settings) } : {};
  return { zookeeper: { ...zookeeper, ...tls, namespace, tickMs, base, dubboBase, family, fourLetterWords } };
}

/** @param asker the setting that needs the files */
function tlsOptions(asker: string, settings: Settings): TlsOptions {
  const { tlsCertFile: certFile, tlsKeyFile: keyFile, tlsCaFile: caFile, tlsVerifyIncoming: verifyIncoming } = settings;
  if (certFile === undefined || keyFile === undefined) {
    throw usage(`${asker} needs a certificate and its key; name them with --tls-cert-file and --tls-key-file`);
  }
  if (verifyIncoming && caFile === undefined) {
    throw usage('tlsVerifyIncoming needs --tls-ca-file with the authorities that sign client certificates');
  }
  const minVersion = settings.tlsMinVersion === '1.3' ? 'TLSv1.3' : 'TLSv1.2';
  return { certFile, keyFile, ...(caFile === undefined ? {} : { caFile }), verifyIncoming, minVersion };
}

function eurekaOptions(settings: Settings): Pick<ServerOptions, 'eureka'> {
  const { eureka, eurekaTls, eurekaCompat, eurekaPeer: peers, eurekaPeerCaFile: peerCaFile } = settings;
  if (eurekaTls && eureka === undefined) throw usage('eurekaTls is set, but eureka is off; set an address with --eureka, such as 127.0.0.1:8761');
  if (peerCaFile !== undefined && !peers.some((url) => url.startsWith('https:'))) {
    throw usage('eurekaPeerCaFile is set, but there is no Eureka server over HTTPS; name it with --eureka-peer, such as https://eureka-1:8761/eureka');
  }
  if (eureka === undefined && !eurekaCompat && peers.length === 0) return {};
  const tls = eurekaTls ? { tls: tlsOptions('eurekaTls', settings) } : {};
  const replication = peers.length === 0 ? {} : { peers, ...(peerCaFile === undefined ? {} : { peerCaFile }) };
  return { eureka: { ...eureka, ...tls, ...(eurekaCompat ? { compat: true } : {}), ...replication } };
}

function aclOptions({ acl, aclDefaultPolicy: defaultPolicy, aclInitialManagement, aclDefaultToken }: Settings): Pick<ServerOptions, 'acl'> {
  if (!acl) {
    // As above: while access control is off, a token protects nothing.
    if (aclInitialManagement === undefined && aclDefaultToken === undefined) return {};
    throw usage('a token is set, but access control is off; switch it on with --acl');
  }
  return {
    acl: {
      defaultPolicy,
      ...(aclInitialManagement === undefined ? {} : { initialManagement: aclInitialManagement }),
      ...(aclDefaultToken === undefined ? {} : { defaultToken: aclDefaultToken }),
    },
  };
}
