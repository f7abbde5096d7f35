// The openai package against a running gateway; see seen.mjs.
import OpenAI from 'openai';
import { failure, key, order, origin, question, report, tool } from './seen.mjs';

const client = new OpenAI({ baseURL: `${origin}/v1`, apiKey: key, maxRetries: 0 });
const tools = [{ type: 'function', function: { name: tool.name, description: tool.description, parameters: tool.schema } }];

await report(async (model) => {
  const plain = await client.chat.completions.create({ model, messages: [{ role: 'user', content: question }] });
  const seen = {
    plain: {
      text: plain.choices[0].message.content, finish: plain.choices[0].finish_reason,
      input: plain.usage.prompt_tokens, output: plain.usage.completion_tokens,
    },
    stream: { text: '', finish: '', pieces: 0 },
  };

  const stream = await client.chat.completions.create({
    model, messages: [{ role: 'user', content: question }], stream: true, stream_options: { include_usage: true },
  });
  for await (const chunk of stream) {
    const choice = chunk.choices[0];
    if (choice?.delta?.content) {
      seen.stream.pieces++;
      seen.stream.text += choice.delta.content;
    }
    if (choice?.finish_reason) seen.stream.finish = choice.finish_reason;
    if (chunk.usage) Object.assign(seen.stream, { input: chunk.usage.prompt_tokens, output: chunk.usage.completion_tokens });
  }

  const messages = [{ role: 'user', content: order }];
  const calling = await client.chat.completions.create({ model, messages, tools });
  const asked = calling.choices[0].message;
  const call = asked.tool_calls[0];
  const args = JSON.parse(call.function.arguments);
  messages.push(asked, { role: 'tool', tool_call_id: call.id, content: tool.result(args) });
  const after = await client.chat.completions.create({ model, messages, tools });
  seen.tool = { name: call.function.name, city: args.city, finish: calling.choices[0].finish_reason, answer: after.choices[0].message.content };

  const runner = client.chat.completions.stream({ model, messages: [{ role: 'user', content: order }], tools });
  const streamed = (await runner.finalChatCompletion()).choices[0].message.tool_calls[0];
  seen.streamedTool = { name: streamed.function.name, city: JSON.parse(streamed.function.arguments).city };

  const embedded = await client.embeddings.create({ model: 'text-embedding-3-small', input: ['one', 'two'], dimensions: 8 });
  seen.embeddings = embedded.data.map((e) => e.embedding.length);

  seen.unknownModel = await failure(() => client.chat.completions.create({ model: 'gpt-99', messages }));
  return seen;
});
