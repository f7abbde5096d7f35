// What every client script here does: it asks each model of the command line in turn
// and prints what it saw as JSON, one object by model.
// Usage: node SCRIPT ORIGIN KEY MODEL…
export const [origin, key, ...models] = process.argv.slice(2);

export const question = 'Explain tides.';
export const order = 'Please call get_weather for Paris.';
export const tool = {
  name: 'get_weather',
  description: 'The weather of a city',
  schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false },
  result: (args) => `sunny in ${args.city}`,
};

// failure is what a call throws, in the words of the client.
export async function failure(call) {
  try {
    await call();
    return { class: 'none', status: 0 };
  } catch (e) {
    return { class: e.constructor.name, status: e.status ?? e.statusCode ?? 0, code: e.code ?? e.error?.error?.type ?? '' };
  }
}

export async function report(ask) {
  const seen = {};
  for (const model of models) seen[model] = await ask(model);
  console.log(JSON.stringify(seen));
}
