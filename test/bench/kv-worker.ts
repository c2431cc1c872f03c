/**
 * Answers the reads of a KV namespace from its own bindings, in the protocol that workerd speaks to a
 * namespace: the edge reads its feed through a real KV binding, once, before the measurement.
 */

interface Env {
  /** JSON: key → value. */
  readonly OBJECTS: string;
}

export default {
  fetch(request: Request, env: Env): Response {
    const key = decodeURIComponent(new URL(request.url).pathname.slice(1));
    const objects: Record<string, string> = JSON.parse(env.OBJECTS);
    const value = Object.hasOwn(objects, key) ? objects[key] : undefined;
    return value === undefined ? new Response(null, { status: 404 }) : new Response(value);
  },
};
