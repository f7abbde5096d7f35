//! Files of fixtures, as `pointsman plugin test` reads them.

use std::rc::Rc;
use std::string::{String, ToString};
use std::vec::Vec;

use crate::abi::Kind;
use crate::entry::Outcome;
use crate::native_value::Value;
use crate::provider::Adapter;
use crate::rule::Verdict;
use crate::testing::{Answer, Call, Entry};

/// The name of an entry point in fixtures, and what runs it.
type Function = (&'static str, Entry, fn() -> Outcome);

/// The functions of a plugin, to run the cases of its fixtures file:
///
/// ```no_run
/// # use pointsman::{testing::Plugin, Verdict};
/// # fn decide() -> Verdict { Verdict::Abstain }
/// Plugin::rule(decide).fixtures("manifest.json", "fixtures.json");
/// ```
#[derive(Default)]
pub struct Plugin {
    decide: Option<fn() -> Verdict>,
    outcomes: Vec<Function>,
}

impl Plugin {
    /// A rule that decides by this function.
    pub fn rule(decide: fn() -> Verdict) -> Plugin {
        Plugin { decide: Some(decide), outcomes: Vec::new() }
    }

    /// A provider of this type.
    pub fn provider<A: Adapter>() -> Plugin {
        Plugin::default().and_provider::<A>()
    }

    /// The same plugin with a provider's functions.
    pub fn and_provider<A: Adapter>(mut self) -> Plugin {
        self.outcomes.push(("request", Entry::Request, A::request));
        self.outcomes.push(("response", Entry::Response, A::response));
        self.outcomes.push(("event", Entry::Event, A::event));
        self.outcomes.push(("error", Entry::Error, A::error));
        self
    }

    /// The same plugin with a check of its config.
    pub fn configure(mut self, check: fn() -> Outcome) -> Plugin {
        self.outcomes.push(("configure", Entry::Configure, check));
        self
    }

    /// Runs every case of a fixtures file and panics if any fails, or if there is none. The
    /// manifest says the plugin's name and kind. Paths are relative to the package's folder,
    /// which is where `cargo test` runs. What concerns the runtime (`max_fuel`) is passed over.
    pub fn fixtures(&self, manifest_path: &str, fixtures_path: &str) {
        let manifest = read(manifest_path);
        let cases = read(fixtures_path);
        let text = |name| manifest.get(name).map_or(String::new(), |v| v.text.clone());
        let (name, rule) = (text("name"), text("kind") == "rule");
        let problems: Vec<String> = cases.items.iter().flat_map(|case| self.case(case, &name, rule)).collect();
        assert!(!cases.items.is_empty(), "{} has no cases", fixtures_path);
        assert!(problems.is_empty(), "{}", problems.join("\n"));
    }

    fn case(&self, case: &Value, plugin: &str, rule: bool) -> Vec<String> {
        let text = |name: &str| case.get(name).map(|v| v.text.clone());
        let raw = |name: &str| case.get(name).map(|v| v.raw.clone());
        let entry = text("entry").unwrap_or_else(|| if rule { "decide" } else { "request" }.to_string());
        let status = match case.get("status") {
            Some(v) => v.int() as i32,
            None if entry == "error" => 500,
            None => 200,
        };
        let mut call = Call::new().status(status).event(&text("event").unwrap_or_default());
        call = call.now_ms(case.get("now_ms").map_or(1_750_000_000_000, |v| v.int()));
        call = call.seed(&text("request_id").unwrap_or_else(|| "fixture".to_string()), i32::from(!rule), plugin);
        for name in ["request", "context", "config", "call"] {
            if let Some(json) = raw(name) {
                call = match name {
                    "request" => call.request(&json),
                    "context" => call.context(&json),
                    "config" => call.config(&json),
                    _ => call.call(&json),
                };
            }
        }
        if let Some(v) = case.get("response") {
            call = call.response(if v.kind == Kind::String { &v.text } else { &v.raw });
        }
        if let Some(fields) = case.get("fields") {
            for ((name, _), value) in fields.names.iter().zip(&fields.items) {
                call = call.field(&name.text, &value.text);
            }
        }
        let answer = if let (true, Some(decide)) = (entry == "decide", self.decide) {
            call.decide(decide)
        } else if let Some((_, entry, run)) = self.outcomes.iter().find(|(name, ..)| *name == entry) {
            call.outcome(*entry, *run)
        } else if entry == "configure" {
            return Vec::new();
        } else {
            return std::vec![std::format!("{}: the plugin has no entry {}", text("name").unwrap_or_default(), entry)];
        };
        let mut check = Check { name: text("name").unwrap_or_default(), want: case.get("want"), problems: Vec::new() };
        check.answer(&answer, &entry);
        check.problems
    }
}

fn read(path: &str) -> Rc<Value> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|err| panic!("{}: {}", path, err));
    Value::parse(&text).unwrap_or_else(|| panic!("{} is not JSON", path))
}

