// The @anthropic-ai/sdk package against a running gateway; see seen.mjs.
import Anthropic from '@anthropic-ai/sdk';
import { failure, key, order, origin, question, report, tool } from './seen.mjs';

const client = new Anthropic({ baseURL: origin, apiKey: key, maxRetries: 0 });
const tools = [{ name: tool.name, description: tool.description, input_schema: tool.schema }];
const said = (m) => m.content.filter((b) => b.type === 'text').map((b) => b.text).join('');

await report(async (model) => {
  const ask = { model, max_tokens: 1024, messages: [{ role: 'user', content: question }] };
  const plain = await client.messages.create(ask);
  const seen = {
    plain: { text: said(plain), finish: plain.stop_reason, input: plain.usage.input_tokens, output: plain.usage.output_tokens },
    stream: { text: '', pieces: 0 },
  };

  const stream = client.messages.stream(ask);
  stream.on('text', (part) => {
    seen.stream.pieces++;
    seen.stream.text += part;
  });
  const whole = await stream.finalMessage();
  Object.assign(seen.stream, { finish: whole.stop_reason, input: whole.usage.input_tokens, output: whole.usage.output_tokens });

  const messages = [{ role: 'user', content: order }];
  const calling = await client.messages.create({ model, max_tokens: 1024, messages, tools });
  const call = calling.content.find((b) => b.type === 'tool_use');
  messages.push({ role: 'assistant', content: calling.content },
    { role: 'user', content: [{ type: 'tool_result', tool_use_id: call.id, content: tool.result(call.input) }] });
  const after = await client.messages.create({ model, max_tokens: 1024, messages, tools });
  seen.tool = { name: call.name, city: call.input.city, finish: calling.stop_reason, answer: said(after) };

  const streamed = (await client.messages.stream({ model, max_tokens: 1024, messages: [{ role: 'user', content: order }], tools }).finalMessage())
    .content.find((b) => b.type === 'tool_use');
  seen.streamedTool = { name: streamed.name, city: streamed.input.city };

  seen.count = (await client.messages.countTokens({ model, messages: [{ role: 'user', content: question }] })).input_tokens;

  seen.unknownModel = await failure(() => client.messages.create({ ...ask, model: 'claude-99' }));
  return seen;
});
