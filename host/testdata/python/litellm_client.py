"""The litellm package against a running gateway; see seen.py.

The provider is litellm_proxy's kind of server: an OpenAI-compatible one, by its base URL.
"""

import os

# The table of prices is fetched from the network otherwise.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import litellm
from seen import key, origin, report

litellm.telemetry = False
litellm.suppress_debug_info = True  # it goes to standard output
at = {"api_base": origin + "/v1", "api_key": key, "max_retries": 0, "num_retries": 0}


def complete(model, **rest):
    return litellm.completion(model="openai/" + model, **at, **rest)


def embed(model, **rest):
    return litellm.embedding(model="openai/" + model, **at, **rest)


report(complete, embed)
