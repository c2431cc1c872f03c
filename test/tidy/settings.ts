/** What the programs themselves say of their settings: docs/configuration.md is held to it. */

import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { parseNodeConfig } from '@cardea/control-plane/config.node';
import { ROOT, readText } from './source-files.ts';

/** Without its types: those of Workers and of Node do not go together. */
const { parseEdgeConfig } = await import(join(ROOT, 'edge-worker/src/config.ts'));

type Environment = Readonly<Record<string, unknown>>;

export interface Program {
  /** Throws with `problems`, each `NAME: rule`. */
  readonly parse: (env: Environment) => unknown;
  /** Just enough to start. */
  readonly least: Environment;
  /** And what makes every other setting be read. */
  readonly more: Environment;
}

const { privateKey } = generateKeyPairSync('ed25519');
const jwk = privateKey.export({ format: 'jwk' });

export const CONTROL_PLANE: Program = {
  parse: parseNodeConfig,
  least: {
    CARDEA_SECRET: 'x'.repeat(32),
    ADMIN_TOKEN_SHA256: 'disabled',
    FEED_SIGNING_KEY: JSON.stringify(jwk),
    ENVIRONMENT_ID: 'production',
    ISSUER: 'https://keys.example.com',
  },
  more: {
    ADMIN_JWT_ISSUER: 'https://login.example.com',
    ADMIN_JWT_AUDIENCE: 'cardea',
    ADMIN_JWT_JWKS_URL: 'https://login.example.com/jwks',
    ADMIN_JWT_ROLE_CLAIM: 'role',
    ADMIN_JWT_ROLES: '{"admin":"owner"}',
    ADMIN_JWT_TENANT_CLAIM: 'tenant',
    DATABASE_URL: 'postgres://cardea@127.0.0.1/cardea',
    METRICS_PORT: '9090',
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318',
    KV_NAMESPACE_ID: 'a'.repeat(32),
    KV_ACCOUNT_ID: 'b'.repeat(32),
    KV_API_TOKEN: 'token',
  },
};

export const EDGE: Program = {
  parse: parseEdgeConfig,
  least: {
    ENVIRONMENT_ID: 'production',
    ISSUER: 'https://keys.example.com',
    FEED_PUBLIC_KEYS: String(jwk.x),
    ORIGIN_URL: 'https://api.example.com',
    ROUTES: '[{"path":"/*","scopes":["api"]}]',
    FEED: { get: () => null },
  },
  more: { EDGE_ID: 'edge-1', EDGE_SECRET: 'A'.repeat(43) },
};

/** `[]` if it starts. */
export function problemsOf({ parse }: Program, env: Environment): readonly string[] {
  try {
    parse(env);
    return [];
  } catch (error) {
    const problems: unknown = error instanceof Error ? Reflect.get(error, 'problems') : undefined;
    if (Array.isArray(problems)) return problems.map(String);
    throw error;
  }
}

/** No setting takes all of these: what is no word, no claim, not printable, no text. */
const WRONG = ['!', '/', '"', {}] as const;

/** What a setting must be, in the program's own words; "a text" if it takes any. */
export function ruleOf(program: Program, name: string): string {
  const env = { ...program.least, ...program.more };
  for (const value of WRONG) {
    const problems = problemsOf(program, { ...env, [name]: value });
    const own = problems.find((problem) => problem.startsWith(`${name}: `));
    if (own === undefined) continue;
    const rule = own.slice(name.length + 2);
    if (rule === 'not a text') continue;
    return rule.replace(/must (?:be|have) /, '').replace(/^is not /, '');
  }
  return 'a text';
}

export interface SettingRow {
  readonly name: string;
  readonly default: string;
  readonly rule: string;
}

/** The rows under a heading of docs/configuration.md that describe settings, not bindings. */
export function settingRows(heading: string): readonly SettingRow[] {
  const text = readText('docs/configuration.md');
  const section = text.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  const rows = [...section.matchAll(/^\| (`.+`) \| (?:var|secret) \| (.*?) \| (.*?) \| .* \|$/gm)];
  return rows.flatMap(([, names = '', fallback = '', rule = '']) =>
    [...names.matchAll(/`([A-Z0-9_]+)`/g)].map(([, name = '']) => ({
      ...{ name, default: fallback, rule },
    })),
  );
}
