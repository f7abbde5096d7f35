//! A rule plugin: it sends a request to the model of the language that it is written in, and
//! to a cheap one when the budget is nearly spent. README.md says how to build it.

use pointsman::*;

rule!(decide);

fn decide() -> Verdict {
    let text = context().pointer("/request/text");
    let language = match most_mentioned(config().get("languages"), text) {
        Some(language) => language,
        None => return Verdict::Abstain,
    };
    let code = language.get("code").text();
    tag("language", &code);
    if nearly_spent() {
        target_node(config().get("frugal_model"));
        reason(&format!("language {code}, budget nearly spent"));
    } else {
        target_node(language.get("model"));
        reason(&format!("language {code}"));
    }
    Verdict::Decided
}

/// The language of whose words the text mentions the most, the first of several.
fn most_mentioned(languages: Node, text: Node) -> Option<Node> {
    let mut best = None;
    let mut most = 0;
    for language in languages.items() {
        let words = language.get("words");
        let count = words.items().filter(|word| text.mentions_node(*word)).count();
        if count > most {
            most = count;
            best = Some(language);
        }
    }
    best
}

/// The budget has an end, and less of it is left than the config asks to keep.
fn nearly_spent() -> bool {
    let left = context().pointer("/budget/left_fraction");
    left.exists() && left.float() < config().get("frugal_below").float()
}

#[cfg(test)]
mod tests;
