/** docs/configuration.md says of every setting what the program does with it. */

import { describe, expect, test } from 'vitest';
import { CONTROL_PLANE, EDGE, problemsOf, ruleOf, settingRows } from './settings.ts';

const SECTIONS = [
  ['Control plane', CONTROL_PLANE],
  ['Control plane on Node (`cardea serve`)', CONTROL_PLANE],
  ['Edge worker (`wrangler.toml`)', EDGE],
] as const;

/** A default that can be written down as a value: `` `text` `` or a number, with a remark perhaps. */
const LITERAL = /^(?:`([^`]+)`|(\d+)(?: \(.+\))?)$/;

describe.each(SECTIONS)('%s', (heading, program) => {
  const rows = settingRows(heading);
  const everything = { ...program.least, ...program.more };

  test('starts with what is required, and with everything', () => {
    expect(problemsOf(program, program.least)).toEqual([]);
    expect(problemsOf(program, everything)).toEqual([]);
  });

  test('requires exactly what is documented as required', () => {
    expect(rows.length).toBeGreaterThan(8);
    for (const { name, default: fallback } of rows) {
      const { [name]: _, ...others } = program.least as Record<string, unknown>;
      const isRequired = problemsOf(program, others).length > 0;
      expect([name, isRequired]).toEqual([name, fallback.includes('required')]);
    }
  });

  test('says of a wrong value what is documented', () => {
    const said = rows.map(({ name }) => [name, ruleOf(program, name)]);
    expect(rows.map(({ name, rule }) => [name, rule])).toEqual(said);
  });

  test('does without a setting what it does with the documented default', () => {
    for (const env of [program.least, everything]) {
      for (const { name, default: fallback } of rows) {
        const [, text = '', number = ''] = LITERAL.exec(fallback) ?? [];
        // A default may be the value of another setting.
        const value = env[text] ?? (text || number);
        if (value === '' || Object.hasOwn(env, name)) continue;
        expect([name, program.parse({ ...env, [name]: value })]).toEqual([
          name,
          program.parse(env),
        ]);
      }
    }
    expect(rows.filter((row) => LITERAL.test(row.default)).length).toBeGreaterThan(3);
  });
});

test('another value than the default makes a difference', () => {
  const { least, parse } = CONTROL_PLANE;
  expect(parse({ ...least, CLOCK_SKEW_SECONDS: '59' })).not.toEqual(parse(least));
});
