/**
 * A KV namespace behind the part of Cloudflare's REST API that the publisher uses, with the faults that a
 * network and an API may show. What the real local one does is tested in test/faults/kv-rest.test.ts.
 */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface StoredObject {
  readonly value: string;
  readonly ttlSeconds?: number;
}

export interface Write {
  readonly key: string;
  readonly value: string;
  readonly at: number;
}

/** Instead of the answer. Throwing away the connection is a fault as well. */
export type Fault = (response: ServerResponse, answer: () => void) => void;

export class KvRestStandIn {
  static readonly namespaceId = '0123456789abcdef0123456789abcdef';
  readonly token = 'kv-token-of-the-stand-in';
  readonly objects = new Map<string, StoredObject>();
  readonly writes: Write[] = [];
  /** `METHOD path` of every call. */
  readonly calls: string[] = [];
  fault: Fault | undefined;
  readonly #server = createServer((request, response) => {
    this.#serve(request, response).catch(() => response.destroy());
  });

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  /** As KV_API_URL takes it. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  writesOf(key: string): readonly Write[] {
    return this.writes.filter((write) => write.key === key);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    this.calls.push(`${request.method} ${request.url}`);
    const answer = () => this.#answer(request, response, Buffer.concat(chunks).toString());
    if (this.fault === undefined) answer();
    else this.fault(response, answer);
  }

  #answer(request: IncomingMessage, response: ServerResponse, body: string): void {
    const base = `/storage/kv/namespaces/${KvRestStandIn.namespaceId}`;
    const path = request.url ?? '';
    if (request.headers.authorization !== `Bearer ${this.token}`) {
      response.writeHead(403).end(JSON.stringify({ success: false }));
    } else if (request.method === 'PUT' && path === `${base}/bulk`) {
      for (const { key, value, expiration_ttl: ttlSeconds } of JSON.parse(body)) {
        this.objects.set(key, ttlSeconds === undefined ? { value } : { value, ttlSeconds });
        this.writes.push({ key, value, at: Date.now() });
      }
      const result = { successful_key_count: 1, unsuccessful_keys: [] };
      response.end(JSON.stringify({ success: true, errors: [], messages: [], result }));
    } else if (request.method === 'GET' && path.startsWith(`${base}/values/`)) {
      const key = decodeURIComponent(path.slice(`${base}/values/`.length));
      const stored = this.objects.get(key);
      if (stored === undefined) response.writeHead(404).end('{"success":false}');
      else response.end(stored.value);
    } else {
      response.writeHead(405).end();
    }
  }
}
