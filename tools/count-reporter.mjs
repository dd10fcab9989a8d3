/**
 * A vitest reporter that names every skipped test with its reason and writes how many passed,
 * failed and were skipped to the file in ROLLCALL_TEST_COUNTS, for `tools/test.mjs` to print last.
 */

import { writeFileSync } from 'node:fs';

export default class CountReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0, unexplained: 0 };
    for (const module of modules) {
      // A file that could not be loaded, or a hook that failed, counts as one failure.
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
    const reason = result.note ?? '';
    if (reason === '') counts.unexplained++;
    console.log(`skipped: ${test.module.relativeModuleId} > ${test.fullName}: ${reason || 'no reason given'}`);
  }
}
