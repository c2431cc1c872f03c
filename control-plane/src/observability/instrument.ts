/** Puts measures and spans around the ports of `Deps`, so that operations need not know of them. */

import type { Deps } from '../deps.ts';
import type { Log } from '../log.ts';
import type { RevocationAnnouncer } from '../revocations/revocation.ts';
import { type Metrics, NO_METRICS } from './metrics.ts';
import { NO_TRACING, type Tracing } from './tracing.ts';

interface Instruments {
  readonly metrics: Metrics;
  readonly tracing: Tracing;
}

/** The same parts; each call of one that leaves the process is timed, counted and traced, if anybody listens. */
export function instrumentDeps(deps: Deps): Deps {
  if (deps.metrics === NO_METRICS && deps.tracing === NO_TRACING) return deps;
  const store = deps.minting.store;
  return {
    ...deps,
    apiKeys: instrumentPort('api_keys', deps.apiKeys, deps),
    tenantStore: instrumentPort('tenants', deps.tenantStore, deps),
    adminCredentials: instrumentPort('admin_credentials', deps.adminCredentials, deps),
    auditEvents: instrumentPort('audit_events', deps.auditEvents, deps),
    signingKeys: instrumentPort('signing_keys', deps.signingKeys, deps),
    derivedTokens: instrumentPort('derived_tokens', deps.derivedTokens, deps),
    minting: { ...deps.minting, store: instrumentPort('minting', store, deps) },
    rateLimiter: instrumentPort('rate_limiter', deps.rateLimiter, deps),
    attempts: instrumentPort('attempts', deps.attempts, deps),
    announcer: countRevocations(instrumentPort('announcer', deps.announcer, deps), deps.metrics),
  };
}

/** `target` with each asynchronous method timed, counted when it fails, and traced as a step. */
export function instrumentPort<Port extends object>(
  port: string,
  target: Port,
  { metrics, tracing }: Instruments,
): Port {
  const instrumented = new Map<string, unknown>();
  return new Proxy(target, {
    get: (object, property) => {
      const value: unknown = Reflect.get(object, property);
      if (typeof value !== 'function' || typeof property !== 'string') return value;
      const known = instrumented.get(property);
      if (known !== undefined) return known;
      const labels = { port, method: property };
      const method = (...parameters: unknown[]) =>
        tracing.step(`${port}.${property}`, async () => {
          const secondsSince = metrics.stopwatch();
          try {
            return await Reflect.apply(value, object, parameters);
          } catch (error) {
            metrics.increment('cardea_port_errors_total', labels);
            throw error;
          } finally {
            metrics.observe('cardea_port_duration_seconds', labels, secondsSince());
          }
        });
      instrumented.set(property, method);
      return method;
    },
  });
}

function countRevocations(announcer: RevocationAnnouncer, metrics: Metrics): RevocationAnnouncer {
  return {
    acknowledgesCommits: announcer.acknowledgesCommits,
    async announce(rows) {
      const announcement = await announcer.announce(rows);
      for (const { scope } of rows) {
        metrics.increment('cardea_revocations_total', { scope, announcement });
      }
      return announcement;
    },
  };
}

/** A log whose lines are counted by event. */
export function countedLog(log: Log, metrics: Metrics): Log {
  return (level, event, fields) => {
    metrics.increment('cardea_log_events_total', { level, event });
    log(level, event, fields);
  };
}
