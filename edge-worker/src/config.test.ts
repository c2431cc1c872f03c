/** Guarantee: an edge that is not configured whole does not run, and its message holds no value. */

import { describe, expect, test } from 'vitest';
import { ConfigInvalid, parseEdgeConfig } from './config.ts';
import type { EdgeEnvironment } from './settings.ts';

const KEY = 'iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w';
const namespace = { get: async () => null };

const sound = {
  ENVIRONMENT_ID: 'prod-1',
  ISSUER: 'https://cardea.test/keys',
  FEED_PUBLIC_KEYS: KEY,
  ORIGIN_URL: 'https://api.internal.test',
  ROUTES: '[{"path":"/*","scopes":["a"]}]',
  FEED: namespace,
};

function problemsOf(changes: EdgeEnvironment): readonly string[] {
  try {
    parseEdgeConfig({ ...sound, ...changes });
  } catch (error) {
    if (error instanceof ConfigInvalid) return error.problems;
    throw error;
  }
  return [];
}

const namesOf = (changes: EdgeEnvironment) =>
  problemsOf(changes).map((problem) => problem.split(':')[0]);

describe('a sound configuration', () => {
  test('with defaults', () => {
    expect(parseEdgeConfig(sound)).toMatchObject({
      environmentId: 'prod-1',
      jwtPolicy: {
        issuer: 'https://cardea.test/keys',
        audience: 'https://cardea.test/keys',
        tenantId: '7d0c5e1b-93a4-4f68-8a52-c1e6b7f20d39',
        lifetimeSecondsMax: 86_400,
        clockSkewSeconds: 60,
      },
      feedPublicKeys: [KEY],
      feedHardSeconds: 120,
      clockSkewSeconds: 60,
      originBase: 'https://api.internal.test',
      forwardCredential: false,
      feedNamespace: namespace,
    });
  });

  test('with everything set, numbers and booleans unquoted too', () => {
    const config = parseEdgeConfig({
      ...sound,
      AUDIENCE: 'api',
      TENANT_ID: '6fa459ea-ee8a-4ca4-894e-db77e160355e',
      FEED_PUBLIC_KEYS: `${KEY}, ${KEY}`,
      FEED_HARD_SECONDS: 10,
      CLOCK_SKEW_SECONDS: '0',
      DERIVED_TOKEN_TTL_MAX_SECONDS: '900',
      FORWARD_CREDENTIAL: true,
      ORIGIN_URL: 'http://127.0.0.1:8788/api/v2/',
      EDGE_ID: 'edge-1',
      EDGE_SECRET: KEY,
    });
    expect(config).toMatchObject({
      jwtPolicy: { audience: 'api', lifetimeSecondsMax: 900, clockSkewSeconds: 0 },
      feedPublicKeys: [KEY, KEY],
      feedHardSeconds: 10,
      forwardCredential: true,
      originBase: 'http://127.0.0.1:8788/api/v2',
      edgeCredentials: { edgeId: 'edge-1', secret: expect.objectContaining({ length: 32 }) },
    });
    expect(config.jwtPolicy.tenantId).toBe('6fa459ea-ee8a-4ca4-894e-db77e160355e');
  });
});

describe('what is missing has no default that would weaken anything', () => {
  test.each(['ENVIRONMENT_ID', 'ISSUER', 'FEED_PUBLIC_KEYS', 'ORIGIN_URL', 'ROUTES', 'FEED'])(
    '%s, absent and empty',
    (name) => {
      expect(problemsOf({ [name]: undefined })).toEqual([
        expect.stringMatching(new RegExp(`^${name}: missing`)),
      ]);
      expect(problemsOf({ [name]: '' })).toEqual([
        expect.stringMatching(new RegExp(`^${name}: missing`)),
      ]);
    },
  );

  test('an empty environment names every setting at once', () => {
    const names = namesOf(Object.fromEntries(Object.keys(sound).map((name) => [name, undefined])));
    expect(names.toSorted()).toEqual(Object.keys(sound).toSorted());
  });
});

