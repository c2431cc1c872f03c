/**
 * Whoever calls the control plane: administrators who issue and revoke, holders of keys who exchange
 * them, and thieves who go on minting under signing keys that leaked or are on their way out.
 */

import { revokeApiKey } from '@cardea/control-plane/api-keys/revoke-api-key';
import { rotateApiKey } from '@cardea/control-plane/api-keys/rotate-api-key';
import { setKeyEnabled } from '@cardea/control-plane/api-keys/set-key-enabled';
import type { RevocationWish } from '@cardea/control-plane/revocations/target';
import { StoreUnavailable } from '@cardea/control-plane/store-unavailable';
import { DEFAULT_TENANT_ID } from '@cardea/shared/tenant';
import type { ControlPlane } from './control-plane.ts';
import { signUnder } from './key-pool.ts';
import type { Ledger } from './ledger.ts';
import type { Random } from './random.ts';
import { TENANT, TOKEN_SECONDS_MAX } from './setting.ts';
import type { Story } from './story.ts';
import type { Tally } from './tally.ts';
import { readToken, type Token } from './token.ts';
import type { World } from './world.ts';

export interface CallersParts {
  readonly world: World;
  readonly random: Random;
  readonly story: Story;
  readonly tally: Tally;
  readonly ledger: Ledger;
  readonly controlPlane: ControlPlane;
  /** Seconds by the database's clock. */
  readonly nowSeconds: () => number;
  readonly fail: (error: unknown) => void;
  /** How many times slower than usual. */
  readonly pace: number;
  readonly hasMasses: boolean;
}

const CALLER = { kind: 'bootstrap', id: '', requestId: 'simulated' } as const;
const KEYS = 8;
const ACTORS = 4;

export class Callers {
  /** Every token that is out, also those that have expired not long ago. */
  tokens: Token[] = [];
  isActive = true;
  readonly #parts: CallersParts;
  readonly #keys: string[] = [];
  /** kids of keys that thieves have. */
  readonly #stolen = new Set<string>();
  #minted = 0;

  constructor(parts: CallersParts) {
    this.#parts = parts;
  }

