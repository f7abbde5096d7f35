"""What every client script here does: it asks each model of the command line in turn
and prints what it saw as JSON, one object by model.

Usage: python SCRIPT ORIGIN KEY MODEL...
"""

import json
import sys

origin, key, *models = sys.argv[1:]

QUESTION = "Explain tides."
ORDER = "Please call get_weather for Paris."
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "The weather of a city",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
                "additionalProperties": False,
            },
        },
    }
]


def user(text):
    return {"role": "user", "content": text}


def failure(call):
    """What a call raises, in the words of the client."""
    try:
        call()
    except Exception as e:
        return {"class": type(e).__name__, "status": getattr(e, "status_code", 0), "code": getattr(e, "code", None) or ""}
    return {"class": "none", "status": 0, "code": ""}


def conversation(complete, embed, model):
    """Plain, stream, tools there and back, embeddings, and an error, by functions that
    take and answer what the openai package does."""
    plain = complete(model=model, messages=[user(QUESTION)])
    seen = {
        "plain": {
            "text": plain.choices[0].message.content,
            "finish": plain.choices[0].finish_reason,
            "input": plain.usage.prompt_tokens,
            "output": plain.usage.completion_tokens,
        }
    }

    stream = {"text": "", "finish": "", "pieces": 0}
    for chunk in complete(model=model, messages=[user(QUESTION)], stream=True, stream_options={"include_usage": True}):
        if chunk.choices and chunk.choices[0].delta.content:
            stream["pieces"] += 1
            stream["text"] += chunk.choices[0].delta.content
        if chunk.choices and chunk.choices[0].finish_reason:
            stream["finish"] = chunk.choices[0].finish_reason
        if getattr(chunk, "usage", None):
            stream["input"], stream["output"] = chunk.usage.prompt_tokens, chunk.usage.completion_tokens
    seen["stream"] = stream

    calling = complete(model=model, messages=[user(ORDER)], tools=TOOLS)
    asked = calling.choices[0].message
    call = asked.tool_calls[0]
    city = json.loads(call.function.arguments)["city"]
    messages = [
        user(ORDER),
        asked.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": call.id, "content": f"sunny in {city}"},
    ]
    after = complete(model=model, messages=messages, tools=TOOLS)
    seen["tool"] = {
        "name": call.function.name,
        "city": city,
        "finish": calling.choices[0].finish_reason,
        "answer": after.choices[0].message.content,
    }

    name, arguments = "", ""
    for chunk in complete(model=model, messages=[user(ORDER)], tools=TOOLS, stream=True):
        for part in (chunk.choices[0].delta.tool_calls or []) if chunk.choices else []:
            name += part.function.name or ""
            arguments += part.function.arguments or ""
    seen["streamedTool"] = {"name": name, "city": json.loads(arguments)["city"]}

    embedded = embed(model="text-embedding-3-small", input=["one", "two"], dimensions=8)
    seen["embeddings"] = [len(e["embedding"] if isinstance(e, dict) else e.embedding) for e in embedded.data]

    seen["unknownModel"] = failure(lambda: complete(model="gpt-99", messages=[user(QUESTION)]))
    return seen


def report(complete, embed):
    print(json.dumps({model: conversation(complete, embed, model) for model in models}))