describe('EDGE_ID and EDGE_SECRET', () => {
  test('come together', () => {
    expect(problemsOf({ EDGE_ID: 'edge-1', EDGE_SECRET: KEY })).toEqual([]);
    expect(namesOf({ EDGE_ID: 'edge-1' })).toEqual(['EDGE_SECRET']);
    expect(namesOf({ EDGE_SECRET: KEY })).toEqual(['EDGE_ID']);
  });

  test('are not needed, and may be left empty', () => {
    expect(parseEdgeConfig({ ...sound, EDGE_ID: '', EDGE_SECRET: '' })).toEqual(
      parseEdgeConfig(sound),
    );
    expect(parseEdgeConfig(sound).edgeCredentials).toBeUndefined();
  });

  test.each(['a b', 'a/b', 'x'.repeat(65), 'é'])('EDGE_ID is not %j', (EDGE_ID) => {
    expect(namesOf({ EDGE_ID, EDGE_SECRET: KEY })).toEqual(['EDGE_ID']);
  });

  test.each(['x', `${KEY}=`, KEY.slice(1), `${KEY}A`, KEY.replace('w', '+')])(
    'EDGE_SECRET is not %j',
    (EDGE_SECRET) => {
      const problems = problemsOf({ EDGE_ID: 'edge-1', EDGE_SECRET });
      expect(problems).toEqual(['EDGE_SECRET: must be base64url of 32 bytes']);
    },
  );
});

describe('what is malformed', () => {
  test.each([
    ['ENVIRONMENT_ID', ['a b', 'a/b', 'x'.repeat(65), {}]],
    ['ISSUER', ['cardea', 'ftp://a.test', 'https://a.test?x', 'https://a.test#x', 'https://a"b']],
    ['AUDIENCE', ['a b', 'a"b', 'a\\b', 'é', 'x'.repeat(513)]],
    ['TENANT_ID', ['default', '7D0C5E1B-93A4-4F68-8A52-C1E6B7F20D39', '0'.repeat(36)]],
    ['FEED_PUBLIC_KEYS', ['x', `${KEY}=`, `${KEY},`, `${KEY},x`, KEY.slice(1), `${KEY}A`]],
    ['FEED_HARD_SECONDS', ['7', '0', '-1', '1.5', '1e3', '86401', 'Infinity', 'x']],
    ['CLOCK_SKEW_SECONDS', ['61', '-1', '300', 'x', '0x10']],
    ['DERIVED_TOKEN_TTL_MAX_SECONDS', ['0', '2592001', 'x']],
    ['FORWARD_CREDENTIAL', ['yes', '1', 'TRUE']],
    ['ROUTES', ['nonsense', '{}', '[]', 'null', '[{"path":"/a"}]']],
    ['FEED', ['namespace', {}]],
    ['FEED_SERVICE', ['control-plane', {}, 7]],
    [
      'FEED_URL',
      ['keys.test', 'ftp://a.test', 'https://a.test?x', 'https://a.test#x', 'https://u:p@a.test'],
    ],
    ['FEED_LANE_B_HARD_SECONDS', ['3', '0', '-1', '1.5', '86401', 'x']],
    ['EDGE_NAME', ['a b', 'a/b', 'x'.repeat(65)]],
    [
      'ORIGIN_URL',
      [
        ...['api.internal.test', 'file:///etc/passwd', 'javascript:1', 'https://', '//evil.test'],
        ...['https://user:pass@a.test', 'https://a.test@evil.test', 'https://@a.test'],
        ...[
          'https://a.test?x=1',
          'https://a.test#x',
          'https://a.test/a//b',
          'https://a.test/a%2fb',
        ],
        ...['https://a.test\\b', 'https://a.test/a;b'],
      ],
    ],
  ])('%s', (name, values) => {
    for (const value of values) {
      expect([value, namesOf({ [name]: value }).map((each) => each?.split('[')[0])]).toEqual([
        value,
        [name],
      ]);
    }
  });

  test('settings are own members of the environment', () => {
    const env = Object.assign(Object.create({ FEED_PUBLIC_KEYS: KEY }), sound);
    delete env.FEED_PUBLIC_KEYS;
    expect(() => parseEdgeConfig(env)).toThrow(ConfigInvalid);
  });

  test('the message lists all problems and no value', () => {
    const secret = 'hunter2 hunter2';
    const env = Object.fromEntries(Object.keys(sound).map((name) => [name, secret]));
    try {
      parseEdgeConfig({ ...env, FEED: undefined, CLOCK_SKEW_SECONDS: secret });
      expect.unreachable();
    } catch (error) {
      const message = error instanceof ConfigInvalid ? error.message : '';
      for (const name of [...Object.keys(sound), 'CLOCK_SKEW_SECONDS']) {
        expect(message).toContain(`${name}:`);
      }
      expect(message).not.toContain('hunter2');
    }
  });
});

