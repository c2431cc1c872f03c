/**
 * Traces by OTLP over HTTP. Spans carry what `tracing.ts` says and nothing else: no header, no path,
 * no message of an error. Samplers, headers and timeouts are OpenTelemetry's own settings
 * (`OTEL_TRACES_SAMPLER`, `OTEL_EXPORTER_OTLP_HEADERS`, …), which its packages read themselves.
 */

import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type Context,
  isSpanContextValid,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { VERSION } from '../version.ts';
import { within } from '../within.ts';
import type { Tracing } from './tracing.ts';

/** How long the last spans may take to be sent. */
const STOP_MILLISECONDS_MAX = 2000;

export interface OtlpTracing {
  readonly tracing: Tracing;
  /** Sends what is left. Graceful stops wait for it, after the last request. */
  stop(): Promise<void>;
}

/** `endpoint` as in `OTEL_EXPORTER_OTLP_ENDPOINT`: `/v1/traces` is added. */
export function createOtlpTracing(settings: {
  readonly endpoint: string;
  readonly serviceName: string;
}): OtlpTracing {
  const url = `${settings.endpoint.replace(/\/+$/, '')}/v1/traces`;
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({
      'service.name': settings.serviceName,
      'service.version': VERSION,
    }),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter({ url }))],
  });
  const tracer = provider.getTracer('cardea', VERSION);
  /** Where the present request stands. */
  const present = new AsyncLocalStorage<Context>();

  return {
    tracing: {
      request(headers, work) {
        const parent = parentOf(headers.get('traceparent'));
        const span = tracer.startSpan('request', { kind: SpanKind.SERVER }, parent);
        return present.run(trace.setSpan(parent, span), async () => {
          try {
            const { method, route, status, requestId, tenantId } = await work();
            span.updateName(`${method} ${route}`);
            span.setAttributes({
              'http.request.method': method,
              'http.route': route,
              'http.response.status_code': status,
              'cardea.request_id': requestId,
              ...(tenantId === undefined ? {} : { 'cardea.tenant_id': tenantId }),
            });
            if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
          } finally {
            span.end();
          }
        });
      },

      async step(name, work) {
        const parent = present.getStore();
        if (parent === undefined) return work();
        const span = tracer.startSpan(name, { kind: SpanKind.CLIENT }, parent);
        try {
          return await present.run(trace.setSpan(parent, span), work);
        } catch (error) {
          const kind = error instanceof Error ? error.name : 'unknown';
          span.setAttribute('error.type', kind).setStatus({ code: SpanStatusCode.ERROR });
          throw error;
        } finally {
          span.end();
        }
      },
    },
    async stop() {
      // A collector that is away must not hold up the end of the process: its spans are lost then.
      await within(STOP_MILLISECONDS_MAX, provider.shutdown()).catch(() => {});
    },
  };
}

/** W3C Trace Context §3.2: version, trace id, parent id, flags; later versions may add fields. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-|$)/;

function parentOf(traceparent: string | null): Context {
  const [, traceId = '', spanId = '', flags = ''] = TRACEPARENT.exec(traceparent ?? '') ?? [];
  const context = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
  return isSpanContextValid(context) ? trace.setSpanContext(ROOT_CONTEXT, context) : ROOT_CONTEXT;
}
