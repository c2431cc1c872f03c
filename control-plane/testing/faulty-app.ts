/** The real application on the real D1 and hub, with a place for a fault at each call of either. */

import { env } from 'cloudflare:workers';
import { createApp } from '../src/app.ts';
import { parseConfig } from '../src/config.workers.ts';
import { createWorkerDeps } from '../src/worker.ts';
import { ORIGIN } from './api.ts';
import { Faults } from './publishers.ts';

export interface FaultyApp {
  readonly faults: Faults;
  /** A call with the bootstrap admin token. */
  post(path: string, body: unknown): Promise<Response>;
  /** The same with any method. */
  call(method: string, path: string, body?: unknown): Promise<Response>;
}

export async function createFaultyApp(): Promise<FaultyApp> {
  const faults = new Faults();
  const config = parseConfig({ ...env, DB: faultyDatabase(env.DB, faults) });
  const hub = config.bindings.hub;
  const namespace = {
    idFromName: (name: string) => hub.idFromName(name),
    get: (id: DurableObjectId) => faultyHub(hub.get(id), faults),
  };
  const bindings = { ...config.bindings, hub: namespace as unknown as DurableObjectNamespace };
  const app = createApp({ ...(await createWorkerDeps({ ...config, bindings })), log: () => {} });
  const call: FaultyApp['call'] = async (method, path, body) =>
    app.fetch(
      new Request(`${ORIGIN}${path}`, {
        method,
        headers: {
          'Content-Type': 'application/json',
          Authorization: `Bearer ${env.TEST_ADMIN_TOKEN}`,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    );
  return { faults, call, post: (path, body) => call('POST', path, body) };
}

const EXECUTES = new Set(['all', 'run', 'raw', 'first']);

/** D1 whose statements and batches may fail before they run, or after, when the answer is lost. */
function faultyDatabase(database: D1Database, faults: Faults): D1Database {
  const originals = new WeakMap<object, D1PreparedStatement>();
  const wrapStatement = (statement: D1PreparedStatement): D1PreparedStatement => {
    const wrapped = new Proxy(statement, {
      get: (target, property) => {
        const value = Reflect.get(target, property);
        if (typeof value !== 'function') return value;
        return (...parameters: unknown[]) => {
          if (property === 'bind') return wrapStatement(target.bind(...parameters));
          const call = () => value.apply(target, parameters);
          return EXECUTES.has(String(property))
            ? later(faults, `d1.${String(property)}`, call)
            : call();
        };
      },
    });
    originals.set(wrapped, statement);
    return wrapped;
  };
  return new Proxy(database, {
    get: (target, property) => {
      if (property === 'prepare') return (sql: string) => wrapStatement(target.prepare(sql));
      if (property === 'batch') {
        return (statements: D1PreparedStatement[]) => {
          const own = statements.map((statement) => originals.get(statement) ?? statement);
          return later(faults, 'd1.batch', () => target.batch(own));
        };
      }
      const value = Reflect.get(target, property);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

function faultyHub(stub: object, faults: Faults): object {
  return new Proxy(stub, {
    get: (target, property) => {
      return (...parameters: unknown[]) =>
        later(faults, `hub.${String(property)}`, () =>
          Reflect.apply(Reflect.get(target, property), target, parameters),
        );
    },
  });
}

/** Outages reach the caller as rejections, never as exceptions of the call itself. */
async function later(faults: Faults, name: string, call: () => unknown): Promise<unknown> {
  return faults.around(name, () => Promise.resolve(call()));
}
