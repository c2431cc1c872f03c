/** What only Node knows beside the settings of `config.ts`: database, ports, proxies, KV over REST. */

import { join, resolve } from 'node:path';
import { type ControlPlaneConfig, readSharedSettings } from './config.ts';
import { ConfigInvalid, SettingsSource } from './config-source.ts';
import { Secret } from './secret.ts';

/** Where a server listens. Port 0 is any free one. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** PostgreSQL by its URL, or PGlite in a folder of this machine. */
export type DatabaseChoice =
  | {
      readonly kind: 'postgres';
      /** Secret: it holds the password. */
      readonly url: Secret<string>;
      readonly connectionsMax: number;
    }
  | { readonly kind: 'pglite'; readonly folder: string };

/** Workers KV over Cloudflare's REST API. */
export interface KvRestAccess {
  /** Up to and without `/storage/kv`. No slash at its end. */
  readonly baseUrl: string;
  readonly namespaceId: string;
  readonly token: Secret<string>;
}

/** Where traces go, by OTLP over HTTP. Its headers and samplers are OpenTelemetry's own settings. */
export interface TraceExport {
  readonly endpoint: string;
  readonly serviceName: string;
}

export interface NodeConfig extends ControlPlaneConfig {
  readonly listen: ListenAddress;
  /** Absent: no metrics are served. */
  readonly listenMetrics?: ListenAddress;
  /** Absent: nothing is traced. */
  readonly traces?: TraceExport;
  readonly database: DatabaseChoice;
  /** Absent: the feed is not pushed; edges ask the feed endpoint. */
  readonly kv?: KvRestAccess;
  /** Proxies of ours in front, each of which appends to `X-Forwarded-For`. */
  readonly trustedProxyHops: number;
}

const PORT_MAX = 65_535;
const TRUSTED_PROXY_HOPS_MAX = 16;
const CONNECTIONS_MAX = 1000;
const CLOUDFLARE_API = 'https://api.cloudflare.com/client/v4';

/** Throws {@link ConfigInvalid} with every problem at once. Touches no file. */
export function parseNodeConfig(env: object): NodeConfig {
  const source = new SettingsSource(env);
  const config = {
    ...readSharedSettings(source),
    listen: {
      host: source.optional('CONTROL_PLANE_HOST') ?? '127.0.0.1',
      port: source.integer('CONTROL_PLANE_PORT', { min: 0, max: PORT_MAX, or: 4420 }),
    },
    ...readMetrics(source),
    ...readTraces(source),
    database: readDatabase(source),
    ...readKv(source),
    trustedProxyHops: source.integer('TRUSTED_PROXY_HOPS', {
      min: 0,
      max: TRUSTED_PROXY_HOPS_MAX,
      or: 0,
    }),
  };
  if (source.problems.length > 0) throw new ConfigInvalid(source.problems);
  return config;
}

/** The database alone, for `cardea migrate`. Throws {@link ConfigInvalid}. Touches no file. */
export function parseDatabaseChoice(env: object): DatabaseChoice {
  const source = new SettingsSource(env);
  const choice = readDatabase(source);
  if (source.problems.length > 0) throw new ConfigInvalid(source.problems);
  return choice;
}

function readMetrics(source: SettingsSource): Pick<NodeConfig, 'listenMetrics'> {
  const host = source.optional('METRICS_HOST') ?? '127.0.0.1';
  if (source.optional('METRICS_PORT') === undefined) return {};
  const port = source.integer('METRICS_PORT', { min: 0, max: PORT_MAX, or: 0 });
  return { listenMetrics: { host, port } };
}

function readTraces(source: SettingsSource): Pick<NodeConfig, 'traces'> {
  const endpoint = source.optional('OTEL_EXPORTER_OTLP_ENDPOINT');
  if (endpoint === undefined) return {};
  if (!['https:', 'http:'].includes(URL.parse(endpoint)?.protocol ?? '')) {
    source.fail('OTEL_EXPORTER_OTLP_ENDPOINT', 'must be an http(s) URL');
  }
  return { traces: { endpoint, serviceName: source.optional('OTEL_SERVICE_NAME') ?? 'cardea' } };
}

function readDatabase(source: SettingsSource): DatabaseChoice {
  const text = source.optional('DATABASE_URL');
  const connectionsMax = source.integer('DATABASE_CONNECTIONS_MAX', {
    min: 1,
    max: CONNECTIONS_MAX,
    or: 10,
  });
  if (text === undefined) {
    const state = source.optional('CARDEA_STATE_FOLDER') ?? '.cardea';
    return {
      kind: 'pglite',
      folder: resolve(source.optional('PGLITE_FOLDER') ?? join(state, 'pglite')),
    };
  }
  const url = URL.parse(text);
  if (url === null || !['postgres:', 'postgresql:'].includes(url.protocol)) {
    source.fail('DATABASE_URL', 'must be a URL that starts with postgres://');
  }
  return { kind: 'postgres', url: new Secret(text), connectionsMax };
}

const CLOUDFLARE_ID = { pattern: /^[0-9a-f]{32}$/, rule: '32 lowercase hexadecimal digits' };

/** All of it or nothing: half an access would leave the edges without a feed, and nobody told. */
function readKv(source: SettingsSource): Pick<NodeConfig, 'kv'> {
  const names = ['KV_NAMESPACE_ID', 'KV_API_TOKEN', 'KV_ACCOUNT_ID', 'KV_API_URL'];
  if (names.every((name) => source.optional(name) === undefined)) return {};
  return {
    kv: {
      namespaceId: source.matching('KV_NAMESPACE_ID', CLOUDFLARE_ID),
      token: new Secret(source.required('KV_API_TOKEN')),
      baseUrl: readKvBaseUrl(source),
    },
  };
}

function readKvBaseUrl(source: SettingsSource): string {
  const text = source.optional('KV_API_URL');
  if (text === undefined) {
    return `${CLOUDFLARE_API}/accounts/${source.matching('KV_ACCOUNT_ID', CLOUDFLARE_ID)}`;
  }
  const isHttp = ['https:', 'http:'].includes(URL.parse(text)?.protocol ?? '');
  if (!isHttp || /[?#\s]/.test(text)) {
    source.fail('KV_API_URL', 'must be an http(s) URL without query or fragment');
  }
  return text.replace(/\/+$/, '');
}
