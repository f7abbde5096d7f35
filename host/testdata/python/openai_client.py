"""The openai package against a running gateway; see seen.py."""

import openai
from seen import key, origin, report

client = openai.OpenAI(base_url=origin + "/v1", api_key=key, max_retries=0)
report(client.chat.completions.create, client.embeddings.create)
