/**
 * The local edge as the control plane knows it, so that macaroons work without a hand's turn: registered
 * at the first start, kept in the state folder, registered anew where the control plane does not know it
 * any more (another database, another port, a rotated secret).
 */

import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_TENANT_ID } from '@cardea/shared/tenant';
import { asJsonObject, parseJsonObject, textOf } from '../json-object.ts';
import { writePrivateFile } from './private-file.ts';
import { StackFailed } from './stack-failed.ts';
import type { StateFolder } from './state-folder.ts';

export interface EdgeRegistration {
  /** `EDGE_ID` */
  readonly edgeId: string;
  /** `EDGE_SECRET` */
  readonly secret: string;
  /** What the edge's keys are for: the control plane's address. */
  readonly audience: string;
  /** Counts its secrets: another number means that `secret` is not the newest. */
  readonly generation: number;
}

/** No answer of a control plane on this machine takes longer, milliseconds. */
const ANSWER_MILLISECONDS_MAX = 30_000;

/** The registration that an earlier start has left, if it has. Whether it still holds is not checked. */
export function readEdgeRegistration({ path }: StateFolder): EdgeRegistration | undefined {
  const file = fileIn(path);
  const content = existsSync(file) ? parseJsonObject(readFileSync(file, 'utf8')) : undefined;
  const edgeId = textOf(content?.edgeId);
  const secret = textOf(content?.secret);
  const audience = textOf(content?.audience);
  const generation = Number(content?.generation);
  if (edgeId === '' || secret === '' || audience === '') return undefined;
  return { edgeId, secret, audience, generation };
}

/** The registration that holds now: the one that was kept, or a new one. Fails with a `StackFailed`. */
export async function ensureEdgeRegistration(
  state: StateFolder,
  controlPlaneUrl: string,
): Promise<EdgeRegistration> {
  const call = callerOf(state, controlPlaneUrl);
  const kept = readEdgeRegistration(state);
  if (kept?.audience === controlPlaneUrl) {
    const { status, body } = await call('GET', `/v1/admin/edges/${kept.edgeId}`);
    const isSame = body?.status === 'active' && body.generation === kept.generation;
    if (status === 200 && isSame) return kept;
  }
  const { status, body } = await call('POST', '/v1/admin/edges', {
    name: `local-${randomBytes(6).toString('hex')}`, // A name is never given twice.
    tenants: [DEFAULT_TENANT_ID],
    audiences: [controlPlaneUrl],
  });
  const edge = asJsonObject(body?.edge);
  const registration = {
    edgeId: textOf(edge?.edge_id),
    secret: textOf(body?.secret),
    audience: controlPlaneUrl,
    generation: Number(edge?.generation),
  };
  if (status !== 201 || registration.edgeId === '' || registration.secret === '') {
    throw new StackFailed(`the edge worker cannot be registered: HTTP ${status}`);
  }
  writePrivateFile(fileIn(state.path), `${JSON.stringify(registration, null, 2)}\n`);
  return registration;
}

type Call = (
  method: 'GET' | 'POST',
  path: string,
  body?: object,
) => Promise<{ status: number; body: Readonly<Record<string, unknown>> | undefined }>;

function callerOf({ secrets }: StateFolder, controlPlaneUrl: string): Call {
  return async (method, path, body) => {
    const headers = {
      authorization: `Bearer ${secrets.adminToken}`,
      'content-type': 'application/json',
    };
    try {
      const response = await fetch(controlPlaneUrl + path, {
        ...{ method, headers, signal: AbortSignal.timeout(ANSWER_MILLISECONDS_MAX) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: response.status, body: parseJsonObject(await response.text()) };
    } catch {
      throw new StackFailed('the edge worker cannot be registered: no answer');
    }
  };
}

function fileIn(stateFolder: string): string {
  return join(stateFolder, 'edge.json');
}
