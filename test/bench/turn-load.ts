/**
 * A fixed number of requests at a time on loopback, over connections that stay open. For processor
 * times: turns of some 20 ms let two sides run at the same speed of a machine whose speed changes
 * from second to second. What the load itself costs is on other processes' account.
 */

import { Agent, get } from 'node:http';

export interface TurnLoadOptions {
  readonly url: URL;
  /** Sent in turn. */
  readonly tokens: readonly string[];
  readonly connections: number;
}

export interface TurnLoad {
  /** Resolves when that many requests have been answered. Throws when any answer is not 200. */
  run(requests: number): Promise<void>;
  close(): void;
}

export function createTurnLoad({ url, tokens, connections }: TurnLoadOptions): TurnLoad {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  let sent = 0;
  const sendOne = (): Promise<void> => {
    const headers = { authorization: `Bearer ${tokens[sent++ % tokens.length]}` };
    return new Promise((resolve, reject) => {
      const request = get(url, { agent, headers }, (answer) => {
        answer.resume();
        answer.once('end', () => {
          if (answer.statusCode === 200) resolve();
          else reject(new Error(`The load got ${answer.statusCode}.`));
        });
      });
      request.once('error', reject);
    });
  };
  return {
    async run(requests) {
      let left = requests;
      const lane = async () => {
        while (left-- > 0) await sendOne();
      };
      await Promise.all(Array.from({ length: connections }, lane));
    },
    close: () => agent.destroy(),
  };
}
