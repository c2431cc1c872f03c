/** The server of one run of the suite, Ory's client for it, and the keys that its tests make. */

import { randomUUID } from 'node:crypto';
import type { IssueApiKeyRequest } from '@ory/client-fetch';
import { createRecordingClient, type RecordingClient, type Server } from './recording-client.ts';

export interface StartedServer extends Server {
  readonly dispose: () => Promise<void>;
}

export class ConformanceSuite {
  #started: { readonly server: StartedServer; readonly client: RecordingClient } | undefined;

  use(server: StartedServer): void {
    this.#started = { server, client: createRecordingClient(server) };
  }

  async dispose(): Promise<void> {
    await this.#started?.server.dispose();
  }

  get server(): StartedServer {
    return this.#running.server;
  }

  get client(): RecordingClient {
    return this.#running.client;
  }

  get #running() {
    if (this.#started === undefined) throw new Error('The server has not been started.');
    return this.#started;
  }

  async issue(request: Partial<IssueApiKeyRequest> = {}) {
    const answer = await this.client.api.adminIssueApiKey({
      issueApiKeyRequest: { name: 'conformance', actor_id: 'alice', ttl: '1h', ...request },
    });
    const { issued_api_key: key, secret } = answer;
    if (key?.key_id === undefined || secret === undefined) throw new Error('There is no key.');
    return { key, keyId: key.key_id, secret };
  }

  async importKey(rawKey = `sk_live_${randomUUID()}`) {
    const key = await this.client.api.adminImportApiKey({
      importApiKeyRequest: { raw_key: rawKey, name: 'imported', actor_id: 'bob', ttl: '1h' },
    });
    if (key.key_id === undefined) throw new Error('There is no key.');
    return { key, keyId: key.key_id, rawKey };
  }

  verify(credential: string) {
    return this.client.api.adminVerifyApiKey({ verifyApiKeyRequest: { credential } });
  }

  /** Without the client: what it would not send. */
  async raw(method: string, path: string, body?: unknown) {
    const response = await fetch(`${this.server.controlPlaneUrl}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.server.adminToken}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
  }
}
