/**
 * What tests in workerd find there, beyond what the runtime's own types tell. It is the control plane's:
 * tests of the edge worker, which are checked with them, have `FEED` and the three names of it.
 */

declare namespace Cloudflare {
  interface GlobalProps {
    readonly mainModule: typeof import('../src/worker.ts');
  }

  interface Env {
    readonly DB: D1Database;
    readonly FEED: KVNamespace;
    readonly HUB: DurableObjectNamespace<import('../src/worker.ts').Hub>;
    readonly ATTEMPTS: DurableObjectNamespace<import('../src/worker.ts').AttemptLimiter>;
    readonly LIMITS: DurableObjectNamespace<import('../src/worker.ts').RateLimitCounter>;
    readonly ENVIRONMENT_ID: string;
    readonly ISSUER: string;
    readonly AUDIENCE: string;
    readonly CARDEA_SECRET: string;
    readonly ADMIN_TOKEN_SHA256: string;
    readonly FEED_SIGNING_KEY: string;
    readonly TEST_ADMIN_TOKEN: string;
    readonly TEST_MIGRATIONS: D1Migration[];
  }
}

/** As in a browser's types: a test looks at what it was answered without describing it first. */
interface Response {
  // biome-ignore lint/suspicious/noExplicitAny: what came is to be found out.
  json<T = any>(): Promise<T>;
}
