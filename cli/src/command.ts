/** What a command of `cardea` is. One file per command in `commands/`. */

/** Every option that some command takes: one table, so that a name means one thing everywhere. */
export const OPTIONS = {
  endpoint: { type: 'string', short: 'e' },
  format: { type: 'string' },
  dev: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  key: { type: 'string' },
  scope: { type: 'string', multiple: true },
  'expires-in': { type: 'string' },
  actor: { type: 'string' },
  scopes: { type: 'string' },
  ttl: { type: 'string' },
  metadata: { type: 'string' },
  migrate: { type: 'boolean' },
  reason: { type: 'string' },
  'reason-text': { type: 'string' },
  since: { type: 'string' },
  until: { type: 'string' },
  operation: { type: 'string' },
  target: { type: 'string' },
  caller: { type: 'string' },
  limit: { type: 'string' },
  from: { type: 'string' },
  file: { type: 'string' },
  role: { type: 'string' },
  tenant: { type: 'string' },
  overlap: { type: 'string' },
  host: { type: 'string', multiple: true },
  set: { type: 'string', multiple: true },
  clear: { type: 'string', multiple: true },
  force: { type: 'boolean' },
  status: { type: 'string' },
  imported: { type: 'boolean' },
  'page-size': { type: 'string' },
  'page-token': { type: 'string' },
  name: { type: 'string' },
  'allowed-cidrs': { type: 'string' },
  'rate-limit-quota': { type: 'string' },
  'rate-limit-window': { type: 'string' },
  'update-mask': { type: 'string' },
  'revoke-derived': { type: 'boolean' },
  'request-id': { type: 'string' },
  visibility: { type: 'string' },
  'raw-key-sha256': { type: 'string' },
  algorithm: { type: 'string' },
  claims: { type: 'string' },
  tenants: { type: 'string' },
  audiences: { type: 'string' },
  audience: { type: 'string' },
  type: { type: 'string' },
  'cut-off': { type: 'boolean' },
  url: { type: 'string' },
  every: { type: 'string' },
  count: { type: 'string' },
  bound: { type: 'string' },
} as const;

export type OptionName = keyof typeof OPTIONS;

export interface OptionValues {
  readonly endpoint?: string;
  readonly format?: string;
  readonly dev?: boolean;
  readonly help?: boolean;
  readonly key?: string;
  readonly scope?: readonly string[];
  readonly 'expires-in'?: string;
  readonly actor?: string;
  readonly scopes?: string;
  readonly ttl?: string;
  readonly metadata?: string;
  readonly migrate?: boolean;
  readonly reason?: string;
  readonly 'reason-text'?: string;
  readonly since?: string;
  readonly until?: string;
  readonly operation?: string;
  readonly target?: string;
  readonly caller?: string;
  readonly limit?: string;
  readonly from?: string;
  readonly file?: string;
  readonly role?: string;
  readonly tenant?: string;
  readonly overlap?: string;
  readonly host?: readonly string[];
  readonly set?: readonly string[];
  readonly clear?: readonly string[];
  readonly force?: boolean;
  readonly status?: string;
  readonly imported?: boolean;
  readonly 'page-size'?: string;
  readonly 'page-token'?: string;
  readonly name?: string;
  readonly 'allowed-cidrs'?: string;
  readonly 'rate-limit-quota'?: string;
  readonly 'rate-limit-window'?: string;
  readonly 'update-mask'?: string;
  readonly 'revoke-derived'?: boolean;
  readonly 'request-id'?: string;
  readonly visibility?: string;
  readonly 'raw-key-sha256'?: string;
  readonly algorithm?: string;
  readonly claims?: string;
  readonly tenants?: string;
  readonly audiences?: string;
  readonly audience?: string;
  readonly type?: string;
  readonly 'cut-off'?: boolean;
  readonly url?: string;
  readonly every?: string;
  readonly count?: string;
  readonly bound?: string;
}

/** Where a command reads and writes. Tests hand in their own. */
export interface CommandContext {
  readonly options: OptionValues;
  /** What stands after the command's own words. */
  readonly operands: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Writes one line to standard output. */
  readonly print: (line: string) => void;
  /** Writes one line to standard error. */
  readonly complain: (line: string) => void;
  /** Everything on standard input, or `undefined` where a person sits at it. */
  readonly readInput: () => Promise<string | undefined>;
}

export interface Command {
  /** The words that call it: `['keys', 'issue']`. */
  readonly words: readonly string[];
  /** How its operands are written in the usage line. */
  readonly operands: string;
  /** How many operands it takes. */
  readonly operandCount: { readonly min: number; readonly max: number };
  readonly summary: string;
  /** Options besides `--help`; anything else is a usage error. */
  readonly options: readonly OptionName[];
  /** What `cardea help WORDS` adds. */
  readonly details?: readonly string[];
  /**
   * Does the work and returns the exit status. Throws `UsageError` or `CommandFailed`; any other
   * error is a bug.
   */
  readonly run: (context: CommandContext) => Promise<number>;
}
