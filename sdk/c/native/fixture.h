/* Part of pointsman_native.h: running a file of fixtures. */

static pm__value *pm__file(const char *path) {
	FILE *f = fopen(path, "rb");
	pm__text text = {0};
	char b[4096];
	size_t n;
	if (f == NULL) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(2);
	}
	while ((n = fread(b, 1, sizeof b, f)) > 0) pm__append(&text, b, n);
	fclose(f);
	pm__value *v = pm__document(text.b, text.size);
	if (v == NULL) {
		fprintf(stderr, "%s is not JSON\n", path);
		exit(2);
	}
	return v;
}

static pm__value *pm__named(const pm__value *v, const char *name) { return pm__member(v, name, strlen(name)); }
static const char *pm__raw(const pm__value *v) { return v == NULL ? NULL : pm__copy(v->raw, v->raw_size); }
static const char *pm__words(const pm__value *v) { return v == NULL || v->kind != PM_KIND_STRING ? NULL : v->text; }

/* pm__same compares two values, numbers and objects by value. */
static bool pm__same(const pm__value *a, const pm__value *b) {
	if (a == NULL || b == NULL || a->kind != b->kind || a->count != b->count) return false;
	switch (a->kind) {
	case PM_KIND_BOOL:
		return a->raw[0] == b->raw[0];
	case PM_KIND_NUMBER:
		return strtod(a->raw, NULL) == strtod(b->raw, NULL);
	case PM_KIND_STRING:
		return a->text_size == b->text_size && memcmp(a->text, b->text, a->text_size) == 0;
	}
	for (int32_t i = 0; i < a->count; i++)
		if (!pm__same(a->items[i], a->kind == PM_KIND_OBJECT ? pm__member(b, a->names[i]->text, a->names[i]->text_size) : b->items[i])) return false;
	return true;
}

static const char *pm__fixture;
static bool pm__fixture_failed;

static void pm__differs(const char *what, const char *got, const char *want) {
	fprintf(stderr, "%s: %s is %s, want %s\n", pm__fixture, what, got == NULL ? "(nothing)" : got, want == NULL ? "(nothing)" : want);
	pm__fixture_failed = true;
}

static void pm__want_text(const pm__value *want, const char *what, const char *got) {
	want = pm__named(want, what);
	if (want != NULL && (got == NULL || strcmp(want->text, got) != 0)) pm__differs(what, got, want->text);
}

static void pm__want_number(const pm__value *want, const char *what, int32_t got) {
	want = pm__named(want, what);
	char b[16];
	snprintf(b, sizeof b, "%d", (int)got);
	if (want != NULL && pm__integer(want) != got) pm__differs(what, b, pm__raw(want));
}

static void pm__want_list(const pm__value *want, const char *what, const char *const *got, int32_t count) {
	want = pm__named(want, what);
	if (want == NULL) return;
	bool same = want->count == count;
	for (int32_t i = 0; same && i < count; i++) same = strcmp(want->items[i]->text, got[i]) == 0;
	if (!same) pm__differs(what, count > 0 ? got[0] : NULL, pm__raw(want));
}

static void pm__want_pairs(const pm__value *want, const char *what, const pm_pair *got, int32_t count, bool all) {
	want = pm__named(want, what);
	if (want == NULL) return;
	bool same = want->kind == PM_KIND_OBJECT && (!all || want->count == count);
	for (int32_t i = 0; same && i < want->count; i++) {
		bool found = false;
		for (int32_t j = 0; j < count; j++) found = found || (strcmp(got[j].name, want->names[i]->text) == 0 && strcmp(got[j].value, want->items[i]->text) == 0);
		same = same && found;
	}
	if (!same) pm__differs(what, count > 0 ? got[0].value : NULL, pm__raw(want));
}

static void pm__want_json(const pm__value *want, const char *what, const char *got) {
	if (want != NULL && (got == NULL || !pm__same(want, pm__document(got, strlen(got))))) pm__differs(what, got, pm__raw(want));
}

