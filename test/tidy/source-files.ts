/** The repository's source files and their imports, for the tests about the code itself. */

import { readdirSync, readFileSync } from 'node:fs';
import { join, posix, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export const PACKAGES = ['shared', 'control-plane', 'edge-worker', 'cli'] as const;

export interface SourceFile {
  /** Relative to the root, with forward slashes. */
  readonly path: string;
  readonly text: string;
  readonly isTest: boolean;
  /** As resolved: a path from the root for files of ours, else the module's name. */
  readonly imports: readonly string[];
}

export function readText(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

export function listFiles(folder: string, pattern: RegExp): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && pattern.test(entry.name))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .filter((path) => !/(^|\/)(node_modules|dist|\.wrangler|\.cardea)\//.test(path))
    .sort();
}

/** Shipped sources and the tests beside them. */
export function readSources(): SourceFile[] {
  return PACKAGES.flatMap((name) => listFiles(`${name}/src`, /\.ts$/)).map(readSource);
}

export function readSource(path: string): SourceFile {
  const text = readText(path);
  const isTest = /\.test\.ts$/.test(path) || path.includes('/testing/');
  return { path, text, isTest, imports: importsOf(path, text) };
}

/** A word at the end of a text (`'key.import'`) is none. */
const SPECIFIER = /(?<![.'\w])(?:from|import)\s*\(?\s*'([^']+)'/g;

export function importsOf(path: string, text: string): string[] {
  const code = withoutComments(text);
  return [...code.matchAll(SPECIFIER)].map(([, specifier = '']) => resolveImport(path, specifier));
}

function resolveImport(path: string, specifier: string): string {
  if (specifier.startsWith('.')) return posix.join(posix.dirname(path), specifier);
  const own = /^@cardea\/([a-z-]+)\/(.+)$/.exec(specifier);
  return own === null ? specifier : `${own[1]}/src/${own[2]}.ts`;
}

/** Good enough for rules about code: strings that hold comment marks do not occur in our sources. */
export function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');
}

/** The folder below `src`, or '' for a file that stands in `src` itself. */
export function folderOf(path: string): string {
  return /^[a-z-]+\/src\/([a-z0-9-]+)\//.exec(path)?.[1] ?? '';
}
