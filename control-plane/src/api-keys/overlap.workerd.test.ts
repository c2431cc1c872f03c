/** Rotation with overlap over HTTP: two keys for a stated time, then one, by itself. */

import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, test } from 'vitest';
import { admin, anonymous, ISSUED, issue, outcomeOf } from '../../testing/api.ts';
import { publish } from '../../testing/hub.ts';

// Tokens are signed once the first signing key has been published.
beforeAll(publish);

const verify = async (credential: string): Promise<Record<string, unknown>> =>
  (await admin('/v2alpha1/admin/apiKeys:verify', { body: { credential } })).json();
const derive = (credential: string, ttl?: string) =>
  admin('/v2alpha1/admin/apiKeys:derive', { body: { credential, ttl } });
const rotate = (keyId: string, body: unknown) => admin(`${ISSUED}/${keyId}:rotate`, { body });
const get = async (keyId: string) => (await admin(`${ISSUED}/${keyId}`)).json();

/** The overlap is over: the row's date moves into the past, and so does the revocation's effect. */
async function pass(keyId: string): Promise<void> {
  const seconds = 2 * 86_400;
  await env.DB.batch([
    env.DB.prepare(
      `UPDATE api_keys SET overlap_end_ms = overlap_end_ms - ?1 * 1000 WHERE key_id = ?2`,
    ).bind(seconds, keyId),
    env.DB.prepare(
      `UPDATE revocations SET effective_at_s = effective_at_s - ?1 WHERE revocation_id =
         (SELECT revocation_id FROM api_keys WHERE key_id = ?2)`,
    ).bind(seconds, keyId),
  ]);
}

