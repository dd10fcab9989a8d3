/**
 * A vitest reporter that names every skipped test with its reason (the note of `skip`, or what its
 * name or that of a suite around it says: `(left out: no such program)`) and every failure with its line, the
 * first line of its error, and what differed. It writes how many passed, failed and were skipped, and the failures, to the
 * file in ROLLCALL_TEST_COUNTS, for `tools/test.mjs` to print last.
 */

import { writeFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';

/** Characters of a difference. */
const differenceMax = 600;

const leftOut = / \(left out: (.*)\)/s;

export default class CountReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const counts = { passed: 0, failed: 0, skipped: 0, unexplained: 0, failures: [] };
    for (const error of unhandledErrors) countFailure(counts, 'an error that no test caught', error);
    for (const module of modules) {
      // A file that cannot be loaded, or a failed hook, counts as one failure.
      for (const error of module.errors()) countFailure(counts, module.relativeModuleId, error);
      for (const suite of module.children.allSuites()) {
        for (const error of suite.errors()) countFailure(counts, `${module.relativeModuleId} > ${suite.fullName}`, error);
      }
      for (const test of module.children.allTests()) this.#count(counts, test);
    }
    const file = process.env['ROLLCALL_TEST_COUNTS'];
    if (file !== undefined) writeFileSync(file, JSON.stringify(counts));
  }

  #count(counts, test) {
    const result = test.result();
    if (result.state === 'passed') {
      counts.passed++;
      return;
    }
    if (result.state === 'failed') {
      countFailure(counts, `${test.module.relativeModuleId} > ${test.fullName}`, result.errors[0]);
      return;
    }
    counts.skipped++;
    const [told, named] = leftOut.exec(test.fullName) ?? [];
    const reason = result.note ?? named ?? '';
    if (reason === '') counts.unexplained++;
    const name = test.fullName.replace(told ?? '', '');
    console.log(`skipped: ${test.module.relativeModuleId} > ${name}: ${reason || 'no reason given'}`);
  }
}

function countFailure(counts, name, error) {
  counts.failed++;
  const [message] = String(error?.message ?? error).split('\n', 1);
  const line = error?.stacks?.[0]?.line;
  counts.failures.push(`${name}${line === undefined ? '' : ` (line ${line})`}: ${message}${differenceIn(error ?? {})}`);
}

/** The lines that were expected (-) and found (+), as one line. */
function differenceIn({ diff = '' }) {
  const lines = stripVTControlCharacters(diff).split('\n').filter((line) => /^[-+] (?!Expected$|Received$)/.test(line));
  const text = lines.map((line) => line.replaceAll(/\s+/g, ' ')).join(' ');
  return text === '' ? '' : ` | ${text.slice(0, differenceMax)}`;
}
