//! The program of `sdk/testdata/every` in Rust: it calls every function of the boundary and
//! reports what it was told.

use pointsman::*;

rule!(decide);
configure!(check);
adapter!(Every);

struct Every;

fn numbers(r: Node) -> [i64; 28] {
    let text = r.get("text");
    let at = |i: Option<usize>| i.map_or(-1, |i| i as i64);
    [
        r.len() as i64,
        text.len() as i64,
        r.get("list").len() as i64,
        r.get("absent").len() as i64,
        r.get("absent").kind() as i64,
        r.get("null").kind() as i64,
        r.get("yes").kind() as i64,
        r.get("big").kind() as i64,
        text.kind() as i64,
        r.get("list").kind() as i64,
        r.kind() as i64,
        r.get("big").int(),
        r.get("float").int(),
        (r.get("float").float() * 4.0) as i64,
        at(text.find("zwei")),
        at(text.find("drei")),
        r.get("yes").bool() as i64,
        r.get("null").bool() as i64,
        r.get("null").exists() as i64,
        r.get("absent").exists() as i64,
        text.equal("ein zwei") as i64,
        text.equal("ein") as i64,
        text.mentions("ZWEI") as i64,
        text.mentions("zw") as i64,
        now_ms(),
        (r.hash() == r.hash()) as i64,
        (r.hash() != text.hash()) as i64,
        (random() != random()) as i64,
    ]
}

impl Adapter for Every {
    fn request() -> Outcome {
        let r = request();
        let text = r.get("text");
        set_method("PUT");
        set_path("/every?x=1");
        set_header("x-every", "yes");
        lossy("top_p");

        emit("{\"whole\":");
        emit_node(r);
        emit_members(r, &["object", "list", "long"]);
        emit_members(r.get("object"), &["none of them"]);
        emit_members(r.get("empty"), &[]);
        emit(",\"nodes\":[");
        let inner = r.get("json").parse().get("in");
        for node in
            [config().get("c"), context().get("x"), call().get("k"), r.pointer("/list/-1"), r.get("list").at(1), inner]
        {
            emit_node(node);
            emit(",");
        }
        emit("\"");
        emit_inner(text);
        emit_text("\"<guest>\n");
        emit_inner(text.slice(2, 5));
        emit("\",");
        emit_quoted(r.get("list"));
        emit(",{");
        emit_key(r, 1);
        emit(":0}],\"numbers\":[");
        for number in numbers(r) {
            emit_int(number);
            emit(",");
        }
        emit("0],\"texts\":[");
        let mut buf = [0; 64];
        let own = "<".to_string() + text.read_text(&mut buf).unwrap_or("too long");
        for text in [text.text(), r.get("list").raw(), r.key(0), r.key(99), r.get("big").text(), own, text.text()] {
            emit_string(&text);
            emit(",");
        }
        let long = r.get("long");
        let short = long.read_text(&mut buf).is_none()
            && long.read_raw(&mut buf).is_none()
            && r.read_key(0, &mut buf) == Some("text");
        emit_int(if short { (2 * long.text().len() + long.raw().len()) as i64 } else { -1 });
        emit("]}");
        log(Level::Info, "every function was called");
        Ok(())
    }

    fn response() -> Outcome {
        emit("{\"status\":");
        emit_int(status().into());
        emit(",\"fields\":[");
        emit_string(read_field("X-One", &mut [0; 8]).unwrap_or("too long"));
        emit(",");
        emit_string(&field("x-none"));
        emit(",");
        emit_int(field("x-long").len() as i64);
        emit("],\"body\":");
        emit_node(response());
        emit("}");
        classify(Class::Overloaded, 1500);
        Ok(())
    }

    fn event() -> Outcome {
        assert_eq!(event_eof(), event_name() == "eof");
        emit_string(&event_name());
        flush();
        let mut state = load_state();
        emit_string(&String::from_utf8_lossy(&state));
        state.extend(event_name().bytes());
        save_state(&state);
        Ok(())
    }

    fn error() -> Outcome {
        Err(fail(418, "no coffee"))
    }
}

fn decide() -> Verdict {
    let text = context().pointer("/request/text");
    if text.equal("reject") {
        return reject(451, "not here");
    }
    if text.equal("abstain") {
        return Verdict::Abstain;
    }
    target("first");
    target_node(context().pointer("/models/0/id"));
    reason("because");
    tag("colour", "red");
    param("max_tokens", "5");
    Verdict::Decided
}

fn check() -> Outcome {
    match config().get("bad").exists() {
        true => Err(fail(400, "bad is bad")),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test double says what the server's runtime does.
    #[test]
    fn fixtures() {
        let plugin = testing::Plugin::rule(decide).and_provider::<Every>().configure(check);
        plugin.fixtures("manifest.json", "../../testdata/conformance/fixtures.json");
    }
}
