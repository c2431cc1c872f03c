/** Log, metrics and traces of a process on Node, as its settings ask for. */

import type { NodeConfig } from '../config.node.ts';
import type { Deps } from '../deps.ts';
import { createConsoleLog } from '../log.ts';
import { countedLog } from './instrument.ts';
import { NO_METRICS } from './metrics.ts';
import { type MetricsServer, startMetricsServer } from './metrics-server.node.ts';
import { createOtlpTracing } from './otlp.node.ts';
import { createPrometheusMetrics, type ReadGauges } from './prometheus.node.ts';
import { NO_TRACING } from './tracing.ts';

export interface Observability extends Pick<Deps, 'log' | 'metrics' | 'tracing'> {
  /**
   * Serves metrics and health on their own port; `undefined` if the settings name none. `health`
   * answers `/health/alive` and `/health/ready` as the API does.
   */
  serve(parts: {
    readonly health: (path: string) => Promise<Response> | Response;
    readonly readGauges: ReadGauges;
  }): Promise<MetricsServer | undefined>;
  /** Sends the last spans. After the last request, before the process ends. */
  stop(): Promise<void>;
}

export function createObservability({
  listenMetrics,
  logLevel,
  traces,
}: Pick<NodeConfig, 'listenMetrics' | 'logLevel' | 'traces'>): Observability {
  let readGauges: ReadGauges = async () => ({});
  const otlp = traces === undefined ? undefined : createOtlpTracing(traces);
  const prometheus =
    listenMetrics === undefined ? undefined : createPrometheusMetrics(() => readGauges());
  const metrics = prometheus?.metrics ?? NO_METRICS;
  const log = countedLog(createConsoleLog(logLevel), metrics);
  return {
    ...{ log, metrics, tracing: otlp?.tracing ?? NO_TRACING },
    async serve(parts) {
      if (listenMetrics === undefined || prometheus === undefined) return undefined;
      readGauges = parts.readGauges;
      return startMetricsServer({ ...listenMetrics, ...parts, prometheus, log });
    },
    async stop() {
      await otlp?.stop();
    },
  };
}
