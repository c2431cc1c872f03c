/** What build this is. Commit and time are put in by the bundler (`wrangler deploy --define`). */

declare const CARDEA_COMMIT: string | undefined;
declare const CARDEA_BUILD_TIME: string | undefined;

/** The same as in package.json: a test compares them. */
export const VERSION = '0.1.0';
export const COMMIT = typeof CARDEA_COMMIT === 'string' ? CARDEA_COMMIT : '';
export const BUILD_TIME = typeof CARDEA_BUILD_TIME === 'string' ? CARDEA_BUILD_TIME : '';
