//! Text for the test double: escapes, words and hashes as the host has them.

use std::string::String;

/// Text as the inside of a JSON string.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if c < ' ' => out.push_str(&std::format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out
}

/// Whether the phrase occurs in the text as a whole, in any case.
pub(crate) fn mentions(text: &str, phrase: &str) -> bool {
    let phrase = phrase.trim();
    let mut after_word = false;
    for (i, c) in text.char_indices() {
        if !phrase.is_empty() && !after_word {
            if let Some(rest) = behind(&text[i..], phrase) {
                if !rest.chars().next().map_or(false, is_word) {
                    return true;
                }
            }
        }
        after_word = is_word(c);
    }
    false
}

/// What stands behind the phrase that the text begins with.
fn behind<'a>(mut text: &'a str, phrase: &str) -> Option<&'a str> {
    let mut wanted = phrase.chars().peekable();
    while let Some(want) = wanted.next() {
        if want.is_whitespace() {
            while wanted.next_if(|c| c.is_whitespace()).is_some() {}
            let rest = text.trim_start();
            if rest.len() == text.len() {
                return None;
            }
            text = rest;
            continue;
        }
        let c = text.chars().next()?;
        if fold(c) != fold(want) {
            return None;
        }
        text = &text[c.len_utf8()..];
    }
    Some(text)
}

/// Simple case folding, nearly: by way of the capital, where that is one character.
fn fold(c: char) -> char {
    if matches!(c, 'ı' | 'İ') {
        return c; // their capitals and small letters are those of i
    }
    let single = |c: char, all: &mut dyn Iterator<Item = char>| match (all.next(), all.next()) {
        (Some(one), None) => one,
        _ => c,
    };
    let upper = single(c, &mut c.to_uppercase());
    single(upper, &mut upper.to_lowercase())
}

/// A letter, mark, digit or `_`. Marks are those of the blocks of combining ones.
fn is_word(c: char) -> bool {
    let mark = matches!(c as u32, 0x300..=0x36F | 0x483..=0x489 | 0x1AB0..=0x1AFF | 0x1DC0..=0x1DFF | 0x20D0..=0x20FF | 0xFE00..=0xFE0F | 0xFE20..=0xFE2F);
    c == '_' || mark || c.is_alphabetic() || c.is_numeric()
}

/// The output function of SplitMix64 (Steele, Lea and Flood 2014).
pub(crate) fn mix(mut z: u64) -> u64 {
    z = (z ^ z >> 30).wrapping_mul(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27).wrapping_mul(0x94D049BB133111EB);
    z ^ z >> 31
}

/// FNV-1a, 64 bits, goes on from h.
pub(crate) fn fnv(h: u64, text: &[u8]) -> u64 {
    text.iter().fold(h, |h, b| (h ^ u64::from(*b)).wrapping_mul(1099511628211))
}

/// Where FNV-1a begins.
pub(crate) const FNV_OFFSET: u64 = 14695981039346656037;

#[cfg(test)]
mod tests {
    use super::mentions;

    #[test]
    fn words() {
        let text = "Hello \n world: schön, STRAẞE. СРОЧНО ὁδος ΟΔΟΣ C++ 比较 300 \u{212A}g 🚀 the End";
        for (phrase, want) in [
            ("hello", true),
            ("HELLO  world", true),
            ("world", true),
            ("hell", false),
            ("ello", false),
            ("schön", true),
            ("SCHÖN", true),
            ("schö", false),
            ("straße", true),
            ("срочно", true),
            ("οδοσ", true),
            ("c++", true),
            ("", false),
            (" ", false),
            ("比较", true),
            ("比", false),
            ("kg", true),
            (" world ", true),
            ("hello, world", false),
            ("🚀", true),
            ("end", true),
            ("nd", false),
        ] {
            assert_eq!(mentions(text, phrase), want, "mentions({:?})", phrase);
        }
        assert!(!mentions("ılk", "ilk") && !mentions("cafe\u{301}", "cafe") && !mentions("ship🚀x", "🚀"));
    }
}
