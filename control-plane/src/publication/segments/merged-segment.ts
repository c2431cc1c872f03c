/** A merge for storages that cannot put contents together themselves. */

import { ENTRY_BYTES } from '@cardea/shared/feed/entry';
import { objectHash } from '@cardea/shared/feed/object-hash';
import type { NewSegment, SegmentMerge, SegmentStorage } from '../publisher-storage.ts';
import { mergeContents } from './segment-content.ts';

/** What {@link SegmentStorage.merge} is to store, from the contents of the sources. */
export async function mergedSegment(
  storage: Pick<SegmentStorage, 'content'>,
  { sources, ...merged }: SegmentMerge,
): Promise<NewSegment> {
  const contents = [];
  for (const { hash } of sources) {
    const content = await storage.content(hash);
    if (content === undefined) throw new TypeError('The content of a segment is not there.');
    contents.push(content);
  }
  const content = mergeContents(contents);
  const entryCount = content.length / ENTRY_BYTES;
  return { ...merged, content, entryCount, hash: await objectHash(content) };
}
