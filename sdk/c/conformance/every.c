/* The program of sdk/testdata/every in C: it calls every function of the boundary and
 * reports what it was told. */
#include "../pointsman.h"

static char buf[64 << 10];

/* string_of emits what a function left in buf. */
static void string_of(int32_t size) {
	pm_v1_emit_string(buf, size);
	pm_emit(",");
}

static void number(int64_t value) {
	pm_emit_int(value);
	pm_emit(",");
}

PM_ENTRY(pm_request_v1) {
	pm_node r = pm_request(), text = pm_get(r, "text"), list = pm_get(r, "list"), yes = pm_get(r, "yes"), null = pm_get(r, "null");
	pm_set_method("PUT");
	pm_set_path("/every?x=1");
	pm_set_header("x-every", "yes");
	pm_lossy("top_p");

	pm_emit("{\"whole\":");
	pm_emit_node(r);
	pm_emit_members(r, "object\nlist\nlong");
	pm_emit_members(pm_get(r, "object"), "none of them");
	pm_emit_members(pm_get(r, "empty"), "");
	pm_emit(",\"nodes\":[");
	pm_emit_node(pm_get(pm_config(), "c"));
	pm_emit(",");
	pm_emit_node(pm_get(pm_context(), "x"));
	pm_emit(",");
	pm_emit_node(pm_get(pm_call(), "k"));
	pm_emit(",");
	pm_emit_node(pm_pointer(r, "/list/-1"));
	pm_emit(",");
	pm_emit_node(pm_at(list, 1));
	pm_emit(",");
	pm_emit_node(pm_get(pm_parse(pm_get(r, "json")), "in"));
	pm_emit(",\"");
	pm_emit_inner(text);
	pm_emit_text("\"<guest>\n");
	pm_emit_inner(pm_slice(text, 2, 5));
	pm_emit("\",");
	pm_emit_quoted(list);
	pm_emit(",{");
	pm_emit_key(r, 1);
	pm_emit(":0}],\"numbers\":[");

	number(pm_size(r));
	number(pm_size(text));
	number(pm_size(list));
	number(pm_size(pm_get(r, "absent")));
	number(pm_kind(pm_get(r, "absent")));
	number(pm_kind(null));
	number(pm_kind(yes));
	number(pm_kind(pm_get(r, "big")));
	number(pm_kind(text));
	number(pm_kind(list));
	number(pm_kind(r));
	number(pm_int(pm_get(r, "big")));
	number(pm_int(pm_get(r, "float")));
	number((int64_t)(pm_num(pm_get(r, "float")) * 4));
	number(pm_find(text, "zwei"));
	number(pm_find(text, "drei"));
	number(pm_bool(yes));
	number(pm_bool(null));
	number(pm_exists(null));
	number(pm_exists(pm_get(r, "absent")));
	number(pm_equal(text, "ein zwei"));
	number(pm_equal(text, "ein"));
	number(pm_mentions(text, "ZWEI"));
	number(pm_mentions(text, "zw"));
	number(pm_now_ms());
	number(pm_hash(r) == pm_hash(r));
	number(pm_hash(r) != pm_hash(text));
	number(pm_random() != pm_random());

	pm_emit("0],\"texts\":[");
	string_of(pm_text(text, buf, sizeof buf));
	string_of(pm_raw(list, buf, sizeof buf));
	string_of(pm_key(r, 0, buf, sizeof buf));
	string_of(pm_key(r, 99, buf, sizeof buf));
	string_of(pm_text(pm_get(r, "big"), buf, sizeof buf));
	buf[0] = '<';
	string_of(1 + pm_text(text, buf + 1, sizeof buf - 1));
	string_of(pm_text(text, buf, pm_text(text, buf, 0)));
	pm_node longer = pm_get(r, "long");
	pm_emit_int(pm_text(longer, buf, 1) + pm_raw(longer, buf, sizeof buf) + pm_text(longer, buf, sizeof buf));
	pm_emit("]}");
	pm_log(PM_LEVEL_INFO, "every function was called");
	return PM_OK;
}

PM_ENTRY(pm_response_v1) {
	pm_emit("{\"status\":");
	pm_emit_int(pm_status());
	pm_emit(",\"fields\":[");
	string_of(pm_field("X-One", buf, sizeof buf));
	string_of(pm_field("x-none", buf, sizeof buf));
	pm_emit_int(pm_field("x-long", buf, 0));
	pm_emit("],\"body\":");
	pm_emit_node(pm_response());
	pm_emit("}");
	pm_classify(PM_CLASS_OVERLOADED, 1500);
	return PM_OK;
}

PM_ENTRY(pm_event_v1) {
	pm_v1_emit_string(buf, pm_event_name(buf, sizeof buf));
	pm_flush();
	int32_t size = pm_load_state(buf, sizeof buf);
	pm_v1_emit_string(buf, size);
	pm_save_state(buf, size + pm_event_name(buf + size, (int32_t)sizeof buf - size));
	return PM_OK;
}

PM_ENTRY(pm_error_v1) { return pm_fail(418, "no coffee"); }

PM_ENTRY(pm_decide_v1) {
	pm_node text = pm_pointer(pm_context(), "/request/text");
	if (pm_equal(text, "reject")) return pm_reject(451, "not here");
	if (pm_equal(text, "abstain")) return PM_ABSTAIN;
	pm_target("first");
	pm_target_node(pm_pointer(pm_context(), "/models/0/id"));
	pm_reason("because");
	pm_tag("colour", "red");
	pm_param("max_tokens", "5");
	return PM_DECIDED;
}

PM_ENTRY(pm_configure_v1) {
	if (pm_exists(pm_get(pm_config(), "bad"))) return pm_fail(400, "bad is bad");
	return PM_OK;
}
