// A rule that routes by the language of a prompt, and to a cheap model when the budget is
// nearly spent. README.md says how to build and use it.
import { Node, Verdict, config, context, reason, tag, targetNode } from "../../../sdk/assemblyscript/pointsman";

export function pm_decide_v1(): i32 {
  const language = likeliest(config().get("languages"), context().pointer("/request/text"));
  if (!language.exists) return Verdict.Abstain;
  const code = language.get("code").text();
  tag("language", code);
  if (nearlySpent()) {
    targetNode(config().get("frugal_model"));
    reason("language " + code + ", budget nearly spent");
  } else {
    targetNode(language.get("model"));
    reason("language " + code);
  }
  return Verdict.Decided;
}

/** The language with the most words in the text, the first of several; absent when none has any. */
function likeliest(languages: Node, text: Node): Node {
  let best = Node.absent();
  let most = 0;
  for (let i = 0, n = languages.length; i < n; i++) {
    const found = count(languages.at(i).get("words"), text);
    if (found > most) {
      most = found;
      best = languages.at(i);
    }
  }
  return best;
}

/** How many of the words the text mentions. */
function count(words: Node, text: Node): i32 {
  let found = 0;
  for (let i = 0, n = words.length; i < n; i++) {
    if (text.mentionsNode(words.at(i))) found++;
  }
  return found;
}

function nearlySpent(): bool {
  const left = context().pointer("/budget/left_fraction");
  return left.exists && left.float() < config().get("frugal_below").float();
}
