/**
 * The OpenAPI document as a page for people: one HTML text without scripts, fonts or anything else
 * from elsewhere, so that it works without internet and under a strict policy. No I/O.
 */

type Json = Readonly<Record<string, unknown>>;

/** Complete HTML. Everything from the document is escaped. */
export function referencePage(document: Json): string {
  const paths = objectOf(document.paths);
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(objectOf(methods)).map(([method, operation]) => ({
      path,
      method: method.toUpperCase(),
      operation: objectOf(operation),
    })),
  );
  const groups = Map.groupBy(operations, ({ operation }) =>
    String(listOf(operation.tags)[0] ?? ''),
  );
  const title = textOf(objectOf(document.info).title);
  const contents = operations.map(
    ({ method, path, operation }) =>
      `<li><a href="#${id(operation)}"><code>${method} ${escapeHtml(path)}</code></a></li>`,
  );
  const sections = [...groups].map(
    ([group, members]) => `<h2>${escapeHtml(group)}</h2>${members.map(operationHtml).join('')}`,
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title><style>${REFERENCE_STYLE}</style></head>
<body><header><h1>${escapeHtml(title)}</h1>
<p>Version ${escapeHtml(textOf(objectOf(document.info).version))}. The same as data:
<a href="/openapi.json">openapi.json</a>.</p></header>
<nav aria-label="Operations"><ul>${contents.join('')}</ul></nav>
<main>${sections.join('')}</main></body></html>
`;
}

interface Operation {
  readonly path: string;
  readonly method: string;
  readonly operation: Json;
}

function operationHtml({ path, method, operation }: Operation): string {
  const permission = textOf(operation['x-permission']);
  const access =
    permission === '' ? 'Anybody may call it.' : `Needs <code>${escapeHtml(permission)}</code>.`;
  const body = contentOf(objectOf(operation.requestBody));
  return `<section id="${id(operation)}">
<h3><code><b class="${method.toLowerCase()}">${method}</b> ${escapeHtml(path)}</code></h3>
<p>${escapeHtml(textOf(operation.summary))} ${access}</p>
${parametersHtml(listOf(operation.parameters).map(objectOf))}
${schemaHtml(`Body${body.note}`, body.schema)}
${Object.entries(objectOf(operation.responses)).map(responseHtml).join('')}
</section>`;
}

function parametersHtml(parameters: readonly Json[]): string {
  if (parameters.length === 0) return '';
  const rows = parameters.map((parameter) =>
    rowHtml(textOf(parameter.name), objectOf(parameter.schema), {
      note: textOf(parameter.in),
      isRequired: parameter.required === true,
    }),
  );
  return `<h4>Parameters</h4><table>${rows.join('')}</table>`;
}

function responseHtml([status, response]: [string, unknown]): string {
  if (status === 'default') return '';
  const { note, schema } = contentOf(objectOf(response));
  if (Object.keys(schema).length === 0) return `<h4>${escapeHtml(status)}</h4><p>No body.</p>`;
  return schemaHtml(`${escapeHtml(status)}${note}`, schema);
}

/** The one media type that a body has. JSON is not named: nearly all of them are. */
function contentOf({ content }: Json): { readonly schema: Json; readonly note: string } {
  const [[mediaType, { schema }] = ['', {} as Json]] = Object.entries(objectOf(content)).map(
    ([name, value]) => [name, objectOf(value)] as const,
  );
  const isNamed = mediaType !== '' && mediaType !== 'application/json';
  return { schema: objectOf(schema), note: isNamed ? `: ${escapeHtml(mediaType)}` : '' };
}

function schemaHtml(heading: string, schema: Json): string {
  if (Object.keys(schema).length === 0) return '';
  return `<h4>${escapeHtml(heading)}</h4>${membersHtml(schema)}`;
}

function membersHtml(schema: Json): string {
  const required = listOf(schema.required);
  const rows = Object.entries(objectOf(schema.properties)).map(([name, member]) =>
    rowHtml(name, objectOf(member), { note: '', isRequired: required.includes(name) }),
  );
  return rows.length === 0
    ? `<p>${typeOf(schema)} ${escapeHtml(textOf(schema.description))}</p>`
    : `<table>${rows.join('')}</table>`;
}

function rowHtml(
  name: string,
  schema: Json,
  { note, isRequired }: { readonly note: string; readonly isRequired: boolean },
): string {
  const element = objectOf(schema.items);
  const inner = [schema, element].find((each) => each.properties !== undefined);
  const notes = [
    note,
    isRequired ? 'required' : '',
    limitsOf(schema),
    escapeHtml(textOf(schema.description)),
  ].filter((text) => text !== '');
  const nested = inner === undefined ? '' : membersHtml(inner);
  return `<tr><th><code>${escapeHtml(name)}</code></th><td>${typeOf(schema)}</td>
<td>${notes.join(' · ')}${nested}</td></tr>`;
}

function typeOf(schema: Json): string {
  const values = listOf(schema.enum);
  if (values.length > 0)
    return values.map((value) => `<code>${escapeHtml(String(value))}</code>`).join(' ');
  if (schema.type === 'array') return `array of ${typeOf(objectOf(schema.items)) || 'values'}`;
  const types = Array.isArray(schema.type) ? schema.type : [schema.type ?? 'any'];
  return escapeHtml(
    [types.join(' or '), textOf(schema.format)].filter((text) => text !== '').join(', '),
  );
}

const LIMITS = {
  minLength: 'at least %s characters',
  maxLength: 'at most %s characters',
  maxItems: 'at most %s',
  minItems: 'at least %s',
  minimum: 'at least %s',
  maximum: 'at most %s',
} as const;

function limitsOf(schema: Json): string {
  return Object.entries(LIMITS)
    .filter(([name]) => typeof schema[name] === 'number')
    .map(([name, text]) => text.replace('%s', String(schema[name])))
    .join(', ');
}

function id(operation: Json): string {
  return escapeHtml(textOf(operation.operationId));
}

function objectOf(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** Its hash stands in the page's Content-Security-Policy. */
export const REFERENCE_STYLE = `
:root{color-scheme:light dark;--line:#8884;--soft:#8881;--link:light-dark(#0550ae,#79b8ff)}
*{box-sizing:border-box}
body{margin:0 auto;max-width:76rem;padding:1rem;font:16px/1.5 system-ui,sans-serif}
code{font:0.92em ui-monospace,monospace;overflow-wrap:anywhere}
a{color:var(--link)}
nav ul{columns:34rem;padding:0;list-style:none;border-block:1px solid var(--line);padding-block:1rem}
h2{margin-top:3rem}
section{border-top:1px solid var(--line);padding-block:.5rem}
section:target{background:var(--soft)}
h3,h4{margin:.75rem 0 .25rem}
b.get{color:light-dark(#116329,#7ee787)}
b.post{color:light-dark(#0550ae,#79b8ff)}
b.patch{color:light-dark(#7d4e00,#e3b341)}
b.delete{color:light-dark(#a40e26,#ff7b72)}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.25rem .75rem .25rem 0;border-top:1px solid var(--line);font-weight:normal}
th{width:15rem}
td:nth-child(2){width:14rem}
table table th{width:11rem}
@media(max-width:45rem){table,tbody,tr,th,td{display:block;width:auto!important;border:0;padding:0 0 0 .5rem}tr{border-top:1px solid var(--line);padding:.25rem 0}}
`;
