//! JSON for the test double: values that remember how they were written.

use std::rc::Rc;
use std::string::{String, ToString};
use std::vec::Vec;

use crate::abi::Kind;
use crate::native_text::escape;

/// A JSON value.
#[derive(Debug)]
pub(crate) struct Value {
    pub kind: Kind,
    /// As it came.
    pub raw: String,
    /// Of a string, decoded.
    pub text: String,
    /// Of an array or object.
    pub items: Vec<Rc<Value>>,
    /// Of an object: each name, and from its first byte to its value's last as it came.
    pub names: Vec<(Rc<Value>, String)>,
}

impl Value {
    /// Reads a document; `None` if it is not JSON.
    pub fn parse(text: &str) -> Option<Rc<Value>> {
        let mut r = Reader { text, at: 0, depth: 0 };
        let v = r.value()?;
        r.blank();
        (r.at == text.len()).then_some(v)
    }

    /// Makes a string.
    pub fn string(text: &str) -> Rc<Value> {
        let raw = std::format!("\"{}\"", escape(text));
        Rc::new(Value { kind: Kind::String, raw, text: text.to_string(), items: Vec::new(), names: Vec::new() })
    }

    pub fn get(&self, name: &str) -> Option<Rc<Value>> {
        let i = self.names.iter().position(|(n, _)| n.text == name)?;
        Some(self.items[i].clone())
    }

    pub fn pointer(self: &Rc<Value>, pointer: &str) -> Option<Rc<Value>> {
        let mut v = self.clone();
        if pointer.is_empty() {
            return Some(v);
        }
        for token in pointer.strip_prefix('/')?.split('/') {
            let name = token.replace("~1", "/").replace("~0", "~");
            let canonical = name == "0" || !name.starts_with('0') && !name.starts_with('+');
            v = match v.kind {
                Kind::Array if name == "-1" => v.items.last()?.clone(),
                Kind::Array if canonical => v.items.get(name.parse::<usize>().ok()?)?.clone(),
                _ => v.get(&name)?,
            };
        }
        Some(v)
    }

    pub fn float(&self) -> f64 {
        match self.kind {
            Kind::Number => self.raw.parse().unwrap_or(0.0),
            _ => 0.0,
        }
    }

    pub fn int(&self) -> i64 {
        match self.raw.parse::<i128>() {
            Ok(v) if self.kind == Kind::Number => v.max(i64::MIN.into()).min(i64::MAX.into()) as i64,
            _ => self.float() as i64, // cut and clamped
        }
    }

