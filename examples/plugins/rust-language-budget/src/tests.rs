use super::*;
use pointsman::testing::{Call, Plugin};

const CONFIG: &str = r#"{"languages": [{"code": "de", "words": ["und"], "model": "german"}], "frugal_below": 0.1, "frugal_model": "cheap"}"#;

fn call(context: &str) -> Call {
    Call::new().config(CONFIG).context(context)
}

#[test]
fn german() {
    let got = call(r#"{"request": {"text": "Hunde und Katzen"}, "budget": {"left_fraction": 0.5}}"#).decide(decide);
    assert_eq!(got.verdict, Some(Verdict::Decided));
    assert_eq!(got.targets, ["german"]);
    assert_eq!(got.tags, [("language".to_string(), "de".to_string())]);
}

#[test]
fn no_language() {
    assert_eq!(call(r#"{"request": {"text": "cats and dogs"}}"#).decide(decide).verdict, Some(Verdict::Abstain));
}

#[test]
fn fixtures() {
    Plugin::rule(decide).fixtures("manifest.json", "fixtures.json");
}
