/** The API behind the proxies: a small JSON answer, as cheap as it can be. */

const BODY = JSON.stringify({ notes: [{ id: 1, text: 'hello' }] });

export default {
  fetch(): Response {
    return new Response(BODY, { headers: { 'content-type': 'application/json' } });
  },
};
