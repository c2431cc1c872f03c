/**
 * Settings for a worker, as the file that `wrangler dev --env-file` reads. Secrets go this way
 * and not by arguments, which every user of the machine can read.
 */

/** One `NAME='value'` a line. Refuses what the format could not carry unchanged. */
export function renderEnvFile(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => {
      // dotenv reads single quotes literally, but wrangler still expands a dollar sign.
      if (/['\r\n$\\]/.test(value))
        throw new Error(`${name} holds a character that is not carried`);
      return `${name}='${value}'\n`;
    })
    .join('');
}
