/** Metrics and traces, where the settings ask for them. */

import type { NodeConfig } from '../config.node.ts';
import { type GaugeName, type Metrics, NO_METRICS } from '../observability/metrics.ts';
import { createOtlpTracing } from '../observability/otlp.node.ts';
import {
  createPrometheusMetrics,
  type PrometheusMetrics,
} from '../observability/prometheus.node.ts';
import { NO_TRACING, type Tracing } from '../observability/tracing.ts';
import type { NodePublisher, NodePublisherStatus } from '../publication/node-publisher.ts';

export interface Instruments {
  readonly metrics: Metrics;
  readonly tracing: Tracing;
  /** Absent: nobody scrapes. */
  readonly prometheus?: PrometheusMetrics;
  /** Whom to ask about the feed at each scrape. */
  readonly readFeedFrom: (publisher: Pick<NodePublisher, 'status'>) => void;
  /** Sends the traces that are left. */
  stop(): Promise<void>;
}

export function createInstruments({
  listenMetrics,
  traces,
}: Pick<NodeConfig, 'listenMetrics' | 'traces'>): Instruments {
  let publisher: Pick<NodePublisher, 'status'> | undefined;
  const otlp = traces === undefined ? undefined : createOtlpTracing(traces);
  const prometheus =
    listenMetrics === undefined
      ? undefined
      : createPrometheusMetrics(async () => readGauges(await publisher?.status()));
  return {
    metrics: prometheus?.metrics ?? NO_METRICS,
    tracing: otlp?.tracing ?? NO_TRACING,
    ...(prometheus === undefined ? {} : { prometheus }),
    readFeedFrom: (known) => {
      publisher = known;
    },
    stop: async () => otlp?.stop(),
  };
}

function readGauges(status: NodePublisherStatus | undefined): Partial<Record<GaugeName, number>> {
  if (status === undefined) return {};
  const { failures, publishedAt } = status;
  return {
    cardea_feed_publish_failures: failures,
    ...(publishedAt === undefined
      ? {}
      : { cardea_feed_head_age_seconds: (Date.now() - publishedAt) / 1000 }),
  };
}
