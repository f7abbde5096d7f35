/* Part of pointsman_native.h: output, exchange and outcome. */

static size_t pm__chunk_start(void) { return pm__host.cut_count == 0 ? 0 : pm__host.cuts[pm__host.cut_count - 1]; }

void pm_v1_emit(const char *text, int32_t size) { pm__append(&pm__host.out, text, (size_t)size); }

void pm_v1_emit_node(pm_node node) {
	pm__value *v = pm__at(node);
	if (v != NULL) pm__append(&pm__host.out, v->raw, v->raw_size);
}

void pm_v1_emit_members(pm_node node, const char *except, int32_t size) {
	pm__value *v = pm__of(node, PM_KIND_OBJECT);
	if (v == NULL) return;
	size_t last = pm__host.out.size;
	while (last > pm__chunk_start() && strchr(" \t\r\n", pm__host.out.b[last - 1]) != NULL) last--;
	bool comma = last > pm__chunk_start() && strchr("{[,:", pm__host.out.b[last - 1]) == NULL;
	for (int32_t i = 0; i < v->count; i++) {
		bool listed = false;
		for (const char *line = except, *end = except + size; line < end;) {
			const char *stop = memchr(line, '\n', (size_t)(end - line));
			size_t width = (size_t)((stop == NULL ? end : stop) - line);
			listed = listed || (v->names[i]->text_size == width && memcmp(v->names[i]->text, line, width) == 0);
			line += width + 1;
		}
		if (listed) continue;
		if (comma) pm__append(&pm__host.out, ",", 1);
		pm__append(&pm__host.out, v->names[i]->raw, (size_t)(v->items[i]->raw + v->items[i]->raw_size - v->names[i]->raw));
		comma = true;
	}
}

void pm_v1_emit_key(pm_node node, int32_t i) {
	pm__value *name = pm__name(node, i);
	if (name != NULL) pm__append(&pm__host.out, name->raw, name->raw_size);
}

void pm_v1_emit_text(const char *text, int32_t size) { pm__escape(&pm__host.out, text, (size_t)size); }

void pm_v1_emit_string(const char *text, int32_t size) {
	pm__append(&pm__host.out, "\"", 1);
	pm_v1_emit_text(text, size);
	pm__append(&pm__host.out, "\"", 1);
}

void pm_v1_emit_int(int64_t value) {
	char b[24];
	pm__append(&pm__host.out, b, (size_t)snprintf(b, sizeof b, "%lld", (long long)value));
}

void pm_v1_emit_inner(pm_node node) {
	pm__value *v = pm__of(node, PM_KIND_STRING);
	if (v != NULL) pm__append(&pm__host.out, v->raw + 1, v->raw_size - 2);
}

void pm_v1_emit_quoted(pm_node node) {
	pm__value *v = pm__at(node);
	pm_v1_emit_string(v == NULL ? "" : v->raw, v == NULL ? 0 : (int32_t)v->raw_size);
}

void pm_v1_flush(void) {
	if (!pm__host.event || pm__host.out.size == pm__chunk_start()) return;
	if (pm__host.cut_count == pm__host.cut_cap) {
		pm__host.cut_cap = 2 * pm__host.cut_cap + 16;
		size_t *grown = pm__new((size_t)pm__host.cut_cap * sizeof *grown);
		for (int32_t i = 0; i < pm__host.cut_count; i++) grown[i] = pm__host.cuts[i];
		pm__host.cuts = grown;
	}
	pm__host.cuts[pm__host.cut_count++] = pm__host.out.size;
}

int32_t pm_v1_state_load(char *buf, int32_t cap) { return pm__fill(buf, cap, pm__state.b, pm__state.size); }

void pm_v1_state_save(const char *state, int32_t size) {
	pm__text saved = {0};
	pm__append(&saved, state, (size_t)size);
	pm__state = saved;
}

/* pm__set sets a label, in place of one of that name. */
static void pm__set(pm_pair *pairs, int32_t *count, int32_t most, const char *name, int32_t name_size, const char *value, int32_t value_size) {
	char *key = pm__copy(name, (size_t)name_size), *text = pm__copy(value, (size_t)value_size);
	for (int32_t i = 0; i < *count; i++)
		if (strcmp(pairs[i].name, key) == 0) {
			pairs[i].value = text;
			return;
		}
	if (*count < most) pairs[(*count)++] = (pm_pair){key, text};
}

void pm_v1_http_method(const char *method, int32_t size) { pm_got.method = pm__copy(method, (size_t)size); }
void pm_v1_http_path(const char *path, int32_t size) { pm_got.path = pm__copy(path, (size_t)size); }
void pm_v1_http_header(const char *name, int32_t name_size, const char *value, int32_t value_size) {
	pm__set(pm_got.headers, &pm_got.header_count, PM_MAX_HTTP_FIELD, name, name_size, value, value_size);
}

