/** The runner prints what workers log: a line for each request hides what it has to say itself. Errors stay. */
for (const method of ['debug', 'info', 'log'] as const) console[method] = () => {};
