// Embeddings through the openai package, which asks for base64 unless told otherwise.
// It prints what it saw as JSON. Usage: node embeddings.mjs BASE_URL KEY MODEL…
import OpenAI from 'openai';

const [baseURL, apiKey, ...models] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const input = ['first', 'second', 'third'];
const seen = {};

for (const model of models) {
  const packed = await client.embeddings.create({ model, input });
  const floats = await client.embeddings.create({ model, input, encoding_format: 'float' });
  seen[model] = {
    model: packed.model,
    usage: packed.usage,
    lengths: packed.data.map((row) => row.embedding.length),
    difference: Math.max(...packed.data.flatMap((row, i) => row.embedding.map((v, k) => Math.abs(v - floats.data[i].embedding[k])))),
  };
}
console.log(JSON.stringify(seen));
