/**
 * The port to a tracer. A span carries names of routes and ports, statuses and ids of requests and
 * tenants; never a credential, a body or a query.
 */

/** What is known of a request once it is answered. */
export interface RequestFacts {
  readonly method: string;
  /** Template of the route, or `none`. */
  readonly route: string;
  readonly status: number;
  readonly requestId: string;
  readonly tenantId?: string;
}

export interface Tracing {
  /** Runs `work` as the span of one request, a child of what `traceparent` names (W3C). */
  request(headers: Headers, work: () => Promise<RequestFacts>): Promise<unknown>;
  /** Runs `work` as a child of the request that is under way; alone where none is. */
  step<T>(name: string, work: () => Promise<T>): Promise<T>;
}

export const NO_TRACING: Tracing = {
  request: (_headers, work) => work(),
  step: (_name, work) => work(),
};
