// The ai package with @ai-sdk/openai-compatible against a running gateway; see seen.mjs.
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { embedMany, generateText, jsonSchema, stepCountIs, streamText, tool as define } from 'ai';
import { failure, key, order, origin, question, report, tool } from './seen.mjs';

const provider = createOpenAICompatible({ name: 'pointsman', baseURL: `${origin}/v1`, apiKey: key, includeUsage: true });

await report(async (model) => {
  const ask = { model: provider(model), prompt: question, maxRetries: 0 };
  const plain = await generateText(ask);
  const seen = {
    plain: { text: plain.text, finish: plain.finishReason, input: plain.usage.inputTokens, output: plain.usage.outputTokens },
    stream: { text: '', pieces: 0 },
  };

  const stream = streamText(ask);
  for await (const part of stream.textStream) {
    seen.stream.pieces++;
    seen.stream.text += part;
  }
  const usage = await stream.usage;
  Object.assign(seen.stream, { finish: await stream.finishReason, input: usage.inputTokens, output: usage.outputTokens });

  const got = {};
  const tools = {
    [tool.name]: define({
      description: tool.description,
      inputSchema: jsonSchema(tool.schema),
      execute: async (args) => {
        got.city = args.city;
        return tool.result(args);
      },
    }),
  };
  const steps = await generateText({ ...ask, prompt: order, tools, stopWhen: stepCountIs(3) });
  seen.tool = { name: steps.steps[0].toolCalls[0].toolName, city: got.city, finish: steps.steps[0].finishReason, answer: steps.text };

  got.city = '';
  const streamedSteps = streamText({ ...ask, prompt: order, tools, stopWhen: stepCountIs(3) });
  await streamedSteps.consumeStream();
  seen.streamedTool = { name: (await streamedSteps.steps)[0].toolCalls[0].toolName, city: got.city };

  const embedded = await embedMany({
    model: provider.embeddingModel('text-embedding-3-small'), values: ['one', 'two'], maxRetries: 0,
    providerOptions: { pointsman: { dimensions: 8 } },
  });
  seen.embeddings = embedded.embeddings.map((e) => e.length);

  seen.unknownModel = await failure(() => generateText({ ...ask, model: provider('gpt-99') }));
  return seen;
});
