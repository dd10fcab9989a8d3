import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from './source-files.ts';

/** One scenario of `bench/sim`, shortened; it runs what is built. */
function quick(name: string): string {
  const script = join(root, 'bench/sim/run.mjs');
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, '--quick', '--only', name], { encoding: 'utf8' });
  expect(status, stderr).toBe(0);
  return stdout;
}

it('a simulation gives the same figures each time and meets its targets: the sinkhole', () => {
  const printed = quick('sinkhole');
  expect(quick('sinkhole')).toBe(printed);
  expect(printed.match(/\| met \|/g)).toHaveLength(2);
  expect(printed).not.toContain('missed');
  // Round robin alone fails one of ten requests, as the model must.
  const [, blind] = /\| round robin \| ([\d.]+) ±/.exec(printed) ?? [];
  expect(Math.abs(Number(blind) - 10)).toBeLessThan(0.5);
});

it('the test of Linkerd gives the published figures for round robin and peak EWMA', () => {
  const printed = quick('linkerd');
  const successOf = (policy: string) => Number(new RegExp(`\\| ${policy}[^|]*\\| ([\\d.]+) ±`).exec(printed)?.[1]);
  expect(Math.abs(successOf('round robin') - 95.5)).toBeLessThan(0.5);
  expect(successOf('peak EWMA')).toBeGreaterThanOrEqual(99.9);
});

it('zones by load lose no request where zones by instances do, at half of the traffic between zones', () => {
  const printed = quick('zones');
  expect(printed.match(/\| met \|/g)).toHaveLength(6);
  expect(printed).not.toContain('missed');
  const errorsOf = (policy: string) => Number(new RegExp(`\\| ${policy} \\|(?: [\\d ±]+\\|){3} ([\\d.]+) ±`).exec(printed)?.[1]);
  expect(errorsOf('by instances')).toBeGreaterThan(30);
  expect(errorsOf('by load, utilisation reported')).toBe(0);
});

it('refuses a scenario that does not exist', () => {
  const { status, stderr } = spawnSync(process.execPath, [join(root, 'bench/sim/run.mjs'), '--only', 'no-such'], { encoding: 'utf8' });
  expect([status, stderr]).toEqual([2, expect.stringContaining('no such scenario: no-such')]);
});
