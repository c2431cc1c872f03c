/**
 * Random bytes in small portions. Each call of the generator costs several microseconds, for 16 bytes as
 * for 4096, and every request draws ids. As Node's own `randomUUID` does; portions leave the pool for
 * good, no byte is handed out twice, and none stays behind.
 */

import type { RandomBytes } from '@cardea/shared/crypto/random';

const POOL_BYTES = 4096;

export function createRandomPool(draw: RandomBytes): RandomBytes {
  let pool = new Uint8Array(0);
  let used = 0;
  return (length) => {
    if (length > POOL_BYTES) return draw(length);
    if (used + length > pool.length) {
      pool = draw(POOL_BYTES);
      used = 0;
    }
    const portion = pool.slice(used, used + length);
    pool.fill(0, used, used + length);
    used += length;
    return portion;
  };
}
