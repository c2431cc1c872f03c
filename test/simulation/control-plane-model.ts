/**
 * Who mints and who revokes: API keys, actors, tokens, the life of signing keys. Everything is stamped
 * by the database's clock. The rules that the feed rests on are kept here as docs/feed.md states them:
 * no token in a scope whose bound is not yet past, no key used before it was published for a bound.
 */

import { FOR_GOOD } from '@cardea/shared/feed/entry';
import type { KeysetKey } from '@cardea/shared/feed/keyset';
import { EVERYTHING, type ScopeId, scopeIdOfSigningKey } from '@cardea/shared/feed/scope-id';
import { fixedKey, keysetKeyOf } from '@cardea/shared/feed/testing/feed-fixture';
import { unixSeconds } from '@cardea/shared/time';
import type { Ledger, Token } from './ledger.ts';
import type { PublisherModel } from './publisher-model.ts';
import type { Random } from './random.ts';
import type { World } from './world.ts';

export const TOKEN_SECONDS_MAX = 600;
const NO_END = unixSeconds(FOR_GOOD);

/** More than a run can use up. Made once: making keys is slow. */
const POOL = await Promise.all(
  [11, 12, 13, 14, 15, 16].map(async (fill) => {
    const key = await fixedKey(fill);
    return { key, scopeId: await scopeIdOfSigningKey(key.kid) };
  }),
);

interface SigningKey {
  readonly keysetKey: KeysetKey;
  readonly scopeId: ScopeId;
  publishedAt: number | undefined;
}

export interface ControlPlaneParts {
  readonly world: World;
  readonly random: Random;
  readonly ledger: Ledger;
  readonly publisher: PublisherModel;
  readonly offsetMilliseconds: number;
  readonly hardSeconds: number;
  readonly clockSkewSeconds: number;
}

export class ControlPlaneModel {
  /** Every token that is out, also those that have expired not long ago. */
  tokens: Token[] = [];
  readonly #parts: ControlPlaneParts;
  readonly #tenant: ScopeId;
  readonly #apiKeys: ScopeId[] = [];
  readonly #actors: ScopeId[] = [];
  #keys: SigningKey[] = [];
  readonly #leaked: SigningKey[] = [];
  #poolUsed = 0;
  #minted = 0;

  constructor(parts: ControlPlaneParts) {
    this.#parts = parts;
    this.#tenant = this.#newScope();
    for (let i = 0; i < 8; i++) this.#apiKeys.push(this.#newScope());
    for (let i = 0; i < 4; i++) this.#actors.push(this.#newScope());
    this.#addKey('active', this.#now() - parts.clockSkewSeconds);
    parts.publisher.onKeysPublished = (kids) => this.#published(kids);
  }

  start(): void {
    const { random } = this.#parts;
    this.#every([3, 9], () => this.#mint());
    this.#every([8, 40], () => this.#revoke());
    this.#every([1, 3], () => this.#promote());
    this.#every([200, 400], () => this.#rotate());
    this.#every([20, 100], () => this.#mintUnderOldKeys());
    if (random.chance(0.2))
      this.#parts.world.after(random.integer(60, 500) * 1000, () => this.#leak());
  }

