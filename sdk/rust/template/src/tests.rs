use super::*;
use pointsman::testing::{Call, Plugin};

#[test]
fn refactoring() {
    let got = Call::new().context(r#"{"request": {"text": "Refactor it!"}}"#).decide(decide);
    assert_eq!(got.verdict, Some(Verdict::Decided));
    assert_eq!(got.targets, ["gpt-5.1-codex"]);
}

#[test]
fn fixtures() {
    Plugin::rule(decide).fixtures("manifest.json", "fixtures.json");
}
