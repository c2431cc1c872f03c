import { encodeBase64url } from '@cardea/shared/bytes/base64url';
import { encodeUtf8 } from '@cardea/shared/bytes/utf8';
import { sha256 } from '@cardea/shared/crypto/digest';
import { z } from 'zod';
import { REFERENCE_STYLE, referencePage } from '../../http/reference-page.ts';
import type { Route } from '../../http/route.ts';
import { CACHED, documentOf } from './openapi.ts';

const PAGE = { mediaType: 'text/html', schema: z.string() };

/** GET /reference: the same document as a page. */
export function referenceRoute(routes: readonly Route[]): Route {
  return {
    operationId: 'getReference',
    summary: 'The API as a page to read.',
    method: 'GET',
    path: '/reference',
    surface: 'all',
    permission: 'anonymous',
    isForAnyHost: true,
    answers: { 200: PAGE },
    handle: async ({ raw }) => {
      const style = toBase64(await sha256(encodeUtf8(REFERENCE_STYLE)));
      const headers = {
        ...CACHED,
        'Content-Type': `${PAGE.mediaType}; charset=utf-8`,
        // Its own style and nothing else: no script, no font, no image, no frame around it.
        'Content-Security-Policy': `default-src 'none'; style-src 'sha256-${style}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'`,
      };
      return new Response(referencePage(documentOf(routes, raw)), { headers });
    },
  };
}

/** With padding and the standard alphabet, as CSP wants it (RFC 4648 §4). */
function toBase64(bytes: Uint8Array<ArrayBuffer>): string {
  const text = encodeBase64url(bytes).replaceAll('-', '+').replaceAll('_', '/');
  return text.padEnd(Math.ceil(text.length / 4) * 4, '=');
}
