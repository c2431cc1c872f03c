/** The contract of `ReplacedKeyStore`. */

import { expect, test } from 'vitest';
import { allAtOnce, newId, newReplacedKey } from './fixtures.ts';
import type { Subject } from './subject.ts';

export function testReplacedKeys(subject: () => Subject): void {
  test('a replaced macaroon key is listed as it was written, once, whoever writes it', async () => {
    const { replacedKeys } = subject().stores;
    const tenantId = newId();
    const keys = [newReplacedKey(tenantId, 'a'), newReplacedKey(tenantId, 'b')];
    await allAtOnce(6, () => replacedKeys.insert(keys));
    const listed = [...(await replacedKeys.list(tenantId))];
    listed.sort((one, other) => (one.kid < other.kid ? -1 : 1));
    const { replacedAtSeconds = 0 } = listed[0] ?? {};
    expect(Math.abs(replacedAtSeconds - Date.now() / 1000)).toBeLessThan(60);
    expect(listed).toEqual(keys.map((key) => ({ ...key, replacedAtSeconds: expect.any(Number) })));
    const all = await replacedKeys.listAll();
    expect(all.filter((key) => key.tenantId === tenantId)).toHaveLength(2);
    // Later, the same again changes nothing: the time since which it is replaced stays.
    await subject().run(
      `UPDATE replaced_macaroon_keys SET replaced_at_s = 5 WHERE nid = '${tenantId}'`,
    );
    await replacedKeys.insert(keys);
    const again = await replacedKeys.list(tenantId);
    expect(again.map((key) => key.replacedAtSeconds)).toEqual([5, 5]);
    expect(await replacedKeys.list(newId())).toEqual([]);
  });
}
