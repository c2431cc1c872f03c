/**
 * Finds the conditions on the tenant in a statement's text, and takes them away one at a time. Works
 * on what drivers are handed, so it does not matter how the text was made. Pure.
 */

/** Where a condition such as `"api_keys"."nid" = ?` stands in the text. */
export interface TenantCondition {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

const COLUMN_AND_OPERATOR = /(?:"?\w+"?\.)*"?\bnid\b"?\s*(?:=|<>|\bin\b)\s*/gi;
/** A parameter, or another column, or a member of a JSON value. */
const OPERAND = /\?\d*|\$\d+(?:::\w+)?|(?:"?\w+"?\.)*"?\w+"?(?:\s*->>\s*(?:'\w+'|\d+))?/y;

export function tenantConditions(sql: string): readonly TenantCondition[] {
  return [...sql.matchAll(COLUMN_AND_OPERATOR)].map((match) => {
    const start = match.index;
    const end = endOfOperand(sql, start + match[0].length);
    return { start, end, text: sql.slice(start, end) };
  });
}

function endOfOperand(sql: string, start: number): number {
  if (sql[start] === '(') return endOfParentheses(sql, start);
  OPERAND.lastIndex = start;
  const operand = OPERAND.exec(sql);
  if (operand === null) throw new Error(`No operand at ${start} of: ${sql}`);
  return start + operand[0].length;
}

function endOfParentheses(sql: string, start: number): number {
  let depth = 0;
  for (let place = start; place < sql.length; place++) {
    if (sql[place] === '(') depth++;
    if (sql[place] === ')' && --depth === 0) return place + 1;
  }
  throw new Error(`Open parentheses at ${start} of: ${sql}`);
}

/** Holds whatever the tenant is. Keeps the parameter, so that the others keep their places. */
export const withoutTenant = (condition: string) => `(${condition} OR 1 = 1)`;

/** Means the same: shows that what {@link withoutTenant} breaks is broken by what it says. */
export const withTenant = (condition: string) => `(${condition} AND 1 = 1)`;

/** The text with every condition, or with the one at `place`, put through `change`. */
export function rewritten(
  sql: string,
  change: (condition: string) => string,
  place?: number,
): string {
  let text = '';
  let done = 0;
  for (const [index, condition] of tenantConditions(sql).entries()) {
    if (place !== undefined && index !== place) continue;
    if (condition.start < done) continue; // Inside of one that is rewritten already.
    text += sql.slice(done, condition.start) + change(condition.text);
    done = condition.end;
  }
  return text + sql.slice(done);
}

/** Tables with rows of tenants; a statement that asks about one asks about a tenant. */
export const TENANT_TABLES = [
  ...['api_keys', 'idempotent_requests', 'revocations', 'signing_keys', 'tenants', 'tenant_hosts'],
  ...['admin_credentials', 'audit_events', 'replaced_macaroon_keys'],
] as const;

/** Whether the statement reads, changes or removes rows of tenants without asking whose they are. */
export function asksForEveryTenant(sql: string): boolean {
  const isAnyNamed = TENANT_TABLES.some((table) => new RegExp(`\\b${table}\\b`).test(sql));
  return isAnyNamed && !/^\s*insert\b/i.test(sql) && tenantConditions(sql).length === 0;
}
