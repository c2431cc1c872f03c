/** Prints one line a step and counts. */

export interface Report {
  /** Runs one step; prints what it says, or why it failed. Answers whether it passed. */
  readonly step: (title: string, run: () => Promise<string | undefined>) => Promise<boolean>;
  /** Prints the last line; answers the exit status. */
  readonly finish: () => number;
}

export function createReport(print: (line: string) => void): Report {
  let passed = 0;
  let failed = 0;
  return {
    async step(title, run) {
      const start = performance.now();
      const time = () => `${((performance.now() - start) / 1000).toFixed(1).padStart(5)} s`;
      try {
        const note = await run();
        passed += 1;
        print(`ok     ${time()}  ${title}${note === undefined ? '' : `: ${note}`}`);
        return true;
      } catch (error) {
        failed += 1;
        const reason = error instanceof Error ? error.message : String(error);
        print(`FAILED ${time()}  ${title}: ${reason.split('\n')[0]}`);
        return false;
      }
    },
    finish() {
      print(`demo: ${passed} passed, ${failed} failed`);
      return failed === 0 && passed > 0 ? 0 : 1;
    },
  };
}
