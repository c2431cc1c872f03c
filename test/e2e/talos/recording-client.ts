/** Ory's own client, unmodified, with an ear on the wire: every answer is kept and checked. */

import { ApiKeysApi, Configuration, ResponseError } from '@ory/client-fetch';
import { loadOpenApiCheck, type RecordedAnswer } from './openapi-check.ts';

export interface Server {
  readonly controlPlaneUrl: string;
  readonly adminToken: string;
}

export interface RecordingClient {
  readonly api: ApiKeysApi;
  /** The client without a token. */
  readonly anonymous: ApiKeysApi;
  /** The last answer, as it went over the wire. */
  last(): RecordedAnswer & { readonly headers: Headers };
  /** What was wrong with any answer so far; empty where the document is not at hand. */
  readonly problems: string[];
  /** Names of the client's methods that have been called. */
  readonly called: Set<string>;
}

export function createRecordingClient({ controlPlaneUrl, adminToken }: Server): RecordingClient {
  const check = loadOpenApiCheck();
  const problems: string[] = [];
  const called = new Set<string>();
  let last: (RecordedAnswer & { readonly headers: Headers }) | undefined;
  const fetchApi: typeof fetch = async (input, init) => {
    const response = await fetch(input, init);
    const text = await response.clone().text();
    const { pathname } = new URL(input instanceof Request ? input.url : String(input));
    last = {
      method: init?.method ?? 'GET',
      path: pathname,
      status: response.status,
      headers: response.headers,
      body: text === '' ? undefined : JSON.parse(text),
    };
    problems.push(...(check?.problemsOf(last) ?? []));
    return response;
  };
  const basePath = controlPlaneUrl;
  const named = (api: ApiKeysApi) =>
    new Proxy(api, {
      get: (target, name) => {
        called.add(String(name));
        return Reflect.get(target, name);
      },
    });
  return {
    api: named(new ApiKeysApi(new Configuration({ basePath, accessToken: adminToken, fetchApi }))),
    anonymous: named(new ApiKeysApi(new Configuration({ basePath, fetchApi }))),
    last: () => {
      if (last === undefined) throw new Error('Nothing has been called yet.');
      return last;
    },
    problems,
    called,
  };
}

/** Every method of the client that makes a call. */
export const CLIENT_METHODS = Object.getOwnPropertyNames(ApiKeysApi.prototype).filter(
  (name) => name !== 'constructor' && !/(Raw|RequestOpts)$/.test(name),
);

/** Status and reason of a refusal, e.g. `409 CONFLICT`; the call must be refused. */
export async function refusalOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof ResponseError)) throw error;
    const { status } = error.response;
    const body = await error.response.json();
    return `${status} ${body.error.details[0].reason}`;
  }
  return 'accepted';
}
