/**
 * What any gateway has to do besides deciding: rebuild the headers of the request (drop the
 * credential and identity headers, set six) and of the answer.
 */

interface Env {
  readonly ORIGIN_URL: string;
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const url = new URL(request.url);
    const headers = new Headers(request.headers);
    headers.delete('authorization');
    headers.set('cardea-key-id', '3c1f7f6e-8f0b-4a63-9d43-0d7b6c1e2f3a');
    headers.set('cardea-token-id', '9b7f1c2d-1e8a-4d0c-8a43-5d7b6c1e2f3b');
    headers.set('cardea-tenant', '7d0c5e1b-93a4-4f68-8a52-c1e6b7f20d39');
    headers.set('cardea-actor', 'customer-1');
    headers.set('cardea-scopes', 'notes:read notes:write');
    headers.set('cardea-expires-at', '1795474800');
    const init = {
      method: request.method,
      headers,
      body: request.body,
      redirect: 'manual',
    } as const;
    const answer = await fetch(`${env.ORIGIN_URL}${url.pathname}${url.search}`, init);
    const answerHeaders = new Headers(answer.headers);
    answerHeaders.set('cache-control', 'private, no-store');
    return new Response(answer.body, { status: answer.status, headers: answerHeaders });
  },
};