describe('where the feed comes from', () => {
  const service = { fetch: async () => new Response() };
  const { FEED, ...withoutKv } = sound;
  const strict = '[{"path":"/*","scopes":["a"],"on_stale":"strict"}]';

  test('KV alone, as ever', () => {
    expect(parseEdgeConfig(sound)).toMatchObject({ feedNamespace: FEED, laneB: undefined });
  });

  test('the publisher by URL beside KV, without the final slash of the URL', () => {
    const settings = { FEED_URL: 'https://keys.test/base/', EDGE_NAME: 'fra-1' };
    expect(parseEdgeConfig({ ...sound, ...settings })).toMatchObject({
      feedNamespace: FEED,
      laneB: {
        ...{ baseUrl: 'https://keys.test/base', service: undefined },
        ...{ hardSeconds: 10, edgeName: 'fra-1' },
      },
    });
  });

  test('the publisher alone, by service binding, with another bound', () => {
    const settings = { FEED_SERVICE: service, FEED_LANE_B_HARD_SECONDS: 300 };
    const config = parseEdgeConfig({ ...withoutKv, ...settings });
    expect(config.feedNamespace).toBeUndefined();
    expect(config.laneB).toMatchObject({ service, hardSeconds: 300, edgeName: undefined });
  });

  test('a service binding goes by the path of the URL that is set beside it', () => {
    const config = parseEdgeConfig({
      ...sound,
      FEED_SERVICE: service,
      FEED_URL: 'http://x.test/p',
    });
    expect(config.laneB).toMatchObject({ service, baseUrl: 'http://x.test/p' });
  });

  test('nothing at all is no configuration', () => {
    expect(problemsOf({ FEED: undefined })).toEqual([
      'FEED: missing, must be a KV namespace, if there is no FEED_URL or FEED_SERVICE',
    ]);
    expect(problemsOf({ FEED: undefined, FEED_URL: 'https://keys.test' })).toEqual([]);
  });

  test('the bound of the publisher is the shorter one of two', () => {
    const settings = { FEED_URL: 'https://keys.test', FEED_HARD_SECONDS: '10' };
    expect(namesOf(settings)).toEqual(['FEED_LANE_B_HARD_SECONDS']);
    expect(namesOf({ ...settings, FEED_LANE_B_HARD_SECONDS: '9' })).toEqual([]);
    expect(namesOf({ ...settings, FEED: undefined })).toEqual([]);
  });

  test('a strict route needs the publisher: without it the word would mean nothing', () => {
    expect(problemsOf({ ROUTES: strict })).toEqual([
      'ROUTES: "strict" needs FEED_URL or FEED_SERVICE',
    ]);
    expect(problemsOf({ ROUTES: strict, FEED_SERVICE: service })).toEqual([]);
  });
});
