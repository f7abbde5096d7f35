//! The call at hand of the test double.

use std::cell::RefCell;
use std::rc::Rc;
use std::string::{String, ToString};
use std::vec::Vec;

use crate::abi::{self, Kind, Level};
use crate::native_text::{fnv, mix, FNV_OFFSET};
use crate::native_value::Value;
use crate::testing::Answer;

/// What a call was given, and its answer so far.
#[derive(Default)]
pub(crate) struct Given {
    /// By the number of the document, from 1.
    pub docs: [Option<Rc<Value>>; 5],
    pub fields: Vec<(String, String)>,
    pub event: String,
    pub status: i32,
    pub now_ms: i64,
    pub random: u64,
    /// Whether this entry point has chunks.
    pub chunked: bool,
    pub out: String,
    pub cuts: Vec<usize>,
    pub nodes: Vec<Rc<Value>>,
    pub answer: Answer,
}

std::thread_local! {
    static CURRENT: RefCell<Option<Given>> = const { RefCell::new(None) };
}

/// Runs a function on the call at hand.
pub(crate) fn current<T>(f: impl FnOnce(&mut Given) -> T) -> T {
    CURRENT.with(|c| f(c.borrow_mut().as_mut().expect("outside wasm a plugin's functions run inside testing::Call")))
}

/// Makes a call the one at hand while `entry` runs, and returns it. None is at hand after a
/// panic, so that the thread's next test begins afresh.
pub(crate) fn during(given: Given, entry: impl FnOnce()) -> Given {
    struct End;
    impl Drop for End {
        fn drop(&mut self) {
            CURRENT.with(|c| c.take());
        }
    }
    CURRENT.with(|c| assert!(c.borrow().is_none(), "a call within a call"));
    let _end = End;
    CURRENT.with(|c| c.replace(Some(given)));
    entry();
    CURRENT.with(|c| c.take()).expect("the call at hand")
}

impl Given {
    pub fn seed(&mut self, request_id: &str, attempt: i32, plugin: &str) {
        let h = fnv(fnv(FNV_OFFSET, request_id.as_bytes()), &[0xFF]);
        self.random = fnv(fnv(h, &i64::from(attempt).to_le_bytes()), plugin.as_bytes());
    }

    pub fn value(&self, node: i32) -> Option<Rc<Value>> {
        self.nodes.get(usize::try_from(node).ok()?.checked_sub(1)?).cloned()
    }

    pub fn string(&self, node: i32) -> Option<Rc<Value>> {
        self.value(node).filter(|v| v.kind == Kind::String)
    }

    fn handle(&mut self, v: Option<Rc<Value>>) -> i32 {
        match v {
            Some(v) => {
                self.nodes.push(v);
                self.nodes.len() as i32
            }
            None => 0,
        }
    }

    pub fn derive(&mut self, node: i32, f: impl FnOnce(&Rc<Value>) -> Option<Rc<Value>>) -> i32 {
        let v = self.value(node).and_then(|v| f(&v));
        self.handle(v)
    }

    pub fn doc(&mut self, which: i32) -> i32 {
        let i = usize::try_from(which).ok().and_then(|i| i.checked_sub(1));
        let v = i.and_then(|i| self.docs.get(i)?.clone());
        self.handle(v)
    }

    pub fn parse(&mut self, node: i32) -> i32 {
        let v = self.string(node).and_then(|v| Value::parse(&v.text));
        self.handle(v)
    }

    pub fn slice(&mut self, node: i32, from: i32, to: i32) -> i32 {
        let part = self.string(node).map(|v| {
            let bound = |i: i32| {
                let mut i = (i.max(0) as usize).min(v.text.len());
                while !v.text.is_char_boundary(i) {
                    i -= 1;
                }
                i
            };
            let (from, to) = (bound(from), bound(to));
            Value::string(&v.text[from..to.max(from)])
        });
        self.handle(part)
    }

    pub fn name(&self, node: i32, i: i32) -> Option<Rc<Value>> {
        Some(self.value(node)?.names.get(usize::try_from(i).ok()?)?.0.clone())
    }

    pub fn hash(&self, node: i32) -> i64 {
        self.value(node).map_or(0, |v| {
            let text = if v.kind == Kind::String { &v.text } else { &v.raw };
            mix(fnv(fnv(FNV_OFFSET, &[v.kind as u8]), text.as_bytes())) as i64
        })
    }

    pub fn emit(&mut self, node: i32, f: impl FnOnce(&Value) -> String) {
        if let Some(v) = self.value(node) {
            self.out.push_str(&f(&v));
        }
    }

    pub fn emit_members(&mut self, node: i32, except: &[u8]) {
        let except = String::from_utf8_lossy(except);
        let start = self.cuts.last().copied().unwrap_or(0);
        let end = self.out[start..].trim_end_matches(&[' ', '\t', '\r', '\n'][..]).chars().last();
        let mut comma = !matches!(end, None | Some('{' | '[' | ',' | ':'));
        let v = match self.value(node) {
            Some(v) => v,
            None => return,
        };
        for (name, member) in &v.names {
            if except.split('\n').any(|line| line == name.text && !except.is_empty()) {
                continue;
            }
            if comma {
                self.out.push(',');
            }
            self.out.push_str(member);
            comma = true;
        }
    }

    pub fn flush(&mut self) {
        if self.chunked && self.out.len() > self.cuts.last().copied().unwrap_or(0) {
            self.cuts.push(self.out.len());
        }
    }

    pub fn target(&mut self, id: &str) {
        if !id.is_empty() {
            assert!(
                self.answer.targets.len() < abi::MAX_TARGETS,
                "more than {} targets end the call",
                abi::MAX_TARGETS
            );
            self.answer.targets.push(id.to_string());
        }
    }

    pub fn log(&mut self, level: i32, line: &str) {
        let level = [Level::Debug, Level::Info, Level::Warn, Level::Error][level.clamp(0, 3) as usize];
        if self.answer.logs.len() < abi::MAX_LOG_LINES {
            self.answer.logs.push((level, Given::cut(line, abi::MAX_LOG_LINE)));
        }
    }

    /// Sets a label, in place of one of that name.
    pub fn set(pairs: &mut Vec<(String, String)>, name: &str, value: &str) {
        if name.is_empty() {
            return;
        }
        match pairs.iter_mut().find(|(n, _)| n == name) {
            Some(pair) => pair.1 = value.to_string(),
            None => pairs.push((name.to_string(), value.to_string())),
        }
    }

    /// Text of at most so many bytes.
    pub fn cut(text: &str, most: usize) -> String {
        let mut end = text.len().min(most);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text[..end].to_string()
    }

    /// The output, cut where it was flushed.
    pub fn chunks(&self) -> Vec<String> {
        let mut start = 0;
        let mut chunks = Vec::new();
        for &end in self.cuts.iter().chain([&self.out.len()]) {
            if end > start {
                chunks.push(self.out[start..end].to_string());
            }
            start = end;
        }
        chunks
    }
}