  start(): void {
    const { random, world, pace } = this.#parts;
    const often = (min: number, max: number) => () => pace * random.integer(min * 1000, max * 1000);
    const every = (gap: () => number, what: () => Promise<unknown>) =>
      world.every(gap, () => void this.#attempt(what));
    every(often(3, 9), () => this.#mint());
    every(often(15, 60), () => this.#derive());
    every(often(6, 30), () => this.#revoke());
    every(
      () => random.integer(200_000, 400_000),
      () => this.#parts.controlPlane.rotateSigningKey(),
    );
    every(often(20, 100), () => this.#mintStolen());
    if (this.#parts.hasMasses) every(often(20, 60), () => this.#revokeMany());
    if (random.chance(0.25)) {
      world.after(random.integer(60, 500) * 1000, () => void this.#attempt(() => this.#leak()));
    }
  }

  /** The database may be away: then whoever called hears 503. */
  async #attempt(what: () => Promise<unknown>): Promise<void> {
    const { fail, story } = this.#parts;
    if (!this.isActive) return;
    try {
      await what();
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) fail(error);
      story.tell('callers', 'hear 503');
    }
  }

  async #mint(): Promise<void> {
    const { controlPlane, nowSeconds, random } = this.#parts;
    const now = nowSeconds();
    this.tokens = this.tokens.filter(({ expiresAtSeconds }) => expiresAtSeconds + 60 > now);
    if (this.#keys.length < KEYS) {
      this.#keys.push(await controlPlane.issueKey(`actor ${random.integer(1, ACTORS)}`));
    }
    const keyId = this.#keys[random.integer(0, this.#keys.length - 1)];
    if (keyId === undefined) return;
    const lifetimeSeconds = random.integer(30, TOKEN_SECONDS_MAX);
    await this.#take(await controlPlane.mint(keyId, lifetimeSeconds));
  }

  async #derive(): Promise<void> {
    const { controlPlane } = this.#parts;
    const parent = this.#someToken();
    if (parent === undefined) return;
    await this.#take(await controlPlane.derive(parent.text, 30));
  }

  async #take(minted: Awaited<ReturnType<ControlPlane['mint']>>): Promise<void> {
    const { story, tally } = this.#parts;
    if (minted.outcome !== 'minted') {
      tally.count(`not minted: ${minted.outcome}`);
      return;
    }
    const token = await readToken(`token ${++this.#minted}`, minted.token.text);
    story.tell('callers', `get ${token.name}, iat ${token.issuedAtSeconds}`);
    tally.count('minted');
    this.tokens.push(token);
  }

  async #revoke(): Promise<void> {
    const { controlPlane, random, story } = this.#parts;
    const keyId = this.#keys[random.integer(0, Math.max(0, this.#keys.length - 1))];
    const token = this.#someToken();
    if (keyId === undefined || token === undefined) return;
    const named = { tenant: TENANT, caller: CALLER, keyId };
    const { deps } = controlPlane;
    const what = random.pick([
      ...(['token', 'token', 'key', 'cut off', 'revoked', 'rotate', 'overlap'] as const),
      ...(['disable', 'enable', 'actor', 'tenant', 'everything'] as const),
    ]);
    story.tell('callers', `revoke: ${what}`);
    switch (what) {
      case 'token':
        return this.#ask({ target: what, subject: token.tokenId });
      case 'key':
        this.#forgetKey(keyId);
        return this.#ask({ target: what, subject: keyId });
      case 'cut off':
        return this.#ask({ target: 'key', subject: keyId, extent: 'cut_off' });
      case 'revoked':
        await revokeApiKey(deps, { ...named, reason: 'key_compromise' });
        return this.#forgetKey(keyId);
      case 'rotate':
      case 'overlap': {
        const overlapSeconds = what === 'rotate' ? 0 : random.integer(5, 60);
        await rotateApiKey(deps, { ...named, overlapSeconds });
        return this.#forgetKey(keyId);
      }
      case 'disable':
      case 'enable':
        await setKeyEnabled(deps, { ...named, kind: 'issued', isEnabled: what === 'enable' });
        return;
      case 'actor':
        return this.#ask({ target: what, subject: token.actor });
      case 'tenant':
        return this.#ask({ target: what, subject: DEFAULT_TENANT_ID });
      case 'everything':
        return this.#ask({ target: what });
    }
  }

  async #ask(wish: RevocationWish): Promise<void> {
    const { controlPlane, story, tally } = this.#parts;
    const answer = await controlPlane.revoke(wish);
    tally.count(answer === 'accepted' ? 'accepted later' : answer);
    story.tell('callers', `hear ${answer}`);
  }

  /** Thousands of tokens that nobody holds here: so that segments are made, merged and dropped. */
  async #revokeMany(): Promise<void> {
    const { controlPlane, random, story } = this.#parts;
    const count = random.integer(1000, 2500);
    story.tell('callers', `revoke: ${count} tokens at once`);
    await controlPlane.revokeMany(count);
  }

  #forgetKey(keyId: string): void {
    this.#keys.splice(this.#keys.indexOf(keyId), 1);
  }

  /** The newest signing key leaks: it is revoked for good, and the publisher takes it out. */
  async #leak(): Promise<void> {
    const { story, tally } = this.#parts;
    const kid = this.tokens.at(-1)?.kid;
    if (kid === undefined) return;
    story.tell('callers', `revoke: signing key ${kid.slice(0, 8)}, which leaked`);
    tally.count('leaked keys');
    this.#stolen.add(kid);
    await this.#ask({ target: 'signing_key', subject: kid });
    this.#parts.ledger.keyLeaked(kid);
  }

  /** Who has an old key goes on minting under it. */
  async #mintStolen(): Promise<void> {
    const { controlPlane, nowSeconds, random } = this.#parts;
    const parent = this.tokens[0];
    if (parent === undefined) return;
    // Thieves have the key that the oldest token was signed with, whatever became of it since.
    this.#stolen.add(parent.kid);
    for (const kid of this.#stolen) {
      const claims = JSON.parse(
        Buffer.from(parent.text.split('.')[1] ?? '', 'base64url').toString(),
      );
      const now = nowSeconds();
      const exp = now + random.integer(30, TOKEN_SECONDS_MAX);
      const own = { jti: controlPlane.newUuid(), iat: now, nbf: now, exp };
      const text = signUnder(kid, { ...claims, ...own });
      this.tokens.push(await readToken(`stolen ${++this.#minted}`, text, true));
    }
  }

  #someToken(): Token | undefined {
    const { random } = this.#parts;
    return this.tokens[random.integer(0, Math.max(0, this.tokens.length - 1))];
  }
}
