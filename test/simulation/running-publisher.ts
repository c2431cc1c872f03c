/** What a publisher of either runtime takes from a run, and what it gives to it. */

import type { Ed25519PrivateJwk } from '@cardea/control-plane/ed25519-private-jwk';
import type { Log } from '@cardea/control-plane/log';
import type { SignHead } from '@cardea/control-plane/publication/sign-head';
import type { Truth } from '@cardea/control-plane/publication/truth';
import type { RevocationAnnouncer } from '@cardea/control-plane/revocations/revocation';
import type { FeedKeys } from '@cardea/shared/feed/feed-key';
import type { ControlPlane } from './control-plane.ts';
import type { Database } from './database.ts';
import type { Faults, Outage } from './faults.ts';
import type { Answering } from './feed-endpoint.ts';
import type { KvNamespaceStandIn } from './kv-stand-in.ts';
import type { Ledger } from './ledger.ts';
import type { Process } from './process.ts';
import type { PublisherPlant } from './publisher-plants.ts';
import type { Random } from './random.ts';
import type { Setting } from './setting.ts';
import type { Story } from './story.ts';
import type { Tally } from './tally.ts';
import type { World } from './world.ts';

export interface PublisherEnvironment {
  readonly world: World;
  readonly random: Random;
  readonly story: Story;
  readonly tally: Tally;
  readonly ledger: Ledger;
  readonly setting: Setting;
  readonly faults: Faults;
  readonly database: Database;
  /** Milliseconds by the database's clock. */
  readonly databaseNow: () => number;
  readonly controlPlane: ControlPlane;
  /** KV from where the publisher is. */
  readonly namespace: KvNamespaceStandIn;
  readonly feedJwk: Ed25519PrivateJwk;
  readonly signHead: SignHead;
  readonly feedKeys: FeedKeys;
  readonly plant: PublisherPlant;
  readonly randomBytes: (length: number) => Uint8Array<ArrayBuffer>;
  readonly log: (who: string) => Log;
  readonly fail: (error: unknown) => void;
}

export interface RunningPublisher {
  readonly announcer: RevocationAnnouncer;
  readonly outages: readonly Outage[];
  /** What may be lost for good, by name. */
  readonly losses: ReadonlyArray<readonly [string, () => void]>;
  /** Whoever answers a request for the feed now. */
  readonly answering: () => Answering | undefined;
  /** Frees what it holds. */
  readonly close: () => void;
}

/** The ports of `truth` that lead out of the process. */
export function guardTruth(truth: Truth, process: Process): Truth {
  return {
    ...truth,
    revocations: process.guard('revocations', truth.revocations),
    signingKeys: process.guard('signingKeys', truth.signingKeys),
    sealAudit: (known) => process.around('sealAudit', () => truth.sealAudit(known)),
    restoration: {
      ...truth.restoration,
      store: process.guard('restorations', truth.restoration.store),
    },
  };
}
