/** Reaches the one hub of an environment over RPC. */

import type { HubApi } from './hub-api.ts';

export function createHubClient(namespace: DurableObjectNamespace, environmentId: string): HubApi {
  // A stub belongs to the request that made it: a new one for each call. That the class behind the
  // binding is `Hub` is written in wrangler.toml.
  const hub = () => namespace.get(namespace.idFromName(environmentId)) as unknown as HubApi;
  return {
    acknowledge: (entries) => hub().acknowledge(entries),
    poke: (wish) => hub().poke(wish),
    head: () => hub().head(),
    keyset: (hash) => hub().keyset(hash),
    segment: (hash) => hub().segment(hash),
    status: () => hub().status(),
    noteSightings: (sightings) => hub().noteSightings(sightings),
    sightings: () => hub().sightings(),
  };
}
