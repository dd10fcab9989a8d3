/** Gives a process less than a core, by a separate control group. Needs root and Linux (cgroup v1 or v2). */

import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';

const periodUs = 100_000;

/**
 * @param cpu share of one core
 * @returns a function that removes the limit
 * @throws Error when this machine does not allow it
 */
export function starve(pid, cpu) {
  const quotaUs = Math.round(periodUs * cpu);
  const name = `rollcall-bench-${process.pid}-${pid}`;
  const v1 = '/sys/fs/cgroup/cpu';
  if (existsSync(`${v1}/cgroup.procs`)) {
    const parent = /^\d+:(?:[^:]*,)?cpu(?:,[^:]*)?:(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1] ?? '/';
    return limit(`${v1}/${name}`, `${v1}${parent}`, { 'cpu.cfs_period_us': periodUs, 'cpu.cfs_quota_us': quotaUs }, pid);
  }
  const v2 = '/sys/fs/cgroup';
  writeFileSync(`${v2}/cgroup.subtree_control`, '+cpu');
  const parent = /^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1] ?? '/';
  return limit(`${v2}/${name}`, `${v2}${parent}`, { 'cpu.max': `${quotaUs} ${periodUs}` }, pid);
}

function limit(group, parent, settings, pid) {
  mkdirSync(group);
  for (const [file, value] of Object.entries(settings)) writeFileSync(`${group}/${file}`, String(value));
  writeFileSync(`${group}/cgroup.procs`, String(pid));
  return () => {
    if (existsSync(`/proc/${pid}`)) writeFileSync(`${parent}/cgroup.procs`, String(pid));
    rmdirSync(group);
  };
}