describe('a rotation with overlap', () => {
  test('leaves the old key at work until the overlap ends, and no longer', async () => {
    const old = await issue({ ttl: '30d' });
    const { key_id: oldId, expire_time: expiry } = old.issued_api_key;
    const response = await rotate(oldId, { overlap: '1d' });
    expect(response.status).toBe(201);
    // Nothing is revoked yet.
    expect(response.headers.has('cardea-revocation')).toBe(false);
    const next = await response.json();
    const { old_issued_api_key: shown } = next;
    expect(shown).toEqual({
      ...old.issued_api_key,
      update_time: shown.update_time,
      expire_time: shown.overlap_end_time,
      overlap_end_time: expect.any(String),
    });
    const overlap = Date.parse(shown.overlap_end_time) - Date.parse(shown.update_time);
    expect(overlap).toBe(86_400_000);
    expect(next.issued_api_key.expire_time).toBe(expiry);
    expect(await get(oldId)).toEqual(shown);
    expect(await verify(old.secret)).toMatchObject({
      ...{ is_valid: true, key_id: oldId, expire_time: shown.overlap_end_time },
    });
    expect(await verify(next.secret)).toMatchObject({ is_valid: true });

    const { token } = (await (await derive(old.secret, '1h')).json()).token;
    expect(await verify(token)).toMatchObject({ is_valid: true });
    expect(await outcomeOf(await derive(old.secret, '25h'))).toMatch(/^400 /);

    await pass(oldId);
    expect(await get(oldId)).toMatchObject({
      status: 'KEY_STATUS_REVOKED',
      revocation_reason: 'REVOCATION_REASON_SUPERSEDED',
    });
    expect(await verify(old.secret)).toMatchObject({ error_code: 'VERIFICATION_ERROR_REVOKED' });
    expect(await verify(token)).toMatchObject({ error_code: 'VERIFICATION_ERROR_REVOKED' });
    expect(await outcomeOf(await derive(old.secret))).toMatch(/^401 /);
    expect(await verify(next.secret)).toMatchObject({ is_valid: true });
    const ended = await admin(`${ISSUED}/${oldId}:revoke`, { body: {} });
    expect(await outcomeOf(ended)).toBe('409 conflict');
  });

  test('ends early when the old key is revoked, with the reason that was given', async () => {
    const old = await issue();
    const { key_id: oldId } = old.issued_api_key;
    const next = await (await rotate(oldId, { overlap: '1h' })).json();
    const reason = 'REVOCATION_REASON_KEY_COMPROMISE';
    const ended = await admin(`${ISSUED}/${oldId}:revoke`, { body: { reason } });
    expect(await outcomeOf(ended)).toMatch(/^20[24]$/);
    const shown = await get(oldId);
    expect(shown).toMatchObject({ status: 'KEY_STATUS_REVOKED', revocation_reason: reason });
    expect(shown).not.toHaveProperty('overlap_end_time');
    expect(await verify(old.secret)).toMatchObject({ error_code: 'VERIFICATION_ERROR_REVOKED' });
    expect(await verify(next.secret)).toMatchObject({ is_valid: true });
  });

  test('lets the holder end the old key too', async () => {
    const old = await issue();
    await rotate(old.issued_api_key.key_id, { overlap: '1h' });
    const body = { credential: old.secret };
    expect((await anonymous('/v2alpha1/apiKeys:selfRevoke', { body })).status).toBe(200);
    expect(await verify(old.secret)).toMatchObject({ error_code: 'VERIFICATION_ERROR_REVOKED' });
  });

  test('is not followed by another of the same key', async () => {
    const { issued_api_key: key } = await issue();
    await rotate(key.key_id, { overlap: '1h' });
    for (const body of [{}, { overlap: '1h' }]) {
      expect(await outcomeOf(await rotate(key.key_id, body))).toBe('409 failed_precondition');
    }
    await pass(key.key_id);
    expect(await outcomeOf(await rotate(key.key_id, {}))).toBe('409 failed_precondition');
  });

  test('shows in filters where the old key is', async () => {
    const actor = crypto.randomUUID();
    const { issued_api_key: key } = await issue({ actor_id: actor });
    await rotate(key.key_id, { overlap: '1h' });
    const listed = async (status: string) => {
      const filter = encodeURIComponent(`actor_id="${actor}" AND status=KEY_STATUS_${status}`);
      const page = await (await admin(`${ISSUED}?filter=${filter}`)).json();
      return page.issued_api_keys.map(({ key_id: keyId }: { key_id: string }) => keyId);
    };
    expect(await listed('ACTIVE')).toHaveLength(2);
    expect(await listed('REVOKED')).toEqual([]);
    await pass(key.key_id);
    expect(await listed('ACTIVE')).toHaveLength(1);
    expect(await listed('REVOKED')).toEqual([key.key_id]);
    expect(await listed('EXPIRED')).toEqual([]);
  });

  test.each(['1h', '3600s', '60m', '0.5h'])('takes %s', async (overlap) => {
    const { issued_api_key: key } = await issue();
    expect(await outcomeOf(await rotate(key.key_id, { overlap }))).toBe('201');
  });

  test('of no length is none', async () => {
    const { issued_api_key: key } = await issue();
    const { old_issued_api_key: old } = await (await rotate(key.key_id, { overlap: '0s' })).json();
    expect(old).toMatchObject({ status: 'KEY_STATUS_REVOKED' });
  });

  test.each([
    ['below 0', '-1s'],
    ['a fraction of a second', '1.5s'],
    ['more than 30 days', '2592001s'],
    ['no duration', 'soon'],
    ['a number', 3600],
    ['longer than the key lives', '2h'],
  ])('is refused with %s, and nothing happens', async (_, overlap) => {
    const { issued_api_key: key } = await issue({ ttl: '1h' });
    const refused = await rotate(key.key_id, { overlap });
    const { error } = await refused.clone().json();
    expect(await outcomeOf(refused)).toBe('400 bad_request');
    expect(error.message).toMatch(/^overlap: /);
    expect(await get(key.key_id)).toEqual(key);
  });

  test('may last as long as the key lives, to the second', async () => {
    const { issued_api_key: key } = await issue({ ttl: '1h' });
    expect(await outcomeOf(await rotate(key.key_id, { overlap: '3601s' }))).toBe('400 bad_request');
    const next = await (await rotate(key.key_id, { overlap: '3590s' })).json();
    const { overlap_end_time: end } = next.old_issued_api_key;
    expect(Date.parse(end)).toBeLessThanOrEqual(Date.parse(key.expire_time));
  });
});
