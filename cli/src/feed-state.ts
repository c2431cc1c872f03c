/** The state of the feed as the control plane tells it, and as people read it. */

import { asJsonObject, textOf } from './json-object.ts';
import { printable } from './output.ts';

export const FEED = '/v1/admin/feed';

type Json = Readonly<Record<string, unknown>>;

/** One line a fact. */
export function feedLines(answer: Json): string[] {
  const head = asJsonObject(answer.head);
  const publication = asJsonObject(answer.publication) ?? {};
  const bounds = asJsonObject(answer.bounds) ?? {};
  const lanes = asJsonObject(answer.lanes) ?? {};
  const rows: ReadonlyArray<readonly [string, string]> = [
    ['environment', textOf(answer.environment_id)],
    ...headRows(head),
    ['published', publishedText(publication)],
    ['failures', failuresText(publication)],
    ['lanes', lanes.kv === true ? 'KV, HTTP' : 'HTTP'],
    ['bound', `${numberText(bounds.revocation_bound_seconds)} s`],
  ];
  const lines = rows.map(([name, value]) => `${name.padEnd(12)}${value}`);
  const edges = Array.isArray(answer.edges) ? answer.edges : [];
  return [...lines, ...edges.map(edgeLine)].map(printable);
}

function headRows(head: Json | undefined): ReadonlyArray<readonly [string, string]> {
  if (head === undefined) return [['head', 'none yet']];
  const segments = Array.isArray(head.segments) ? head.segments : [];
  const bytes = segments.map((segment) => Number(asJsonObject(segment)?.bytes));
  const total = bytes.reduce((sum, each) => sum + each, 0);
  return [
    ['head', `seq ${textOf(head.seq)}, ${ageText(head.age_seconds)}, ${head.bytes} bytes`],
    ['entries', `${head.entries}, of these ${head.tail_entries} in the head`],
    ['segments', `${segments.length}, ${total} bytes`],
  ];
}

function publishedText({ seq, age_seconds: age }: Json): string {
  return textOf(seq) === '' ? 'never' : `seq ${textOf(seq)}, ${ageText(age)}`;
}

function failuresText({ failures, last_error: error }: Json): string {
  return textOf(error) === '' ? String(failures) : `${failures} in a row: ${textOf(error)}`;
}

function edgeLine(value: unknown): string {
  const edge = asJsonObject(value);
  const behind =
    edge?.behind_seconds === undefined ? '' : `, ${ageText(edge.behind_seconds, 'behind')}`;
  const seen = `seen ${ageText(edge?.age_seconds)}`;
  return `edge        ${textOf(edge?.edge)}: seq ${textOf(edge?.seq)}${behind}, ${seen}`;
}

function ageText(seconds: unknown, word = 'old'): string {
  const suffix = word === 'old' ? 'ago' : word;
  return `${numberText(seconds)} s ${suffix}`;
}

function numberText(value: unknown): string {
  return typeof value === 'number' ? String(Math.round(value * 10) / 10) : '?';
}
