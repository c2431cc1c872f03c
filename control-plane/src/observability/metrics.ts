/**
 * What is counted and measured: one table, and the port through which the control plane says so. No
 * label holds anything that a client chooses freely, so the number of series is bounded.
 * docs/observability.md explains each; a test compares the two.
 */

interface MetricRow {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
}

export const METRICS = {
  cardea_requests_total: {
    kind: 'counter',
    help: 'Requests answered.',
    labels: ['route', 'method', 'status'],
  },
  cardea_request_duration_seconds: {
    kind: 'histogram',
    help: 'Time from a request to its answer.',
    labels: ['route', 'method'],
  },
  cardea_verifications_total: {
    kind: 'counter',
    help: 'Credentials verified, by what was answered.',
    labels: ['operation', 'outcome'],
  },
  cardea_exchanges_total: {
    kind: 'counter',
    help: 'API keys exchanged at the token endpoint, by what was answered.',
    labels: ['outcome'],
  },
  cardea_rate_limit_decisions_total: {
    kind: 'counter',
    help: 'Requests counted against the limit of a key; unknown: nobody could tell, it passed.',
    labels: ['decision'],
  },
  cardea_revocations_total: {
    kind: 'counter',
    help: 'Revocations committed, by scope and by whether the publisher had them in time.',
    labels: ['scope', 'announcement'],
  },
  cardea_port_duration_seconds: {
    kind: 'histogram',
    help: 'Time that the database and the publisher took, by port and method.',
    labels: ['port', 'method'],
  },
  cardea_port_errors_total: {
    kind: 'counter',
    help: 'Calls of the database and the publisher that failed.',
    labels: ['port', 'method'],
  },
  cardea_log_events_total: {
    kind: 'counter',
    help: 'Lines logged, by event: alert on those of level error.',
    labels: ['level', 'event'],
  },
  cardea_feed_head_age_seconds: {
    kind: 'gauge',
    help: 'Age of the last head of the feed that KV acknowledged.',
    labels: [],
  },
  cardea_feed_publish_failures: {
    kind: 'gauge',
    help: 'Attempts to publish the feed that failed in a row.',
    labels: [],
  },
} as const satisfies Readonly<Record<`cardea_${string}`, MetricRow>>;

export type MetricName = keyof typeof METRICS;

type NameOf<Kind> = {
  [Name in MetricName]: (typeof METRICS)[Name]['kind'] extends Kind ? Name : never;
}[MetricName];

export type Labels<Name extends MetricName> = Readonly<
  Record<(typeof METRICS)[Name]['labels'][number], string>
>;

export type GaugeName = NameOf<'gauge'>;

/** Returns at once and never throws. */
export interface Metrics {
  increment<Name extends NameOf<'counter'>>(name: Name, labels: Labels<Name>, by?: number): void;
  /** `seconds` for every histogram there is. */
  observe<Name extends NameOf<'histogram'>>(
    name: Name,
    labels: Labels<Name>,
    seconds: number,
  ): void;
  /** Starts to measure; the answer says how many seconds have passed since. */
  stopwatch(): () => number;
}

/** Where nobody scrapes: on Workers, whose platform counts requests, and logs say the rest. */
export const NO_METRICS: Metrics = {
  increment: () => {},
  observe: () => {},
  stopwatch: () => () => 0,
};
