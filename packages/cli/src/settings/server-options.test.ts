import { describe, expect, it } from 'vitest';
import { defaultSettings } from './resolve.ts';
import { serverOptions } from './server-options.ts';
import type { Settings } from './table.ts';

const options = (more: Partial<Settings> = {}) => serverOptions({ ...defaultSettings('/work'), ...more });
const https = { host: '0.0.0.0', port: 8501 };
const files = { tlsCertFile: '/c.pem', tlsKeyFile: '/k.pem' };

describe('settings as options of the server', () => {
  it('enable only HTTP and DNS on loopback by default', () => {
    expect(options()).toEqual({
      http: { host: '127.0.0.1', port: 8500 },
      dns: { host: '127.0.0.1', port: 8600 },
      datacenter: 'dc1',
      unsafeAllowUnauthenticated: false,
      unsafeAllowPlaintext: false,
      allowedHosts: [],
      allowedOrigins: [],
      agentNames: {},
      limits: {},
      history: { bytesMax: 67_108_864 },
    });
  });

  it('serve Nacos at an address of its own when asked', () => {
    const nacos = { host: '127.0.0.1', port: 8848 };
    expect([options({ nacos }).nacos, options({}).nacos]).toEqual([nacos, undefined]);
    const tls = { certFile: files.tlsCertFile, keyFile: files.tlsKeyFile, verifyIncoming: false, minVersion: 'TLSv1.2' };
    expect(options({ nacos, nacosTls: true, ...files })).toMatchObject({ nacos: { ...nacos, tls } });
    expect(options({ nacos, nacosTls: true, ...files }).https).toBeUndefined();
  });

  it('serve Eureka at an address of its own, and with its own timings, when asked', () => {
    const eureka = { host: '127.0.0.1', port: 8761 };
    expect(options({ eureka }).eureka).toEqual(eureka);
    expect(options({ eurekaCompat: true }).eureka).toEqual({ compat: true });
    expect(options({ eureka, eurekaCompat: true }).eureka).toEqual({ ...eureka, compat: true });
    expect(options({ eureka, eurekaTls: true, ...files }).eureka).toMatchObject({ ...eureka, tls: { certFile: files.tlsCertFile } });
    expect(options({ eurekaPeer: ['https://a:8761/eureka'], eurekaPeerCaFile: '/ca.pem' }).eureka).toEqual({ peers: ['https://a:8761/eureka'], peerCaFile: '/ca.pem' });
    expect(options({ eurekaPeer: ['http://a:8761/eureka'] }).eureka).toEqual({ peers: ['http://a:8761/eureka'] });
  });

  it('serve TLS, alone or beside HTTP, with client certificates or without', () => {
    const { http, https: secure } = options({ http: undefined, https, ...files });
    expect(http).toBe(false);
    expect(secure).toEqual({ ...https, certFile: '/c.pem', keyFile: '/k.pem', verifyIncoming: false, minVersion: 'TLSv1.2' });
    const mutual = options({ https, ...files, tlsCaFile: '/ca.pem', tlsVerifyIncoming: true, tlsMinVersion: '1.3' });
    expect(mutual.https).toMatchObject({ caFile: '/ca.pem', verifyIncoming: true, minVersion: 'TLSv1.3' });
  });

  it('serve a Unix socket with its owner and mode', () => {
    const { http } = options({ http: { path: '/run/r.sock' }, unixSockets: { mode: 0o660, group: 7 } });
    expect(http).toEqual({ path: '/run/r.sock', mode: 0o660, gid: 7 });
  });

  it('say where other nodes reach this one, and which authorities sign their certificates', () => {
    expect(options({ peerUrl: 'https://10.0.0.1:8501', peerCaFile: '/ca.pem' })).toMatchObject({ peerUrl: 'https://10.0.0.1:8501', peerCaFile: '/ca.pem' });
  });

  it('switch access control on, with the given tokens', () => {
    expect(options({ acl: true }).acl).toEqual({ defaultPolicy: 'deny' });
    const { acl } = options({ acl: true, aclDefaultPolicy: 'allow', aclInitialManagement: 'root', aclDefaultToken: 'd' });
    expect(acl).toEqual({ defaultPolicy: 'allow', initialManagement: 'root', defaultToken: 'd' });
  });

  it.each<[string, Partial<Settings>, string]>([
    ['nothing to listen on', { http: undefined }, 'http is off and https is not on'],
    ['TLS without a certificate', { https }, 'https needs a certificate and its key'],
    ['TLS without a key', { https, tlsCertFile: '/c.pem' }, '--tls-key-file'],
    ['client certificates without an authority', { https, ...files, tlsVerifyIncoming: true }, 'needs --tls-ca-file'],
    ['a certificate without TLS', { ...files }, 'tlsCertFile is set, but https is off'],
    ['Eureka over TLS without its address', { eurekaTls: true, ...files }, 'eurekaTls is set, but eureka is off'],
    ['Eureka over TLS without a certificate', { eureka: https, eurekaTls: true }, 'eurekaTls needs a certificate'],
    ['authorities of peers without a peer over HTTPS', { eurekaPeer: ['http://a:8761/eureka'], eurekaPeerCaFile: '/ca.pem' }, 'there is no Eureka server over HTTPS'],
    ['ZooKeeper over TLS without a certificate', { zookeeper: https, zookeeperTls: true }, 'zookeeperTls needs a certificate'],
    ['ZooKeeper over TLS without its address', { zookeeperTls: true, ...files }, 'zookeeperTls is set, but zookeeper is off'],
    ['gRPC over TLS without a certificate', { grpc: https, grpcTls: true }, 'grpcTls needs a certificate'],
    ['gRPC over TLS without its address', { grpcTls: true, ...files }, 'grpcTls is set, but grpc is off'],
    ['Nacos over TLS without a certificate', { nacos: https, nacosTls: true }, 'nacosTls needs a certificate'],
    ['Nacos over TLS without its address', { nacosTls: true, ...files }, 'nacosTls is set, but nacos is off'],
    ['client certificates without TLS', { tlsVerifyIncoming: true }, 'tlsVerifyIncoming is set, but https is off'],
    ['a token without access control', { aclInitialManagement: 'root' }, 'access control is off; switch it on with --acl'],
  ])('refuse %s', (_name, more, message) => {
    expect(() => options(more)).toThrow(message);
    expect(() => options(more)).toThrow(expect.objectContaining({ exitCode: 2 }));
  });
});
