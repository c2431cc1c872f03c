import { ENTRY_BYTES, FOR_GOOD } from '@cardea/shared/feed/entry';

/** Random ids, sorted, each revoked for good. */
export function randomSegment(entryCount: number): Uint8Array<ArrayBuffer> {
  const ids = new BigUint64Array(entryCount);
  const random = new Uint8Array(ids.buffer);
  const step = 65_536; // What one draw may ask for.
  for (let at = 0; at < random.length; at += step) {
    crypto.getRandomValues(random.subarray(at, at + step));
  }
  ids.sort();
  const bytes = new Uint8Array(entryCount * ENTRY_BYTES);
  const view = new DataView(bytes.buffer);
  for (const [index, id] of ids.entries()) {
    view.setBigUint64(index * ENTRY_BYTES, id);
    view.setUint32(index * ENTRY_BYTES + 8, FOR_GOOD);
  }
  return bytes;
}
