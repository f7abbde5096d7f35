use pointsman::*;

rule!(decide);

// Sends refactoring to a coding model and leaves the rest to the next rule.
fn decide() -> Verdict {
    if !context().pointer("/request/text").mentions("refactor") {
        return Verdict::Abstain;
    }
    target("gpt-5.1-codex");
    reason("asks for refactoring");
    Verdict::Decided
}

#[cfg(test)]
mod tests;
