/** What a head says, whoever signed it. */

import { type FeedHead, parseHeadPayload } from '@cardea/shared/feed/head';

export function unverifiedHead(compactJws: string): FeedHead | undefined {
  const payload = Buffer.from(compactJws.split('.')[1] ?? '', 'base64url').toString();
  const head = parseHeadPayload(payload);
  return head.ok ? head.value : undefined;
}
