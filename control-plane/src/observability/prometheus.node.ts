/** Metrics in the text format of Prometheus, kept by prom-client. */

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { type GaugeName, METRICS, type MetricName, type Metrics } from './metrics.ts';

/** Seconds. From a read of memory to the patience of a client. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Asked at each scrape. A gauge that is left out, or a reader that throws, shows no value. */
export type ReadGauges = () => Promise<Partial<Record<GaugeName, number>>>;

export interface PrometheusMetrics {
  readonly metrics: Metrics;
  readonly contentType: string;
  /** Everything there is, with the process's own metrics. */
  text(): Promise<string>;
}

export function createPrometheusMetrics(readGauges: ReadGauges): PrometheusMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const counters = new Map<MetricName, Counter>();
  const histograms = new Map<MetricName, Histogram>();
  const gauges = new Map<GaugeName, Gauge>();
  for (const [name, { kind, help, labels }] of namedRows()) {
    const common = { name, help, labelNames: [...labels], registers: [registry] };
    if (kind === 'counter') counters.set(name, new Counter(common));
    else if (kind === 'histogram')
      histograms.set(name, new Histogram({ ...common, buckets: BUCKETS }));
    else gauges.set(name as GaugeName, new Gauge(common));
  }
  return {
    metrics: {
      increment: (name, labels, by = 1) => counters.get(name)?.inc({ ...labels }, by),
      observe: (name, labels, seconds) => histograms.get(name)?.observe({ ...labels }, seconds),
      stopwatch() {
        const startedAt = performance.now();
        return () => (performance.now() - startedAt) / 1000;
      },
    },
    contentType: registry.contentType,
    async text() {
      await setGauges(gauges, readGauges);
      return registry.metrics();
    },
  };
}

function namedRows() {
  return Object.entries(METRICS) as Array<[MetricName, (typeof METRICS)[MetricName]]>;
}

async function setGauges(
  gauges: ReadonlyMap<GaugeName, Gauge>,
  readGauges: ReadGauges,
): Promise<void> {
  const values = await readGauges().catch(() => ({}) as Awaited<ReturnType<ReadGauges>>);
  for (const [name, gauge] of gauges) {
    gauge.reset();
    const value = values[name];
    if (value === undefined) gauge.remove();
    else gauge.set(value);
  }
}