int32_t pm_v1_event_name(char *buf, int32_t cap) {
	const char *name = pm__host.given->event == NULL ? "" : pm__host.given->event;
	return pm__fill(buf, cap, name, strlen(name));
}

int32_t pm_v1_http_status(void) { return pm__host.given->status; }

int32_t pm_v1_http_field(const char *name, int32_t name_size, char *buf, int32_t cap) {
	pm__value *fields = pm__host.fields;
	for (int32_t i = 0; fields != NULL && i < fields->count; i++) {
		const pm__value *field = fields->names[i];
		bool same = field->text_size == (size_t)name_size;
		for (int32_t j = 0; same && j < name_size; j++) same = pm__fold((unsigned char)field->text[j]) == pm__fold((unsigned char)name[j]);
		if (same) return pm__fill(buf, cap, fields->items[i]->text, fields->items[i]->text_size);
	}
	return 0;
}

void pm_v1_target(const char *id, int32_t size) {
	if (size > 0 && pm_got.target_count < PM_MAX_TARGETS) pm_got.targets[pm_got.target_count++] = pm__copy(id, (size_t)size);
}

void pm_v1_target_node(pm_node node) {
	pm__value *v = pm__of(node, PM_KIND_STRING);
	if (v != NULL) pm_v1_target(v->text, (int32_t)v->text_size);
}

void pm_v1_reason(const char *text, int32_t size) { pm_got.reason = pm__copy(text, (size_t)(size > PM_MAX_REASON ? PM_MAX_REASON : size)); }

void pm_v1_tag(const char *key, int32_t key_size, const char *value, int32_t value_size) {
	if (key_size > 0) pm__set(pm_got.tags, &pm_got.tag_count, PM_MAX_TAGS, key, key_size, value, value_size);
}

void pm_v1_param(const char *key, int32_t key_size, const char *value, int32_t value_size) {
	if (key_size > 0) pm__set(pm_got.params, &pm_got.param_count, PM_MAX_TAGS, key, key_size, value, value_size);
}

void pm_v1_lossy(const char *field, int32_t size) {
	char *name = pm__copy(field, (size_t)size);
	for (int32_t i = 0; i < pm_got.lossy_count; i++)
		if (strcmp(pm_got.lossy[i], name) == 0) return;
	if (size > 0 && pm_got.lossy_count < PM_MAX_LOSSY) pm_got.lossy[pm_got.lossy_count++] = name;
}

void pm_v1_classify(int32_t class_, int64_t retry_after_ms) {
	pm_got.class_ = class_;
	pm_got.retry_after_ms = retry_after_ms < 0 ? 0 : retry_after_ms;
}

void pm_v1_fail(int32_t code, const char *message, int32_t size) {
	pm_got.failed = true;
	pm_got.code = code;
	pm_got.message = pm__copy(message, (size_t)(size > PM_MAX_MESSAGE ? PM_MAX_MESSAGE : size));
}

void pm_v1_log(int32_t level, const char *line, int32_t size) {
	(void)level;
	if (pm_got.log_count < PM_MAX_LOG_LINES) pm_got.logs[pm_got.log_count++] = pm__copy(line, (size_t)(size > PM_MAX_LOG_LINE ? PM_MAX_LOG_LINE : size));
}

int64_t pm_v1_now_ms(void) { return pm__host.given->now_ms; }

/* SplitMix64 (Steele, Lea and Flood 2014) and FNV-1a, as the host has them. */
static uint64_t pm__mix(uint64_t z) {
	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
	z = (z ^ z >> 27) * 0x94D049BB133111EBu;
	return z ^ z >> 31;
}

static uint64_t pm__fnv(uint64_t h, const char *text, size_t size) {
	for (size_t i = 0; i < size; i++) h = (h ^ (unsigned char)text[i]) * 1099511628211u;
	return h;
}

int64_t pm_v1_random(void) { return (int64_t)pm__mix(pm__host.random += 0x9E3779B97F4A7C15u); }

int64_t pm_v1_hash(pm_node node) {
	pm__value *v = pm__at(node);
	if (v == NULL) return 0;
	char kind = (char)v->kind;
	uint64_t h = pm__fnv(14695981039346656037u, &kind, 1);
	bool string = v->kind == PM_KIND_STRING;
	return (int64_t)pm__mix(pm__fnv(h, string ? v->text : v->raw, string ? v->text_size : v->raw_size));
}