  #every([min, max]: readonly [number, number], action: () => void): void {
    const { world, random } = this.#parts;
    world.after(random.integer(min * 1000, max * 1000), () => {
      action();
      this.#every([min, max], action);
    });
  }

  /** Seconds by the database's clock. */
  #now(): number {
    return Math.floor((this.#parts.world.now + this.#parts.offsetMilliseconds) / 1000);
  }

  #newScope(): ScopeId {
    const { random } = this.#parts;
    return { high: random.integer(1, 0xffffffff), low: random.integer(0, 0xffffffff) };
  }

  #mint(): void {
    const { publisher, random } = this.#parts;
    const now = this.#now();
    this.tokens = this.tokens.filter(({ expiresAtSeconds }) => expiresAtSeconds + 120 > now);
    const active = this.#keys.find(({ keysetKey }) => keysetKey.state === 'active');
    if (active?.publishedAt === undefined || !publisher.isDatabaseUp) return;
    this.#addToken(active, [random.integer(0, this.#apiKeys.length - 1), random.integer(0, 3)]);
  }

  #addToken(key: SigningKey, [apiKey, actor]: readonly [number, number], isLeaked = false): void {
    const { publisher, random } = this.#parts;
    const issuedAtSeconds = this.#now();
    const named = [this.#apiKeys[apiKey] ?? EVERYTHING, this.#actors[actor] ?? EVERYTHING];
    const scopeIds = [this.#newScope(), ...named, this.#tenant, key.scopeId, EVERYTHING];
    const isCutOff = publisher.rows.some(
      ({ scopeId, boundSeconds }) =>
        issuedAtSeconds <= boundSeconds &&
        scopeIds.some(({ high, low }) => high === scopeId.high && low === scopeId.low),
    );
    // Minting waits for the next second, or is refused for good.
    if (isCutOff && !isLeaked) return;
    this.tokens.push({
      name: `token ${++this.#minted}`,
      kid: key.keysetKey.kid,
      issuedAtSeconds,
      expiresAtSeconds: issuedAtSeconds + random.integer(30, TOKEN_SECONDS_MAX),
      scopeIds,
    });
  }

  #revoke(): void {
    const { publisher, random } = this.#parts;
    if (!publisher.isDatabaseUp) return;
    const now = this.#now();
    const token = this.tokens[random.integer(0, Math.max(0, this.tokens.length - 1))];
    switch (random.pick(['token', 'token', 'key', 'key', 'disabled', 'actor', 'all'] as const)) {
      case 'token':
        if (token?.scopeIds[0] !== undefined) this.#commit(token.scopeIds[0], FOR_GOOD);
        return;
      case 'key': {
        const index = random.integer(0, this.#apiKeys.length - 1);
        this.#commit(this.#apiKeys[index] ?? EVERYTHING, FOR_GOOD);
        this.#apiKeys[index] = this.#newScope();
        return;
      }
      case 'disabled':
        this.#commit(random.pick([this.#apiKeys[0] ?? EVERYTHING]), now);
        return;
      case 'actor':
        this.#commit(this.#actors[random.integer(0, 3)] ?? EVERYTHING, now);
        return;
      case 'all':
        this.#commit(random.chance(0.5) ? this.#tenant : EVERYTHING, now);
    }
  }

  #commit(scopeId: ScopeId, boundSeconds: number): void {
    const { publisher, clockSkewSeconds, random } = this.#parts;
    const expiresAtSeconds = this.#now() + TOKEN_SECONDS_MAX + clockSkewSeconds;
    publisher.rows.push({ scopeId, boundSeconds, expiresAtSeconds });
    // Between the commit and the announcement the process may end.
    if (random.chance(0.8)) publisher.announce();
  }

  #addKey(state: 'pending' | 'active', notBeforeSeconds: number): void {
    const made = POOL[this.#poolUsed++];
    if (made === undefined) return;
    const keysetKey = keysetKeyOf(made.key, {
      ...{ state, notBeforeSeconds: unixSeconds(notBeforeSeconds), notAfterSeconds: NO_END },
    });
    this.#keys.push({ keysetKey, scopeId: made.scopeId, publishedAt: undefined });
    this.#publishKeys();
  }

  #publishKeys(): void {
    this.#parts.publisher.keys = this.#keys.map(({ keysetKey }) => keysetKey);
  }

  #published(kids: ReadonlySet<string>): void {
    for (const key of this.#keys) {
      if (!kids.has(key.keysetKey.kid) || key.publishedAt !== undefined) continue;
      key.publishedAt = this.#parts.world.now;
      this.#parts.ledger.keyLivesUntil(key.keysetKey.kid, Number.POSITIVE_INFINITY);
    }
  }

  #rotate(): void {
    if (this.#keys.some(({ keysetKey }) => keysetKey.state === 'pending')) return;
    this.#addKey('pending', this.#now() + this.#parts.hardSeconds);
  }

  /** Pending → active when published for a bound; the former key retires; retired ones leave. */
  #promote(): void {
    const { world, ledger, publisher, hardSeconds, clockSkewSeconds } = this.#parts;
    if (!publisher.isDatabaseUp) return;
    const now = this.#now();
    const boundMilliseconds = (hardSeconds + clockSkewSeconds) * 1000;
    const isDue = this.#keys.some(
      ({ keysetKey, publishedAt }) =>
        keysetKey.state === 'pending' &&
        publishedAt !== undefined &&
        publishedAt + boundMilliseconds <= world.now,
    );
    if (isDue) {
      this.#keys = this.#keys.map((key) => this.#moved(key, now));
      const end = world.now + (TOKEN_SECONDS_MAX + clockSkewSeconds) * 1000;
      for (const { keysetKey } of this.#keys) {
        if (keysetKey.notAfterSeconds === unixSeconds(now + TOKEN_SECONDS_MAX)) {
          ledger.keyLivesUntil(keysetKey.kid, end);
        }
      }
    }
    this.#keys = this.#keys.filter(({ keysetKey }) => keysetKey.notAfterSeconds > now);
    this.#publishKeys();
  }

  #moved(key: SigningKey, now: number): SigningKey {
    const { clockSkewSeconds } = this.#parts;
    const { keysetKey } = key;
    if (keysetKey.state === 'pending') {
      const notBeforeSeconds = unixSeconds(now - clockSkewSeconds);
      return { ...key, keysetKey: { ...keysetKey, state: 'active', notBeforeSeconds } };
    }
    if (keysetKey.state === 'retiring') return key;
    const notAfterSeconds = unixSeconds(now + TOKEN_SECONDS_MAX);
    return { ...key, keysetKey: { ...keysetKey, state: 'retiring', notAfterSeconds } };
  }

  /**
   * The active signing key leaks: revoked for good, and out of the keyset at once. Both are needed: the
   * entry acts before a new keyset has arrived, and the keyset still acts when the entry is pruned,
   * for whoever has the key can mint under it for ever.
   */
  #leak(): void {
    const { world, ledger, clockSkewSeconds } = this.#parts;
    const leaked = this.#keys.find(({ keysetKey }) => keysetKey.state === 'active');
    if (leaked === undefined) return;
    this.#commit(leaked.scopeId, FOR_GOOD);
    this.#keys = this.#keys.filter((key) => key !== leaked);
    this.#leaked.push(leaked);
    const end = world.now + (TOKEN_SECONDS_MAX + clockSkewSeconds) * 1000;
    ledger.keyLivesUntil(leaked.keysetKey.kid, end);
    this.#rotate();
    this.#publishKeys();
  }

  /** Who has an old key goes on minting under it. */
  #mintUnderOldKeys(): void {
    const retiring = this.#keys.filter(({ keysetKey }) => keysetKey.state === 'retiring');
    for (const key of [...retiring, ...this.#leaked]) this.#addToken(key, [0, 0], true);
  }
}
