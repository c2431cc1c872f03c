import { describe, expect, test } from 'vitest';
import { createLog, LOG_LEVELS, type LogFields, type LogLevel } from './log.ts';
import { redactCredentials } from './redact.ts';
import { Secret } from './secret.ts';

function recorded(levelMin: LogLevel = 'debug') {
  const lines: Array<[LogLevel, string]> = [];
  const now = () => new Date('2026-11-24T01:02:03.004Z');
  const log = createLog({ levelMin, now, write: (level, line) => lines.push([level, line]) });
  return { log, lines };
}

describe('a line', () => {
  test('is one JSON object with time, level and event', () => {
    const { log, lines } = recorded();
    log('info', 'request', { status: 200, at: ['a', 'b'], ok: true, text: 'two\nlines "quoted"' });
    expect(lines).toHaveLength(1);
    const [level, line = ''] = lines[0] ?? [];
    expect(level).toBe('info');
    expect(line).not.toContain('\n');
    expect(JSON.parse(line)).toEqual({
      ...{ time: '2026-11-24T01:02:03.004Z', level: 'info', event: 'request' },
      ...{ status: 200, at: ['a', 'b'], ok: true, text: 'two\nlines "quoted"' },
    });
  });

  test.each(LOG_LEVELS)('below %s is left out', (levelMin) => {
    const { log, lines } = recorded(levelMin);
    for (const level of LOG_LEVELS) log(level, 'x', {});
    expect(lines.map(([level]) => level)).toEqual(LOG_LEVELS.slice(LOG_LEVELS.indexOf(levelMin)));
  });

  test('shows no secret of the configuration', () => {
    const { log, lines } = recorded();
    // The type forbids it; this is for what slips past the type.
    log('error', 'x', { secret: new Secret('canary') } as unknown as LogFields);
    expect(lines[0]?.[1]).not.toContain('canary');
    expect(lines[0]?.[1]).toContain('[redacted]');
  });

  test('shows no credential, also where it stands inside of a text', () => {
    const { log, lines } = recorded();
    const key = `ck_v1_${'2'.repeat(64)}_${'3'.repeat(11)}`;
    log('error', 'x', { text: `duplicate (${key})`, list: [`a ${key}`], request_id: key });
    expect(lines[0]?.[1]).not.toContain('2222');
    expect(lines[0]?.[1]).toContain('duplicate ([redacted]');
  });
});

const JWT = `eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ4In0.${'A'.repeat(86)}`;

test.each([
  ['an issued key', `x ck_v1_${'2'.repeat(64)}_${'3'.repeat(11)} y`, 'x [redacted] y'],
  ['a key with an underscore in its prefix', `ory_ak_v1_${'2'.repeat(20)}`, 'ory_[redacted]'],
  ['a macaroon', `mc_v1_${'A-_'.repeat(20)}`, '[redacted]'],
  ['a JWT', `"${JWT}"`, '"[redacted]"'],
  ['a JWT without signature', 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.', '[redacted]'],
  ['a bearer token', 'Authorization: Bearer abc.def', 'Authorization: [redacted]'],
  ['Basic credentials', 'basic dXNlcjpwYXNz,', '[redacted],'],
])('%s is cut out', (_, text, expected) => {
  expect(redactCredentials(text)).toBe(expected);
});

test.each([
  '/v2alpha1/admin/issuedApiKeys/{key_id}:revoke',
  '7d0c5e1b-93a4-4f68-8a52-c1e6b7f20d39',
  '    at verify (control-plane/src/api-keys/verify_v1_batch.ts:1:2)',
  'StoreUnavailable < PostgresError',
  'a'.repeat(100_000),
])('%s stays as it is', (text) => {
  expect(redactCredentials(text)).toBe(text);
});