static void pm__want(const pm__value *want, const char *entry) {
	static const char *const classes[] = {"", "invalid", "auth", "not_found", "rate_limited", "quota", "overloaded", "server", "context_length", "content_filter"};
	bool decide = strcmp(entry, "decide") == 0, request = strcmp(entry, "request") == 0;
	const char *message = pm_got.message;
	if (strcmp(entry, "configure") == 0) {
		pm__text whole = {0};
		pm__append(&whole, "config: ", 8);
		pm__append(&whole, message, strlen(message));
		if (pm_got.result < 0) message = whole.b;
	}
	if (decide) pm__want_text(want, "verdict", pm_got.result == PM_DECIDED ? "decided" : pm_got.result == PM_ABSTAIN ? "abstain" : pm_got.result == PM_REJECT ? "reject" : "broken");
	if (pm_got.result < 0 && pm__named(want, "message") == NULL && pm__named(want, "status") == NULL && pm__named(want, "class") == NULL) pm__differs("the call", "refused", "an answer");
	pm__want_list(want, "targets", pm_got.targets, pm_got.target_count);
	pm__want_text(want, "reason", pm_got.reason);
	pm__want_pairs(want, "tags", pm_got.tags, pm_got.tag_count, true);
	pm__want_pairs(want, "params", pm_got.params, pm_got.param_count, true);
	pm__want_number(want, "status", pm_got.code);
	pm__want_text(want, "message", message);
	pm__want_text(want, "method", pm_got.method);
	pm__want_text(want, "path", pm_got.path);
	pm__want_pairs(want, "headers", pm_got.headers, pm_got.header_count, false);
	pm__want_list(want, "lossy", pm_got.lossy, pm_got.lossy_count);
	pm__want_text(want, "class", pm_got.class_ >= 0 && pm_got.class_ <= PM_CLASS_CONTENT_FILTER ? classes[pm_got.class_] : "unknown");
	pm__want_json(pm__named(want, "body"), "body", request ? pm_got.output : pm_got.chunk_count == 1 ? pm_got.chunks[0] : NULL);
	const pm__value *chunks = pm__named(want, "chunks");
	if (chunks != NULL && chunks->count != pm_got.chunk_count) pm__differs("chunks", pm_got.output, pm__raw(chunks));
	for (int32_t i = 0; chunks != NULL && i < chunks->count && i < pm_got.chunk_count; i++) pm__want_json(chunks->items[i], "chunk", pm_got.chunks[i]);
}

PM__TEST int pm_run_fixtures(const char *manifest_path, const char *fixtures_path) {
	const pm__value *manifest = pm__file(manifest_path), *all = pm__file(fixtures_path);
	const char *kind = pm__words(pm__named(manifest, "kind"));
	bool rule = kind != NULL && strcmp(kind, "rule") == 0;
	int failures = 0;
	for (int32_t i = 0; i < all->count; i++) {
		const pm__value *f = all->items[i], *status = pm__named(f, "status"), *now = pm__named(f, "now_ms"), *response = pm__named(f, "response");
		const char *entry = pm__words(pm__named(f, "entry")), *id = pm__words(pm__named(f, "request_id"));
		if (entry == NULL) entry = rule ? "decide" : "request";
		pm_case c = {
			.request = pm__raw(pm__named(f, "request")), .context = pm__raw(pm__named(f, "context")),
			.config = pm__raw(pm__named(f, "config")), .call = pm__raw(pm__named(f, "call")), .fields = pm__raw(pm__named(f, "fields")),
			.response = response != NULL && response->kind == PM_KIND_STRING ? response->text : pm__raw(response),
			.event = pm__words(pm__named(f, "event")), .status = status != NULL ? (int32_t)pm__integer(status) : strcmp(entry, "error") == 0 ? 500 : 200,
			.request_id = id != NULL ? id : "fixture", .now_ms = now != NULL ? pm__integer(now) : 1750000000000, .attempt = rule ? 0 : 1,
			.plugin = pm__words(pm__named(manifest, "name")),
		};
		int32_t (*run)(void) = pm__entry(entry);
		pm__fixture = pm__words(pm__named(f, "name"));
		pm__fixture_failed = false;
		pm_new_response();
		if (run != NULL) {
			pm_run(&c, run);
			pm__want(pm__named(f, "want"), entry);
		} else if (strcmp(entry, "configure") != 0) {
			pm__differs("entry", entry, "one that the plugin has");
		}
		pm__checks++;
		pm__failures += pm__fixture_failed;
		failures += pm__fixture_failed;
	}
	return failures;
}
