/**
 * A vitest reporter that names every skipped test with its reason (the note of `skip`, or what its
 * name or that of a suite around it says: `(left out: no such program)`) and writes how many passed,
 * failed and were skipped to the file in ROLLCALL_TEST_COUNTS, for `tools/test.mjs` to print last.
 */

import { writeFileSync } from 'node:fs';

const leftOut = / \(left out: (.*)\)/s;

export default class CountReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0, unexplained: 0 };
    for (const module of modules) {
      // A file that cannot be loaded, or a failed hook, counts as one failure.
      counts.failed += module.errors().length;
      for (const suite of module.children.allSuites()) counts.failed += suite.errors().length;
      for (const test of module.children.allTests()) this.#count(counts, test);
    }
    const file = process.env['ROLLCALL_TEST_COUNTS'];
    if (file !== undefined) writeFileSync(file, JSON.stringify(counts));
  }

  #count(counts, test) {
    const result = test.result();
    if (result.state === 'passed' || result.state === 'failed') {
      counts[result.state]++;
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
