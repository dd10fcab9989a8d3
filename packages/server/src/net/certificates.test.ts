/** Certificates that change while a listener uses them. */

import { X509Certificate } from 'node:crypto';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import { manualClock } from '../manual-clock.case.ts';
import { TestAuthority, type Issued } from './certificates.case.ts';
import { Certificates } from './certificates.ts';

const authority = new TestAuthority();

interface Line {
  readonly level: number;
  readonly msg: string;
}

async function opened(first: Issued = authority.issue(), more: { caFile?: string; wallMs?: number } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-certificates-'));
  const certFile = join(folder, 'cert.pem');
  const keyFile = join(folder, 'key.pem');
  writeFileSync(certFile, first.cert);
  writeFileSync(keyFile, first.key);
  const lines: Line[] = [];
  const log = pino({ level: 'trace' }, { write: (line: string) => void lines.push(JSON.parse(line) as Line) });
  const clock = manualClock(more.wallMs);
  const certificates = await Certificates.open({
    ...{ certFile, keyFile, clock, log, verifyIncoming: false, minVersion: 'TLSv1.2', caFile: more.caFile },
  });
  onTestFinished(() => {
    certificates.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const told: string[] = [];
  const changed = () =>
    new Promise<string>((resolve) => {
      const stop = certificates.onChange(({ cert }) => {
        told.push(String(cert));
        stop();
        resolve(String(cert));
      });
    });
  return { certificates, folder, certFile, keyFile, clock, lines, told, changed };
}

const errors = (lines: readonly Line[]) => lines.filter(({ level }) => level >= 50).map(({ msg }) => msg);

describe('certificates of tests', () => {
  it('have the names and times for which they are issued', () => {
    const { cert } = authority.issue({ names: ['web.test', '10.0.0.7', 'fd00::7'], notAfter: new Date('2051-02-03T04:05:06Z') });
    const read = new X509Certificate(cert);
    const signer = new X509Certificate(authority.cert);
    expect(signer.ca).toBe(true);
    expect(read.checkIssued(signer)).toBe(true);
    expect(read.verify(signer.publicKey)).toBe(true);
    expect(read.subjectAltName).toBe('DNS:web.test, IP Address:10.0.0.7, IP Address:FD00:0:0:0:0:0:0:7');
    expect(new Date(read.validTo).toISOString()).toBe('2051-02-03T04:05:06.000Z');
    expect(new X509Certificate(new TestAuthority().cert).verify(signer.publicKey)).toBe(false);
  });
});

describe('a renewed certificate', () => {
  it.each<[string, (next: Issued, at: { certFile: string; keyFile: string }) => void]>([
    [
      'written over the old one',
      (next, { certFile, keyFile }) => {
        writeFileSync(certFile, next.cert);
        writeFileSync(keyFile, next.key);
      },
    ],
    [
      'renamed over the old one',
      (next, { certFile, keyFile }) => {
        writeFileSync(`${certFile}.new`, next.cert);
        writeFileSync(`${keyFile}.new`, next.key);
        renameSync(`${certFile}.new`, certFile);
        renameSync(`${keyFile}.new`, keyFile);
      },
    ],
  ])('%s is taken within seconds', async (_how, replace) => {
    const { clock, changed, lines, ...at } = await opened();
    const next = authority.issue();
    const seen = changed();
    replace(next, at);
    clock.advance(5_000);
    expect(await seen).toBe(next.cert);
    expect(lines.map(({ msg }) => msg)).toEqual(['new certificate in use']);
  });

  it('is used when its symbolic link changes, as in Kubernetes’ secret mounts', async () => {
    const before = await opened();
    const write = (name: string, issued: Issued) => {
      mkdirSync(join(before.folder, name));
      writeFileSync(join(before.folder, name, 'tls.crt'), issued.cert);
      writeFileSync(join(before.folder, name, 'tls.key'), issued.key);
    };
    write('..first', authority.issue());
    symlinkSync('..first', join(before.folder, '..data'));
    const certFile = join(before.folder, '..data/tls.crt');
    const keyFile = join(before.folder, '..data/tls.key');
    const log = pino({ level: 'silent' });
    const certificates = await Certificates.open({
      ...{ certFile, keyFile, clock: before.clock, log, verifyIncoming: false, minVersion: 'TLSv1.2' },
    });
    onTestFinished(() => certificates.close());
    const next = authority.issue();
    write('..second', next);
    symlinkSync('..second', join(before.folder, '..data_tmp'));
    renameSync(join(before.folder, '..data_tmp'), join(before.folder, '..data'));
    const seen = new Promise((resolve) => certificates.onChange(({ cert }) => resolve(cert)));
    before.clock.advance(5_000);
    expect(await seen).toBe(next.cert);
  });

  it('that does not fit its key is reported once, and used only when the key arrives', async () => {
    const first = authority.issue();
    const { certificates, certFile, keyFile, lines, told } = await opened(first);
    const next = authority.issue();
    writeFileSync(certFile, next.cert);
    for (let time = 0; time < 3; time++) expect(await certificates.reload()).toBe(false);
    expect(certificates.context.cert).toBe(first.cert);
    expect(errors(lines)).toEqual([expect.stringContaining('do not belong together')]);
    writeFileSync(keyFile, next.key);
    expect(await certificates.reload()).toBe(true);
    expect(certificates.context.cert).toBe(next.cert);
    expect(told).toEqual([]);
  });

  it.each<[string, string]>([
    ['empty', 'holds no certificate in PEM'],
    ['no PEM', 'holds no certificate in PEM'],
    ['-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n', 'holds a certificate that cannot be read'],
  ])('%j leaves the old one in use', async (content, message) => {
    const first = authority.issue();
    const { certificates, certFile, lines } = await opened(first);
    writeFileSync(certFile, content === 'empty' ? '' : content);
    expect(await certificates.reload()).toBe(false);
    rmSync(certFile);
    expect(await certificates.reload()).toBe(false);
    expect(certificates.context.cert).toBe(first.cert);
    expect(errors(lines)).toEqual([expect.stringContaining(message), expect.stringContaining('ENOENT')]);
  });

  it('with the same content is not reported as a change', async () => {
    const { certificates, told, changed, lines } = await opened();
    void changed();
    expect(await certificates.reload()).toBe(true);
    expect([told, lines]).toEqual([[], []]);
  });

  it('is read by one reader at a time, so that the newest is used', async () => {
    const { certificates, certFile, keyFile } = await opened();
    const issued = Array.from({ length: 5 }, () => authority.issue());
    const reloads = issued.map(({ cert, key }) => {
      writeFileSync(certFile, cert);
      writeFileSync(keyFile, key);
      return certificates.reload();
    });
    expect(await Promise.all(reloads)).toEqual(Array(5).fill(true));
    expect(certificates.context.cert).toBe(issued[4]?.cert);
  });

  it('is not read after closing', async () => {
    const { certificates, certFile, keyFile, clock } = await opened();
    certificates.close();
    rmSync(certFile);
    rmSync(keyFile);
    clock.advance(60_000);
    expect(await certificates.reload()).toBe(false);
  });
});

describe('the start', () => {
  it('is refused with the file and the reason', async () => {
    const other = authority.issue();
    const mixed = { cert: authority.issue().cert, key: other.key };
    await expect(opened(mixed)).rejects.toMatchObject({ code: 'invalid_argument', message: /cert\.pem.*key\.pem do not belong together/ });
    await expect(opened({ ...other, cert: '' })).rejects.toThrow('holds no certificate in PEM');
    await expect(opened(other, { caFile: '/nowhere/ca.pem' })).rejects.toThrow('cannot read /nowhere/ca.pem');
  });

  it('warns when the certificate has expired, or soon will', async () => {
    const ending = authority.issue({ notAfter: new Date('2030-01-08T00:00:00Z') });
    const at = (day: string) => opened(ending, { wallMs: Date.parse(day) });
    expect((await at('2029-12-31')).lines).toEqual([]);
    expect((await at('2030-01-05')).lines).toMatchObject([{ level: 40, msg: 'the certificate will expire soon' }]);
    expect((await at('2030-01-09')).lines).toMatchObject([{ level: 50, msg: expect.stringContaining('has expired') }]);
  });
});
