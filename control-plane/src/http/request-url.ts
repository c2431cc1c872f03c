/**
 * The parts of a request's URL. A `Request` carries it serialised by the URL standard
 * (`scheme://host/path?query#fragment`, no credentials), so its parts stand where these functions look;
 * to parse it again for each of them would cost more than to route the request. Pure.
 */

type RequestUrl = Pick<Request, 'url'>;

/** With the port, unless it is the scheme's own. */
export function hostOf({ url }: RequestUrl): string {
  return url.slice(url.indexOf('//') + 2, pathStart(url));
}

/** The path that routes are matched against: raw, runs of slashes collapsed. */
export function routingPath({ url }: RequestUrl): string {
  const end = url.search(/[?#]/);
  const path = url.slice(pathStart(url), end < 0 ? url.length : end);
  return path.includes('//') ? path.replace(/\/{2,}/g, '/') : path;
}

export function queryOf({ url }: RequestUrl): URLSearchParams {
  const fragment = url.indexOf('#');
  const text = fragment < 0 ? url : url.slice(0, fragment);
  const start = text.indexOf('?');
  return new URLSearchParams(start < 0 ? '' : text.slice(start));
}

function pathStart(url: string): number {
  return url.indexOf('/', url.indexOf('//') + 2);
}
