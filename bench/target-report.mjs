/** The report of a bench that has targets: a table, the machine, and its load. `bench/run.mjs` has a form of its own. */

import { loadavg } from 'node:os';
import { machine } from './machine.mjs';

/**
 * @param {object} report
 * @param {string} report.title
 * @param {string} report.intro what was measured, and how
 * @param {{ what: string, target: string, measured: string | Record<string, string>, met?: boolean }[]} report.rows
 * @param {string[]} [report.columns] names of what was measured, the keys of `measured`; without them it is a text
 * @param {string[]} [report.remarks] lines below the table
 */
export function targetReport({ title, intro, rows, columns, remarks = [] }) {
  const names = columns ?? ['measured'];
  const cells = (measured) => (columns === undefined ? measured : columns.map((name) => measured[name]).join(' | '));
  return [
    `# ${title}`,
    '',
    intro,
    '',
    `| what | target | ${names.join(' | ')} | met |`,
    `|---|---|${'---|'.repeat(names.length)}---|`,
    ...rows.map(({ what, target, measured, met }) => `| ${what} | ${target} | ${cells(measured)} | ${met === undefined ? '' : met ? 'yes' : '**no**'} |`),
    '',
    ...(remarks.length === 0 ? [] : [...remarks, '']),
    ...machine().filter(([name]) => name !== 'HTTP load').map(([name, value]) => `- ${name}: ${value}`),
    `- Load of the machine at the end, 1 and 5 minutes: ${loadavg().slice(0, 2).map((each) => each.toFixed(1)).join(', ')}`,
    '',
  ].join('\n');
}
