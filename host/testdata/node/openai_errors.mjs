// The openai package against a running gateway: rules, usage, classes of errors, models.
// It prints what it saw as JSON. Usage: node openai_errors.mjs BASE_URL KEY
import OpenAI from 'openai';

const [baseURL, apiKey] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const messages = [
  { role: 'system', content: 'Answer briefly.' },
  { role: 'user', content: 'Explain tides.' },
];
const seen = {};

const { data, response } = await client.chat.completions.create({ model: 'auto', messages }).withResponse();
seen.plain = {
  text: data.choices[0].message.content,
  finish: data.choices[0].finish_reason,
  usage: data.usage,
  model: data.model,
  rule: response.headers.get('x-pointsman-rule'),
};

const stream = await client.chat.completions.create({
  model: 'gpt-4o', messages, stream: true, stream_options: { include_usage: true },
});
seen.stream = { text: '', finish: null, usage: null, chunks: 0 };
for await (const chunk of stream) {
  seen.stream.chunks++;
  const choice = chunk.choices[0];
  if (choice?.delta?.content) seen.stream.text += choice.delta.content;
  if (choice?.finish_reason) seen.stream.finish = choice.finish_reason;
  if (chunk.usage) seen.stream.usage = chunk.usage;
}

async function failure(call) {
  try {
    await call();
    return { class: 'none' };
  } catch (e) {
    return { class: e.constructor.name, status: e.status, code: e.code, param: e.param, type: e.type };
  }
}

seen.wrongKey = await failure(() =>
  new OpenAI({ baseURL, apiKey: 'pm_wrong', maxRetries: 0 }).chat.completions.create({ model: 'auto', messages }));
seen.unknownModel = await failure(() => client.chat.completions.create({ model: 'gpt-99', messages }));
seen.badRequest = await failure(() => client.chat.completions.create({ model: 'auto', messages: [] }));
seen.rateLimited = await failure(() => client.chat.completions.create({
  model: 'openai/gpt-4o', messages: [{ role: 'user', content: '[[simulate provider=openai status=429 retry_after=2]] hello' }],
}));
seen.models = (await client.models.list()).data.map((m) => m.id);

console.log(JSON.stringify(seen));
