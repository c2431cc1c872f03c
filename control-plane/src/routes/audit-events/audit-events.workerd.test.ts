/** Guarantee: whoever may read the audit log finds in it what happened, and only what is theirs. */

import { env } from 'cloudflare:workers';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { admin, anonymous, ISSUED, issue, outcomeOf } from '../../../testing/api.ts';
import { publish } from '../../../testing/hub.ts';

const EVENTS = '/v1/admin/auditEvents';

type Event = Record<string, unknown> & { readonly event_id: string };

async function list(filter = '', parameters = {}) {
  const query = new URLSearchParams({ filter, ...parameters });
  return (await admin(`${EVENTS}?${query}`)).json();
}

async function everyPage(filter: string, pageSize: number): Promise<Event[]> {
  const events: Event[] = [];
  let token = '';
  do {
    const page = await list(filter, { page_size: String(pageSize), page_token: token });
    events.push(...page.audit_events);
    token = page.next_page_token;
  } while (token !== '');
  return events;
}

/** workerd warns of `text()` on a type that it does not know. */
const textOf = async (response: Response) => new TextDecoder().decode(await response.arrayBuffer());

async function exportOf(filter = ''): Promise<Event[]> {
  const response = await admin(`${EVENTS}:export?${new URLSearchParams({ filter })}`);
  expect(response.headers.get('content-type')).toBe('application/jsonl');
  const text = await textOf(response);
  expect(text === '' || text.endsWith('\n')).toBe(true);
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

const compare = async (events: readonly unknown[], headers = {}) =>
  admin(`${EVENTS}:compare`, { body: { audit_events: events }, headers });

/** A credential that is good for one tenant alone. */
async function tenantAuditor() {
  const host = `audit-${crypto.randomUUID()}.example.test`;
  const tenant = await (
    await admin('/v1/admin/tenants', { body: { name: 'acme', hosts: [host] } })
  ).json();
  const tenantId: string = tenant.tenant?.tenant_id ?? tenant.tenant_id;
  const body = { name: 'a', role: 'auditor', tenant_id: tenantId };
  const { secret } = await (await admin('/v1/admin/credentials', { body })).json();
  return { tenantId, headers: { Authorization: `Bearer ${secret}` } };
}

let keyIds: string[] = [];
beforeAll(async () => {
  await publish();
});
beforeEach(async () => {
  await env.DB.exec('DELETE FROM audit_events');
  keyIds = [];
  for (let i = 0; i < 5; i++) keyIds.push((await issue()).issued_api_key.key_id);
  await admin(`${ISSUED}/${keyIds[0]}:revoke`, {
    body: { reason: 'REVOCATION_REASON_KEY_COMPROMISE' },
  });
});

describe('the list', () => {
  test('says who did what to what, newest first', async () => {
    const { audit_events: events } = await list();
    expect(events).toHaveLength(6);
    expect(events[0]).toEqual({
      event_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      tenant_id: expect.any(String),
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      operation: 'api_key.revoke',
      target_id: keyIds[0],
      caller: { kind: 'bootstrap', id: '', role: 'owner', request_id: expect.any(String) },
      changes: {
        status: { before: 'active', after: 'revoked' },
        revocation_reason: { after: 'key_compromise' },
      },
      mac: expect.stringMatching(/^[\w-]{43}$/),
    });
    const times = events.map(({ time }: { time: string }) => time);
    expect(times).toEqual([...times].sort().reverse());
  });

  test('has pages of any size with the same events', async () => {
    const all = await everyPage('', 1000);
    for (const size of [1, 2, 5, 6]) expect(await everyPage('', size)).toEqual(all);
  });

  test('is filtered', async () => {
    const ids = async (filter: string) =>
      (await list(filter)).audit_events.map(({ target_id: id }: { target_id: string }) => id);
    expect(await ids('operation="api_key.revoke"')).toEqual([keyIds[0]]);
    expect(await ids(`target_id="${keyIds[0]}"`)).toEqual([keyIds[0], keyIds[0]]);
    expect(await ids('caller_id="nobody"')).toEqual([]);
    expect(await ids('time>="2100-01-01T00:00:00Z"')).toEqual([]);
    expect(await ids('time<"2100-01-01T00:00:00Z"')).toHaveLength(6);
    expect(await ids('tenant_id="other"')).toEqual([]);
  });

  test.each([
    ['a filter that is none', '?filter=seal%3D1'],
    ['a page that is too large', '?page_size=1001'],
    ['a page token of nobody', '?page_token=x'],
    ['a parameter twice', '?filter=&filter='],
  ])('refuses %s', async (_, query) => {
    expect(await outcomeOf(await admin(`${EVENTS}${query}`))).toBe('400 bad_request');
  });

  test('refuses a page token of another filter, or of another list', async () => {
    const { next_page_token: token } = await list('', { page_size: '2' });
    expect(token).not.toBe('');
    const other = new URLSearchParams({ filter: 'operation="api_key.issue"', page_token: token });
    expect(await outcomeOf(await admin(`${EVENTS}?${other}`))).toBe('400 bad_request');
    const keys = await admin(`${ISSUED}?${new URLSearchParams({ page_token: token })}`);
    expect(await outcomeOf(keys)).toBe('400 bad_request');
  });

  test('needs an administrator', async () => {
    expect(await outcomeOf(await anonymous(EVENTS))).toBe('401 unauthorized');
    expect(await outcomeOf(await anonymous(`${EVENTS}:export`))).toBe('401 unauthorized');
    for (const verb of ['verify', 'compare']) {
      const response = await anonymous(`${EVENTS}:${verb}`, { body: {} });
      expect(await outcomeOf(response)).toBe('401 unauthorized');
    }
  });
});

describe('who is bound to a tenant', () => {
  test('sees the events of that one alone, whatever is asked for', async () => {
    const { tenantId, headers } = await tenantAuditor();
    for (const filter of ['', 'tenant_id="00000000-0000-0000-0000-000000000000"']) {
      const query = new URLSearchParams({ filter });
      const page = await (await admin(`${EVENTS}?${query}`, { headers })).json();
      const tenants = page.audit_events.map((event: Event) => event.tenant_id);
      expect(new Set(tenants)).toEqual(new Set([tenantId]));
      const lines = await textOf(await admin(`${EVENTS}:export?${query}`, { headers }));
      expect(lines.split('\n')).toHaveLength(page.audit_events.length + 1);
    }
    expect((await list()).audit_events.length).toBeGreaterThan(6);
  });

  test('cannot judge the log as a whole', async () => {
    const { headers } = await tenantAuditor();
    const verified = await admin(`${EVENTS}:verify`, { body: {}, headers });
    expect(await outcomeOf(verified)).toBe('403 forbidden');
    expect(await outcomeOf(await compare([], headers))).toBe('403 forbidden');
  });
});

describe('an export', () => {
  test('has every event of the list, over many pages too', async () => {
    expect(await exportOf()).toEqual((await list('', { page_size: '1000' })).audit_events);
    expect(await exportOf('operation="tenant.delete"')).toEqual([]);
    await env.DB.prepare(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1100)
       INSERT INTO audit_events SELECT 'copy-' || i, nid, time_ms, operation, target_id,
         caller_kind, caller_id, caller_role, request_id, client_address, changes, mac, NULL, NULL
       FROM (SELECT * FROM audit_events LIMIT 1), n`,
    ).run();
    const ids = new Set((await exportOf()).map(({ event_id: id }) => id));
    expect(ids.size).toBe(1106);
  });

  test('is the same as the log, before and after the events are sealed', async () => {
    const before = await exportOf();
    await publish();
    await publish();
    const after = await exportOf();
    expect(after[0]).toMatchObject({ position: expect.any(Number), seal: expect.any(String) });
    for (const events of [before, after]) {
      expect(await (await compare(events)).json()).toEqual({ compared_count: 6, pruned_count: 0 });
    }
  });

  test.each([
    ['altered', "UPDATE audit_events SET caller_id = 'x' WHERE operation = 'api_key.revoke'"],
    ['altered', "UPDATE audit_events SET time_ms = 1 WHERE operation = 'api_key.revoke'"],
    ['missing', "DELETE FROM audit_events WHERE operation = 'api_key.revoke'"],
  ])('shows what was %s since', async (kind, statement) => {
    const events = await exportOf();
    const index = events.findIndex(({ operation }) => operation === 'api_key.revoke');
    await env.DB.exec(statement);
    expect(await (await compare(events)).json()).toMatchObject({
      compared_count: index,
      problem: { kind, event_id: events[index]?.event_id },
    });
  });

  test('that somebody altered is found out', async () => {
    const [event, ...others] = await exportOf();
    const altered = await compare([...others, { ...event, target_id: 'x' }]);
    expect(await altered.json()).toMatchObject({ compared_count: 5, problem: { kind: 'altered' } });
    const invented = await compare([{ ...event, event_id: crypto.randomUUID() }]);
    expect(await invented.json()).toMatchObject({ problem: { kind: 'added' } });
  });

  test('that is malformed, or too long for one call, is refused', async () => {
    const [event] = await exportOf();
    for (const wrong of [{}, { ...event, more: 1 }, { ...event, time: 'now' }, 'x', null]) {
      expect(await outcomeOf(await compare([wrong]))).toBe('400 bad_request');
    }
    expect(await outcomeOf(await compare(Array(501).fill(event)))).toBe('400 bad_request');
  });
});

describe('the verification', () => {
  test('finds the log whole, and what was done to it by SQL', async () => {
    await env.DB.exec('DELETE FROM audit_events');
    const from = await (async () => {
      await issue();
      await publish();
      await publish();
      const { audit_events: events } = await list();
      return events.at(-1).position as number;
    })();
    const verify = async (body: object) =>
      (await admin(`${EVENTS}:verify`, { body: { from_position: from, ...body } })).json();
    expect(await verify({})).toMatchObject({ head_position: from, from_position: from });
    await env.DB.exec("UPDATE audit_events SET target_id = 'x'");
    expect((await verify({})).problem).toMatchObject({ kind: 'altered', position: from });
    await env.DB.exec('DELETE FROM audit_events');
    expect((await verify({})).problem).toEqual({ kind: 'missing', position: from });
  });

  test.each([0, -1, 'x', 1.5, '99999999999999999999'])('refuses to begin at %j', async (start) => {
    const response = await admin(`${EVENTS}:verify`, { body: { from_position: start } });
    expect(await outcomeOf(response)).toBe('400 bad_request');
  });
});

describe('failed verifications', () => {
  const failures = async () => everyPage('operation="api_key.verification_failed"', 100);
  const verify = (credential: string) =>
    admin('/v2alpha1/admin/apiKeys:verify', { body: { credential } });

  test('are sampled: at most ten a minute, with the count of those in between', async () => {
    const { secret, issued_api_key: key } = await issue();
    await admin(`${ISSUED}/${key.key_id}:revoke`, { body: {} });
    for (let i = 0; i < 25; i++) expect((await verify(secret)).status).toBe(200);
    await expect.poll(async () => (await failures()).length).toBe(10);
    const [event] = await failures();
    expect(event).toMatchObject({
      target_id: key.key_id,
      caller: { kind: 'bootstrap' },
      changes: { reason: { after: 'api_key_revoked' }, during: { after: 'verify' } },
    });
    expect(JSON.stringify(await failures())).not.toContain(secret.split('_')[2]);
  });
});
