/**
 * What has to come right by itself once nothing goes wrong any more: every isolate accepts a token
 * that is good and refuses one that was revoked, within the bound and the time that KV and a change of
 * signing keys may take. So a run in which everything is refused for ever is a violation too.
 */

import { formatScopeId } from '@cardea/shared/feed/scope-id';
import type { ControlPlane } from './control-plane.ts';
import type { Database } from './database.ts';
import type { Edges } from './edges.ts';
import type { Ledger } from './ledger.ts';
import type { Setting } from './setting.ts';
import type { Story } from './story.ts';
import { readToken, type Token } from './token.ts';
import type { World } from './world.ts';

export interface ConvergenceParts {
  readonly world: World;
  readonly story: Story;
  readonly ledger: Ledger;
  readonly setting: Setting;
  readonly controlPlane: ControlPlane;
  readonly edges: Edges;
  readonly database: Database;
}

const LOOK_MILLISECONDS = 5_000;
const SENT_MILLISECONDS = 20_000;
/**
 * What the faults may leave behind: writes on their way (60 s late, 120 s to a location), a keyset that
 * has to arrive (120 s), a cached miss (60 s), and a little for the rest.
 */
const SLACK_SECONDS = 480;
/** A few heartbeats. */
const DATABASE_SECONDS_MAX = 100;

/** Notes a violation if it does not come right. Answers how long it took, seconds. */
export async function awaitConvergence(parts: ConvergenceParts): Promise<number> {
  const { ledger, setting, story } = parts;
  // A new signing key is published for a bound before it is used.
  const secondsMax = 2 * (setting.feedHardSeconds + setting.clockSkewSeconds) + SLACK_SECONDS;
  // What was sent to a slow database may still take effect, and cut the probes off.
  await parts.world.sleep(SENT_MILLISECONDS);
  let probes: Probes | undefined;
  let made = 0;
  const edges = await untilRight(parts, secondsMax, async () => {
    // A database that has just been restored may still mint under a key that it has forgotten to be leaked.
    if (probes !== undefined && ledger.isRetired(probes.good.kid)) probes = undefined;
    probes ??= await makeProbes(parts, ++made);
    return probes === undefined ? 'no token is minted' : lookAt(parts, probes);
  });
  if (edges.missing !== '') {
    ledger.broken(4, `not repaired by itself within ${secondsMax} s: ${edges.missing}`);
    return secondsMax;
  }
  story.tell('convergence', `of edges after ${edges.seconds} s`);
  // Soon, that is before what is lacking is over anyhow.
  const database = await untilRight(parts, DATABASE_SECONDS_MAX, async () => lackOf(parts));
  if (database.missing !== '') {
    ledger.broken(4, `not given back within ${DATABASE_SECONDS_MAX} s: ${database.missing}`);
  }
  return edges.seconds;
}

/** Looks every few seconds what is `missing`, until it is nothing. */
async function untilRight(
  { world }: ConvergenceParts,
  secondsMax: number,
  look: () => Promise<string>,
): Promise<{ readonly missing: string; readonly seconds: number }> {
  const startedAt = world.now;
  for (;;) {
    const missing = await look();
    const seconds = Math.round((world.now - startedAt) / 1000);
    if (missing === '' || seconds >= secondsMax) return { missing, seconds };
    await world.sleep(LOOK_MILLISECONDS);
  }
}

interface Probes {
  readonly good: Token;
  readonly revoked: Token;
}

async function makeProbes(
  { controlPlane }: ConvergenceParts,
  number: number,
): Promise<Probes | undefined> {
  const keyId = await controlPlane.issueKey('probe');
  const good = await mintProbe(controlPlane, keyId, `good probe ${number}`);
  const revoked = await mintProbe(controlPlane, keyId, `revoked probe ${number}`);
  if (good === undefined || revoked === undefined) return undefined;
  await controlPlane.revoke({ target: 'token', subject: revoked.tokenId });
  return { good, revoked };
}

async function mintProbe(controlPlane: ControlPlane, keyId: string, name: string) {
  const minted = await controlPlane.mint(keyId, 600);
  return minted.outcome === 'minted' ? readToken(name, minted.token.text) : undefined;
}

/** What is not right yet; empty if all is. */
async function lookAt({ edges }: ConvergenceParts, { good, revoked }: Probes): Promise<string> {
  const answers = [
    await edges.askAll(good, 'strict'),
    await edges.askAll(revoked, 'closed'),
  ] as const;
  const wrong = answers[0].find((answer) => answer !== 'accepted');
  if (wrong !== undefined) return `a good token is refused: ${wrong}`;
  const passed = answers[1].find((answer) => answer !== 'token_revoked');
  return passed === undefined ? '' : `a revoked token is ${passed}`;
}

/** The control plane refuses by its database: what was restored has been given back what it forgot. */
function lackOf({ database, ledger }: ConvergenceParts): string {
  const bounds = new Map<string, number>();
  for (const { entry } of database.revocations()) {
    const scopeId = formatScopeId(entry.scopeId);
    bounds.set(scopeId, Math.max(entry.boundSeconds, bounds.get(scopeId) ?? 0));
  }
  const lacking = ledger
    .liveEntries()
    .find(({ scopeId, boundSeconds }) => (bounds.get(scopeId) ?? -1) < boundSeconds);
  return lacking === undefined ? '' : `the database lacks ${lacking.scopeId}`;
}
