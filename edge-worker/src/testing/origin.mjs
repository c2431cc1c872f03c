/** The API behind the edge in tests: tells what it received, and answers as `x-test-answer` asks. */

const ANSWERS = {
  echo: async (request) =>
    Response.json({
      method: request.method,
      url: request.url,
      headers: Object.fromEntries(request.headers),
      body: request.body === null ? null : await request.text(),
    }),
  redirect: () => Response.redirect('http://169.254.169.254/latest/meta-data', 302),
  cacheable: () => new Response('x', { headers: { 'cache-control': 'public, max-age=60' } }),
  leak: (request) =>
    new Response('x', {
      headers: { 'Cardea-Actor': request.headers.get('cardea-actor') ?? 'none' },
    }),
  cookies: () =>
    new Response('x', {
      headers: [
        ['set-cookie', 'a=1'],
        ['set-cookie', 'b=2'],
      ],
    }),
  empty: () => new Response(null, { status: 204 }),
  failing: () => new Response('origin says 500', { status: 500 }),
  challenge: () =>
    new Response('x', { status: 401, headers: { 'www-authenticate': 'Basic realm="origin"' } }),
  /** Sends back what it gets, piece by piece, while the request is still being sent. */
  stream: (request) => new Response(request.body),
  gzip: () => {
    const body = new Blob(['zipped '.repeat(100)]).stream();
    return new Response(body, { headers: { 'content-encoding': 'gzip' } });
  },
  websocket: () => {
    const [client, server] = Object.values(new WebSocketPair());
    server.accept();
    server.addEventListener('message', ({ data }) => server.send(`echo ${data}`));
    return new Response(null, { status: 101, webSocket: client });
  },
  throw: () => {
    throw new Error('the origin is down');
  },
};

// biome-ignore lint/style/noDefaultExport: the entry point of a worker.
export default {
  fetch: (request) => ANSWERS[request.headers.get('x-test-answer') ?? 'echo'](request),
};