struct Check {
    name: String,
    want: Option<Rc<Value>>,
    problems: Vec<String>,
}

impl Check {
    fn want(&self, what: &str) -> Option<Rc<Value>> {
        self.want.as_ref()?.get(what)
    }

    /// Compares with what is wanted under that name, if anything is.
    fn json(&mut self, what: &str, got: &str) {
        if let Some(want) = self.want(what) {
            self.same(what, got, &want);
        }
    }

    fn same(&mut self, what: &str, got: &str, want: &Value) {
        if !Value::parse(got).map_or(false, |got| got.same(want)) {
            self.problems.push(std::format!("{}: {} is {}, want {}", self.name, what, got, want.raw));
        }
    }

    fn text(&mut self, what: &str, got: &str) {
        self.json(what, &Value::string(got).raw);
    }

    fn list(&mut self, what: &str, got: &[String]) {
        let all: Vec<String> = got.iter().map(|s| Value::string(s).raw.clone()).collect();
        self.json(what, &std::format!("[{}]", all.join(",")));
    }

    fn pairs(&mut self, what: &str, got: &[(String, String)]) {
        let all: Vec<String> =
            got.iter().map(|(n, v)| std::format!("{}:{}", Value::string(n).raw, Value::string(v).raw)).collect();
        self.json(what, &std::format!("{{{}}}", all.join(",")));
    }

    fn answer(&mut self, got: &Answer, entry: &str) {
        const CLASSES: [&str; 10] = [
            "",
            "invalid",
            "auth",
            "not_found",
            "rate_limited",
            "quota",
            "overloaded",
            "server",
            "context_length",
            "content_filter",
        ];
        let (code, mut message) = got.failure.clone().unwrap_or_default();
        if got.result < 0 && entry == "configure" {
            message.insert_str(0, "config: "); // as the host says it
        }
        if got.result < 0 && ["status", "message", "class"].iter().all(|what| self.want(what).is_none()) {
            self.problems.push(std::format!("{}: the call is refused: {}", self.name, message));
        }
        if entry == "decide" {
            self.text("verdict", ["decided", "abstain", "reject"].get(got.result as usize).unwrap_or(&"broken"));
        }
        self.list("targets", &got.targets);
        self.text("reason", &got.reason);
        self.pairs("tags", &got.tags);
        self.pairs("params", &got.params);
        self.json("status", &code.to_string());
        self.text("message", &message);
        self.text("method", if got.method.is_empty() { "POST" } else { &got.method });
        self.text("path", &got.path);
        if let Some(want) = self.want("headers") {
            let named: Vec<_> = got.headers.iter().filter(|(name, _)| want.get(name).is_some()).cloned().collect();
            self.pairs("headers", &named);
        }
        self.list("lossy", &got.lossy);
        self.text("class", CLASSES.get(got.class as usize).unwrap_or(&"unknown"));
        if entry != "request" && self.want("body").is_some() && got.chunks.len() != 1 {
            self.problems.push(std::format!("{}: {} documents, want one", self.name, got.chunks.len()));
        }
        self.json("body", &got.output);
        self.json("chunks", &std::format!("[{}]", got.chunks.join(",")));
    }
}
