/**
 * `npm run simulate -- [--seeds N] [--from F] [--seed S] [--runtime workers|node] [--plant NAME|list]`
 *
 * Runs the simulation over N seeds, from F on (1 if it is not said): so that a long run can be cut in
 * parts. With `--seed S` it runs that one alone and tells its story, event by event: the same one each
 * time. With `--plant NAME` it runs with that bug planted, until it is found. The last line is always
 * `simulate: N seeds, V violations`; the exit code is 1 if V > 0.
 */

import { PLANTS, type Plant } from './plants.ts';
import type { Runtime } from './setting.ts';
import { type Outcome, simulate } from './simulate.ts';
import { SEEDS_DEFAULT, Survey } from './survey.ts';

interface Wish {
  readonly seeds: number;
  readonly from: number;
  readonly seed: number | undefined;
  readonly runtime: Runtime | undefined;
  readonly plant: Plant | undefined;
}

const OPTIONS = ['--seeds', '--from', '--seed', '--runtime', '--plant'];

class UsageWrong extends Error {
  override name = 'UsageWrong';
}

const USAGE =
  'Usage: npm run simulate -- [--seeds N] [--from F] [--seed S] [--runtime workers|node] [--plant NAME|list]';

function readWish(parameters: readonly string[]): Wish | 'list' {
  const given = new Map<string, string>();
  for (let index = 0; index < parameters.length; index += 2) {
    const [name = '', value] = parameters.slice(index, index + 2);
    if (!OPTIONS.includes(name) || value === undefined) {
      throw new UsageWrong(`${name}: not an option, or without a value`);
    }
    given.set(name, value);
  }
  if (given.get('--plant') === 'list') return 'list';
  return {
    seeds: wholeNumber(given, '--seeds') ?? SEEDS_DEFAULT,
    from: wholeNumber(given, '--from') ?? 1,
    seed: wholeNumber(given, '--seed'),
    runtime: runtimeOf(given.get('--runtime')),
    plant: plantOf(given.get('--plant')),
  };
}

function wholeNumber(given: ReadonlyMap<string, string>, name: string): number | undefined {
  const text = given.get(name);
  if (text === undefined) return undefined;
  if (!/^[1-9][0-9]{0,8}$/.test(text)) throw new UsageWrong(`${name}: not a whole number from 1`);
  return Number(text);
}

function runtimeOf(text: string | undefined): Runtime | undefined {
  if (text === undefined || text === 'workers' || text === 'node') return text;
  throw new UsageWrong('--runtime: neither workers nor node');
}

function plantOf(name: string | undefined): Plant | undefined {
  const plant = PLANTS.find((one) => one.name === name);
  if (name !== undefined && plant === undefined) throw new UsageWrong(`--plant: no ${name}`);
  return plant;
}

/** Answers how many violations there were. */
async function run({ from, plant, runtime, seed, seeds }: Wish): Promise<number> {
  const first = seed ?? from;
  const last = seed ?? from + seeds - 1;
  const survey = new Survey();
  for (let one = first; one <= last; one++) {
    const plan = {
      ...{ seed: one, isTold: seed !== undefined },
      ...(runtime === undefined ? {} : { runtime }),
      ...(plant === undefined ? {} : { plant }),
    };
    const outcome = await simulate(plan);
    survey.add(one, outcome);
    report(one, outcome, { isAlone: seed !== undefined, runtime, plant });
    // A planted bug has been found: that is all that was asked.
    if (plant !== undefined && outcome.violations.length > 0) break;
    if (survey.seeds % 100 === 0) {
      console.log(`${survey.seeds} seeds, ${survey.violations} violations`);
    }
  }
  for (const line of survey.lines()) console.log(line);
  console.log(`simulate: ${survey.seeds} seeds, ${survey.violations} violations`);
  return survey.violations;
}

interface Circumstances {
  readonly isAlone: boolean;
  readonly runtime: Runtime | undefined;
  readonly plant: Plant | undefined;
}

function report(seed: number, { story, violations }: Outcome, circumstances: Circumstances): void {
  const { isAlone, plant, runtime } = circumstances;
  if (isAlone) console.log(story.lines.join('\n'));
  if (isAlone) console.log(`story ${story.digest}`);
  const [first] = violations;
  if (first === undefined) return;
  const again = [
    `--seed ${seed}`,
    ...(runtime === undefined ? [] : [`--runtime ${runtime}`]),
    ...(plant === undefined ? [] : [`--plant ${plant.name}`]),
  ].join(' ');
  console.log(`seed ${seed}: invariant ${first.invariant}: ${first.what}`);
  if (!isAlone) console.log(`  its story: npm run simulate -- ${again}`);
}

try {
  const wish = readWish(process.argv.slice(2));
  if (wish === 'list') {
    for (const { name, invariant } of PLANTS) console.log(`${name}  (invariant ${invariant})`);
  } else {
    process.exitCode = (await run(wish)) > 0 ? 1 : 0;
  }
} catch (error) {
  if (!(error instanceof UsageWrong)) throw error;
  console.error(error.message);
  console.error(USAGE);
  process.exitCode = 2;
}
