/** What a user may set about the local stack, read from the environment, all problems at once. */

import { join, resolve } from 'node:path';
import { REPOSITORY_FOLDER } from '../repository.ts';
import { StackFailed } from './stack-failed.ts';

export const CONTROL_PLANE_PORT_DEFAULT = 4420;
const EDGE_PORT_DEFAULT = 8787;
const ORIGIN_PORT_DEFAULT = 8788;

/** As docs/configuration.md says of FEED_HARD_SECONDS; a day is longer than anybody waits here. */
const HARD_SECONDS_MIN = 8;
const HARD_SECONDS_MAX = 86_400;

export interface StackPorts {
  readonly controlPlane: number;
  readonly edge: number;
  readonly origin: number;
}

export interface StackSettings {
  readonly stateFolder: string;
  readonly ports: StackPorts;
  /** The user's own API behind the edge; without it the sample API runs. */
  readonly originUrl?: string;
  /** The feed's bound; without it what the wrangler.toml files say. */
  readonly hardSeconds?: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The settings, or a `StackFailed` that names every setting that is wrong, without its value. */
export function parseStackSettings(env: Environment): StackSettings {
  const problems: string[] = [];
  const integer = (name: string, fallback: number, [min, max]: readonly [number, number]) => {
    const text = env[name];
    if (text === undefined || text === '') return fallback;
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    problems.push(`${name} must be a number from ${min} to ${max}`);
    return fallback;
  };
  const ports = {
    controlPlane: integer('CONTROL_PLANE_PORT', CONTROL_PLANE_PORT_DEFAULT, [1, 65_535]),
    edge: integer('EDGE_PORT', EDGE_PORT_DEFAULT, [1, 65_535]),
    origin: integer('ORIGIN_PORT', ORIGIN_PORT_DEFAULT, [1, 65_535]),
  };
  const hardSeconds = integer('FEED_HARD_SECONDS', 0, [HARD_SECONDS_MIN, HARD_SECONDS_MAX]);
  const originUrl = parseOriginUrl(env.ORIGIN_URL, ports, problems);
  const own = originUrl === undefined ? Object.values(ports) : [ports.controlPlane, ports.edge];
  if (new Set(own).size < own.length) {
    problems.push('CONTROL_PLANE_PORT, EDGE_PORT and ORIGIN_PORT must differ');
  }
  if (problems.length > 0) throw new StackFailed(problems.join('; '));
  return {
    stateFolder: stateFolderOf(env),
    ports,
    ...(originUrl === undefined ? {} : { originUrl }),
    ...(hardSeconds === 0 ? {} : { hardSeconds }),
  };
}

/** `.cardea` in the checkout, or where `CARDEA_STATE_FOLDER` points. */
export function stateFolderOf(env: Environment): string {
  return resolve(env.CARDEA_STATE_FOLDER || join(REPOSITORY_FOLDER, '.cardea'));
}

function parseOriginUrl(
  text: string | undefined,
  ports: StackPorts,
  problems: string[],
): string | undefined {
  if (text === undefined || text === '') return undefined;
  const url = URL.parse(text);
  const isOrigin =
    url !== null &&
    ['http:', 'https:'].includes(url.protocol) &&
    [url.username, url.password, url.search, url.hash].every((part) => part === '') &&
    !/['$]/.test(url.href); // The file of settings for wrangler could not carry these.
  if (!isOrigin) {
    problems.push('ORIGIN_URL must be an http or https URL without query or fragment');
    return undefined;
  }
  if (isLoopback(url.hostname) && url.port === String(ports.edge)) {
    problems.push('ORIGIN_URL must not be the edge itself');
  }
  return url.href.replace(/\/+$/, '');
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
}
