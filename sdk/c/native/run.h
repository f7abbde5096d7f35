/* Part of pointsman_native.h: running a call, and checks. */

static pm__value *pm__given(const char *what, const char *text) {
	if (text == NULL) return NULL;
	pm__value *v = pm__document(text, strlen(text));
	if (v == NULL) {
		fprintf(stderr, "%s is not JSON: %s\n", what, text);
		exit(2);
	}
	return v;
}

PM__TEST void pm_new_response(void) { pm__state = (pm__text){0}; }

PM__TEST int32_t pm_run(const pm_case *c, int32_t (*entry)(void)) {
	memset(&pm_got, 0, sizeof pm_got);
	memset(&pm__host, 0, sizeof pm__host);
	pm_got.reason = pm_got.message = pm_got.path = "";
	pm_got.method = "POST";
	pm__append(&pm__host.out, "", 0);
	pm__host.given = c;
	pm__host.event = entry == pm__entry("event");
	pm__host.docs[PM_DOC_REQUEST] = pm__host.event ? NULL : pm__given("request", c->request);
	pm__host.docs[PM_DOC_CONTEXT] = pm__given("context", c->context);
	pm__host.docs[PM_DOC_CONFIG] = pm__given("config", c->config);
	pm__host.docs[PM_DOC_CALL] = pm__given("call", c->call);
	pm__host.fields = pm__given("fields", c->fields);
	if (c->response != NULL) {
		pm__value *v = pm__document(c->response, strlen(c->response));
		pm__host.docs[PM_DOC_RESPONSE] = v != NULL ? v : pm__string(c->response, strlen(c->response));
	}
	const char *id = c->request_id == NULL ? "" : c->request_id, *plugin = c->plugin == NULL ? "" : c->plugin;
	unsigned char attempt[9] = {0xFF};
	for (int i = 0; i < 4; i++) attempt[1 + i] = (unsigned char)((uint32_t)c->attempt >> (8 * i));
	uint64_t h = pm__fnv(14695981039346656037u, id, strlen(id));
	pm__host.random = pm__fnv(pm__fnv(h, (const char *)attempt, sizeof attempt), plugin, strlen(plugin));

	pm_got.result = entry();

	pm_got.output = pm__host.out.b;
	pm_got.chunks = pm__new(((size_t)pm__host.cut_count + 1) * sizeof *pm_got.chunks);
	size_t start = 0;
	for (int32_t i = 0; i <= pm__host.cut_count; i++) {
		size_t end = i < pm__host.cut_count ? pm__host.cuts[i] : pm__host.out.size;
		if (end > start) pm_got.chunks[pm_got.chunk_count++] = pm__copy(pm__host.out.b + start, end - start);
		start = end;
	}
	return pm_got.result;
}

PM__TEST void pm__check(bool holds, const char *file, int line, const char *what) {
	pm__checks++;
	if (holds) return;
	pm__failures++;
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
}

PM__TEST void pm__check_text(const char *got, const char *want, const char *file, int line) {
	bool same = got == NULL || want == NULL ? got == want : strcmp(got, want) == 0;
	pm__checks++;
	if (same) return;
	pm__failures++;
	fprintf(stderr, "%s:%d: got \"%s\", want \"%s\"\n", file, line, got == NULL ? "(nothing)" : got, want == NULL ? "(nothing)" : want);
}

PM__TEST int pm_tested(void) {
	printf("%d checks and fixtures, %d failed\n", pm__checks, pm__failures);
	return pm__failures > 0;
}
