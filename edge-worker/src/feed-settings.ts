/**
 * Where the feed comes from (docs/feed.md, "Lanes"): KV, the publisher, or both. One of them there must
 * be, and with both the publisher's bound must be the shorter one.
 */

import { parseHttpUrl } from './http-url.ts';
import type { Settings } from './settings.ts';

export interface FeedSettings {
  /** How old a head an edge may use: KV's if there is KV. */
  readonly feedHardSeconds: number;
  /** Lane A. */
  readonly feedNamespace: KVNamespace | undefined;
  readonly laneB: LaneBSettings | undefined;
}

/** Asking the publisher. */
export interface LaneBSettings {
  /** Where the control plane answers, without a final slash. */
  readonly baseUrl: string;
  /** Set: the requests go there instead of over the network. */
  readonly service: Pick<Fetcher, 'fetch'> | undefined;
  readonly hardSeconds: number;
  /** By which the control plane knows this edge in `GET /v1/admin/feed`. */
  readonly edgeName: string | undefined;
}

/** Smallest bound: the publisher's heartbeat is a quarter of it, in whole seconds, at least two. */
const FEED_HARD_SECONDS_MIN = 8;
const FEED_HARD_SECONDS_MAX = 24 * 60 * 60;
const FEED_HARD_SECONDS_DEFAULT = 120;

/** A question a second, an answer of up to two, and a stamp of a second ago. */
const LANE_B_HARD_SECONDS_MIN = 4;
const LANE_B_HARD_SECONDS_DEFAULT = 10;

const EDGE_NAME = /^[A-Za-z0-9._-]{1,64}$/;

/** The host of requests that go to a service binding, which looks at their path alone. */
const SERVICE_BASE_URL = 'https://cardea.internal';

export function readFeedSettings(settings: Settings): FeedSettings {
  const feedHardSeconds = settings.integer('FEED_HARD_SECONDS', {
    min: FEED_HARD_SECONDS_MIN,
    max: FEED_HARD_SECONDS_MAX,
    fallback: FEED_HARD_SECONDS_DEFAULT,
  });
  const feedNamespace = readBinding(settings, 'FEED', {
    ...{ is: isNamespace, expected: 'a KV namespace' },
  });
  const laneB = readLaneB(settings);
  if (
    feedNamespace === undefined &&
    laneB === undefined &&
    settings.binding('FEED') === undefined
  ) {
    settings.problem(
      'FEED',
      'missing, must be a KV namespace, if there is no FEED_URL or FEED_SERVICE',
    );
  }
  if (laneB !== undefined && feedNamespace !== undefined && laneB.hardSeconds >= feedHardSeconds) {
    settings.problem('FEED_LANE_B_HARD_SECONDS', 'must be less than FEED_HARD_SECONDS');
  }
  return { feedHardSeconds, feedNamespace, laneB };
}

function readLaneB(settings: Settings): LaneBSettings | undefined {
  const service = readBinding(settings, 'FEED_SERVICE', {
    ...{ is: isService, expected: 'a service binding' },
  });
  const url = settings.has('FEED_URL')
    ? settings.text('FEED_URL', isBaseUrl, 'an http(s) URL without user, query or fragment')
    : undefined;
  const hardSeconds = settings.integer('FEED_LANE_B_HARD_SECONDS', {
    min: LANE_B_HARD_SECONDS_MIN,
    max: FEED_HARD_SECONDS_MAX,
    fallback: LANE_B_HARD_SECONDS_DEFAULT,
  });
  const edgeName = settings.has('EDGE_NAME')
    ? settings.text('EDGE_NAME', (text) => EDGE_NAME.test(text), '1 to 64 of A-Z a-z 0-9 . _ -')
    : undefined;
  if (service === undefined && url === undefined) return undefined;
  const baseUrl = (url ?? SERVICE_BASE_URL).replace(/\/$/, '');
  return { baseUrl, service, hardSeconds, edgeName };
}

/** A binding that may be absent, but not be something else. */
function readBinding<T>(
  settings: Settings,
  name: string,
  { is, expected }: { readonly is: (value: unknown) => value is T; readonly expected: string },
): T | undefined {
  const value = settings.binding(name);
  if (value === undefined) return undefined;
  if (is(value)) return value;
  settings.problem(name, `must be ${expected}`);
  return undefined;
}

function isNamespace(value: unknown): value is KVNamespace {
  return typeof value === 'object' && value !== null && 'get' in value;
}

function isService(value: unknown): value is Pick<Fetcher, 'fetch'> {
  return typeof value === 'object' && value !== null && 'fetch' in value;
}

function isBaseUrl(text: string): boolean {
  const url = parseHttpUrl(text);
  if (url === undefined || /[?#\\]/.test(text)) return false;
  return url.username === '' && url.password === '' && !text.includes('@');
}
