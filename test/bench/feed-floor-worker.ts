/**
 * What no loading of a feed can do without: reads an object of a KV namespace and hashes it. The
 * measurement of the edge's loading has it as its floor.
 */

interface Env {
  readonly FEED: {
    get(name: string, type: 'arrayBuffer'): Promise<ArrayBuffer | null>;
  };
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const name = new URL(request.url).pathname.slice(1);
    const bytes = await env.FEED.get(name, 'arrayBuffer');
    if (bytes === null) return new Response(null, { status: 404 });
    const { byteLength } = await crypto.subtle.digest('SHA-256', bytes);
    return new Response(String(byteLength));
  },
};
