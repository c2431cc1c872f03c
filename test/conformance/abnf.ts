/** As much of ABNF (RFC 5234, RFC 7405) as docs/caveats.md uses: enough to derive texts at random. */

import type { Random } from '../simulation/random.ts';

type Node =
  | { readonly kind: 'rule'; readonly name: string }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'range'; readonly first: number; readonly last: number }
  | { readonly kind: 'repeat'; readonly min: number; readonly max: number; readonly of: Node }
  | { readonly kind: 'sequence' | 'choice'; readonly of: readonly Node[] };

export type AbnfRules = ReadonlyMap<string, Node>;

/** RFC 5234 §B.1, and the `char` that the document defines in prose: some that it allows. */
const CORE: ReadonlyArray<readonly [name: string, node: Node]> = [
  ['DIGIT', { kind: 'range', first: 0x30, last: 0x39 }],
  ['ALPHA', { kind: 'range', first: 0x61, last: 0x7a }],
  ['char', { kind: 'range', first: 0x21, last: 0x7e }],
  // `address` is IPv4 or IPv6 text, in prose as well.
  ['address', { kind: 'text', text: '10.0.0.0' }],
];

const TOKEN =
  /\s*(?:(%s)?"([^"]*)"|%x([0-9A-F]+)(?:-([0-9A-F]+))?|([A-Za-z][A-Za-z0-9-]*)|(\d*\*\d*|\d+)|([/()[\]]))/y;

export function parseAbnf(grammar: string): AbnfRules {
  const lines = grammar
    .replaceAll(/;.*$/gm, '')
    .replaceAll(/\n[ \t]+/g, ' ')
    .split('\n');
  const rules = new Map<string, Node>(CORE);
  for (const line of lines) {
    const [, name, text] = /^([a-zA-Z0-9-]+)\s*=\s*(.*)$/.exec(line) ?? [];
    if (name === undefined || text === undefined) continue;
    const reader = { text: text.trim(), at: 0 };
    rules.set(name, parseChoice(reader));
    if (reader.at !== reader.text.length)
      throw new Error(`${name}: ${reader.text.slice(reader.at)}`);
  }
  return rules;
}

interface Reader {
  readonly text: string;
  at: number;
}

function next(reader: Reader): RegExpExecArray | null {
  TOKEN.lastIndex = reader.at;
  return TOKEN.exec(reader.text);
}

function take(reader: Reader, mark: string): boolean {
  const token = next(reader);
  if (token?.[7] !== mark) return false;
  reader.at = TOKEN.lastIndex;
  return true;
}

function parseChoice(reader: Reader): Node {
  const of = [parseSequence(reader)];
  while (take(reader, '/')) of.push(parseSequence(reader));
  return { kind: 'choice', of };
}

function parseSequence(reader: Reader): Node {
  const of: Node[] = [];
  for (let node = parseElement(reader); node !== undefined; node = parseElement(reader))
    of.push(node);
  return { kind: 'sequence', of };
}

/** `undefined` at the end of a sequence. */
function parseElement(reader: Reader): Node | undefined {
  const token = next(reader);
  if (token === null) return undefined;
  const [, , text, first, last, name, repeat, mark] = token;
  if (mark === '/' || mark === ')' || mark === ']') return undefined;
  reader.at = TOKEN.lastIndex;
  if (text !== undefined) return { kind: 'text', text };
  if (name !== undefined) return { kind: 'rule', name };
  if (first !== undefined) {
    const [from, to] = [Number.parseInt(first, 16), Number.parseInt(last ?? first, 16)];
    return { kind: 'range', first: from, last: to };
  }
  if (repeat !== undefined) {
    const [min = '', max = min] = repeat.split('*');
    const of = parseElement(reader);
    if (of === undefined) throw new Error('a repetition of nothing');
    return { kind: 'repeat', min: Number(min || 0), max: Number(max || 3), of };
  }
  const inner = parseChoice(reader);
  if (!take(reader, mark === '(' ? ')' : ']')) throw new Error(`unclosed ${mark}`);
  return mark === '(' ? inner : { kind: 'repeat', min: 0, max: 1, of: inner };
}

/** Repetitions are short: at most three more than they must be. */
export function generateFrom(rules: AbnfRules, name: string, random: Random): string {
  const node = rules.get(name);
  if (node === undefined) throw new Error(`no rule ${name}`);
  return generate(rules, node, random);
}

function generate(rules: AbnfRules, node: Node, random: Random): string {
  switch (node.kind) {
    case 'rule':
      return generateFrom(rules, node.name, random);
    case 'text':
      return node.text;
    case 'range':
      return String.fromCharCode(random.integer(node.first, node.last));
    case 'repeat': {
      const count = random.integer(node.min, Math.min(node.max, node.min + 3));
      return Array.from({ length: count }, () => generate(rules, node.of, random)).join('');
    }
    case 'sequence':
      return node.of.map((each) => generate(rules, each, random)).join('');
    case 'choice': {
      const [first = node, ...others] = node.of;
      return generate(rules, random.pick([first, ...others]), random);
    }
  }
}