    /// Whether two values are the same, numbers and objects by value.
    pub fn same(&self, other: &Value) -> bool {
        if self.kind != other.kind || self.items.len() != other.items.len() {
            return false;
        }
        match self.kind {
            Kind::Number => self.float() == other.float(),
            Kind::String => self.text == other.text,
            Kind::Array => self.items.iter().zip(&other.items).all(|(a, b)| a.same(b)),
            Kind::Object => self.names.iter().zip(&self.items).all(|((name, _), a)| match other.get(&name.text) {
                Some(b) => a.same(&b),
                None => false,
            }),
            _ => self.raw == other.raw,
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, want: u8) -> Option<()> {
        (self.peek()? == want).then(|| self.at += 1)
    }

    fn blank(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn value(&mut self) -> Option<Rc<Value>> {
        self.blank();
        let start = self.at;
        self.depth += 1;
        if self.depth > 512 {
            return None;
        }
        let mut v =
            Value { kind: Kind::Null, raw: String::new(), text: String::new(), items: Vec::new(), names: Vec::new() };
        match self.peek()? {
            b'{' => self.items(&mut v, Kind::Object, b'}')?,
            b'[' => self.items(&mut v, Kind::Array, b']')?,
            b'"' => {
                v.kind = Kind::String;
                v.text = self.string()?;
            }
            b't' => self.word(&mut v, Kind::Bool, "true")?,
            b'f' => self.word(&mut v, Kind::Bool, "false")?,
            b'n' => self.word(&mut v, Kind::Null, "null")?,
            _ => self.number(&mut v)?,
        }
        self.depth -= 1;
        v.raw = self.text[start..self.at].to_string();
        Some(Rc::new(v))
    }

    fn word(&mut self, v: &mut Value, kind: Kind, word: &str) -> Option<()> {
        v.kind = kind;
        self.at += self.text[self.at..].starts_with(word).then_some(word.len())?;
        Some(())
    }

    fn items(&mut self, v: &mut Value, kind: Kind, close: u8) -> Option<()> {
        v.kind = kind;
        self.at += 1;
        self.blank();
        if self.peek()? == close {
            self.at += 1;
            return Some(());
        }
        loop {
            self.blank();
            let start = self.at;
            let mut name = None;
            if kind == Kind::Object {
                name = Some(self.value().filter(|n| n.kind == Kind::String && v.get(&n.text).is_none())?);
                self.blank();
                self.take(b':')?;
            }
            v.items.push(self.value()?);
            if let Some(name) = name {
                v.names.push((name, self.text[start..self.at].to_string()));
            }
            self.blank();
            if self.peek()? == close {
                self.at += 1;
                return Some(());
            }
            self.take(b',')?;
        }
    }

    fn digits(&mut self) -> Option<usize> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        (self.at > start).then(|| self.at - start)
    }

    fn number(&mut self, v: &mut Value) -> Option<()> {
        v.kind = Kind::Number;
        let _ = self.take(b'-');
        let zero = self.peek()? == b'0';
        if self.digits()? > 1 && zero {
            return None;
        }
        if self.take(b'.').is_some() {
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Some(())
    }

    fn string(&mut self) -> Option<String> {
        let mut out = String::new();
        self.at += 1;
        loop {
            let c = self.text[self.at..].chars().next()?;
            self.at += c.len_utf8();
            match c {
                '"' => return Some(out),
                '\\' => {
                    let escaped = self.peek()?;
                    self.at += 1;
                    out.push(match escaped {
                        b'"' | b'\\' | b'/' => escaped as char,
                        b'b' => '\u{8}',
                        b'f' => '\u{c}',
                        b'n' => '\n',
                        b'r' => '\r',
                        b't' => '\t',
                        b'u' => self.unit()?,
                        _ => return None,
                    });
                }
                c if c < ' ' => return None,
                c => out.push(c),
            }
        }
    }

    /// The character of a `\u` escape, or of two.
    fn unit(&mut self) -> Option<char> {
        let high = self.hex4()?;
        if (0xD800..0xDC00).contains(&high) && self.text[self.at..].starts_with("\\u") {
            let back = self.at;
            self.at += 2;
            let low = self.hex4()?;
            if (0xDC00..0xE000).contains(&low) {
                return char::from_u32(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00));
            }
            self.at = back;
        }
        Some(char::from_u32(high).unwrap_or('\u{FFFD}'))
    }

    fn hex4(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        self.at += 4;
        digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok())?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_json() {
        for text in [
            "",
            "{",
            "[1,]",
            r#"{"a":1,"a":2}"#,
            "01",
            "1.",
            "-",
            "+1",
            "\"a",
            r#""\x""#,
            "nul",
            "1 2",
            "[1 2]",
            r#"{"a" 1}"#,
            "{1:2}",
            r#""\u12""#,
            "\"\n\"",
        ] {
            assert!(Value::parse(text).is_none(), "parse({:?}) is taken for JSON", text);
        }
    }

    #[test]
    fn values() {
        let v = Value::parse(r#" {"a/b":[1, 2.0,-3e2], "s":"\u0041\ud83d\ude80\ud800", "n":9007199254740993, "big":99999999999999999999} "#).unwrap();
        assert_eq!(v.pointer("/a~1b/-1").unwrap().int(), -300);
        assert_eq!(v.pointer("/a~1b/1").unwrap().int(), 2);
        assert!(v.pointer("/a~1b/01").is_none() && v.pointer("/a~1b/3").is_none() && v.pointer("s").is_none());
        assert_eq!(v.get("s").unwrap().text, "A🚀\u{FFFD}");
        assert_eq!(v.get("n").unwrap().int(), 9007199254740993);
        assert_eq!(v.get("big").unwrap().int(), i64::MAX);
        assert_eq!(v.names[0].1, r#""a/b":[1, 2.0,-3e2]"#);
    }
}
