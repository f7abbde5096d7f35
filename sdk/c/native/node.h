/* Part of pointsman_native.h: the call at hand and its handles. */

static struct {
	const pm_case *given;
	pm__value *docs[PM_DOC_CALL + 1], *fields;
	pm__value **nodes;
	int32_t node_count, node_cap;
	pm__text out;
	size_t *cuts;
	int32_t cut_count, cut_cap;
	bool event;
	uint64_t random;
} pm__host;

/* The plugin's entry points. */
static struct {
	const char *name;
	int32_t (*run)(void);
} pm__entries[8];
static size_t pm__entry_count;

void pm_native_entry(const char *name, int32_t (*run)(void)) {
	if (pm__entry_count == sizeof pm__entries / sizeof pm__entries[0]) abort();
	pm__entries[pm__entry_count].name = name;
	pm__entries[pm__entry_count++].run = run;
}

/* pm__entry is the entry point that fixtures know by that name, as "decide"; NULL if the
 * plugin has none. */
static int32_t (*pm__entry(const char *name))(void) {
	char full[32];
	snprintf(full, sizeof full, "pm_%s_v1", name);
	for (size_t i = 0; i < pm__entry_count; i++)
		if (strcmp(pm__entries[i].name, full) == 0) return pm__entries[i].run;
	return NULL;
}

static pm__text pm__state;
static int pm__checks, pm__failures;

static pm_node pm__handle(pm__value *v) {
	if (v == NULL) return 0;
	if (pm__host.node_count == pm__host.node_cap) {
		pm__host.node_cap = 2 * pm__host.node_cap + 64;
		pm__value **grown = pm__new((size_t)pm__host.node_cap * sizeof *grown);
		for (int32_t i = 0; i < pm__host.node_count; i++) grown[i] = pm__host.nodes[i];
		pm__host.nodes = grown;
	}
	pm__host.nodes[pm__host.node_count++] = v;
	return pm__host.node_count;
}

static pm__value *pm__at(pm_node node) { return node > 0 && node <= pm__host.node_count ? pm__host.nodes[node - 1] : NULL; }

/* pm__of is the value if it is of that kind. */
static pm__value *pm__of(pm_node node, int32_t kind) {
	pm__value *v = pm__at(node);
	return v != NULL && v->kind == kind ? v : NULL;
}

static int32_t pm__fill(char *buf, int32_t cap, const char *text, size_t size) {
	if (size <= (size_t)(cap < 0 ? 0 : cap) && size > 0) memcpy(buf, text, size);
	return (int32_t)size;
}

pm_node pm_v1_doc(int32_t which) { return which >= PM_DOC_REQUEST && which <= PM_DOC_CALL ? pm__handle(pm__host.docs[which]) : 0; }

pm_node pm_v1_parse(pm_node node) {
	pm__value *v = pm__of(node, PM_KIND_STRING);
	return v == NULL ? 0 : pm__handle(pm__document(v->text, v->text_size));
}

int32_t pm_v1_find(pm_node node, const char *text, int32_t size) {
	pm__value *v = pm__of(node, PM_KIND_STRING);
	for (size_t i = 0; v != NULL && i + (size_t)size <= v->text_size; i++)
		if (memcmp(v->text + i, text, (size_t)size) == 0) return (int32_t)i;
	return -1;
}

pm_node pm_v1_slice(pm_node node, int32_t from, int32_t to) {
	pm__value *v = pm__of(node, PM_KIND_STRING);
	if (v == NULL) return 0;
	int32_t size = (int32_t)v->text_size;
	from = from < 0 ? 0 : from > size ? size : from;
	to = to < from ? from : to > size ? size : to;
	while (from < size && (v->text[from] & 0xC0) == 0x80) from--;
	while (to < size && (v->text[to] & 0xC0) == 0x80) to--;
	return pm__handle(pm__string(v->text + from, (size_t)(to < from ? 0 : to - from)));
}

pm_node pm_v1_pointer(pm_node node, const char *pointer, int32_t size) {
	pm__value *v = pm__at(node);
	for (const char *at = pointer, *end = pointer + size; v != NULL && at < end;) {
		if (*at++ != '/') return 0;
		pm__text token = {0};
		pm__append(&token, "", 0);
		for (; at < end && *at != '/'; at++) {
			char c = *at;
			if (c == '~' && at + 1 < end) c = *++at == '0' ? '~' : *at == '1' ? '/' : 0;
			if (c == 0) return 0;
			pm__append(&token, &c, 1);
		}
		if (v->kind == PM_KIND_ARRAY) {
			bool digits = token.size > 0 && token.size < 10 && strspn(token.b, "0123456789") == token.size && (token.b[0] != '0' || token.size == 1);
			int32_t i = digits ? atoi(token.b) : strcmp(token.b, "-1") == 0 ? v->count - 1 : -1;
			v = i >= 0 && i < v->count ? v->items[i] : NULL;
		} else {
			v = pm__member(v, token.b, token.size);
		}
	}
	return pm__handle(v);
}

pm_node pm_v1_get(pm_node node, const char *name, int32_t size) { return pm__handle(pm__member(pm__at(node), name, (size_t)size)); }

pm_node pm_v1_at(pm_node node, int32_t i) {
	pm__value *v = pm__at(node);
	return v != NULL && i >= 0 && i < v->count ? pm__handle(v->items[i]) : 0;
}

static pm__value *pm__name(pm_node node, int32_t i) {
	pm__value *v = pm__of(node, PM_KIND_OBJECT);
	return v != NULL && i >= 0 && i < v->count ? v->names[i] : NULL;
}

int32_t pm_v1_key(pm_node node, int32_t i, char *buf, int32_t cap) {
	pm__value *name = pm__name(node, i);
	return name == NULL ? 0 : pm__fill(buf, cap, name->text, name->text_size);
}

int32_t pm_v1_size(pm_node node) {
	pm__value *v = pm__at(node);
	return v == NULL ? 0 : v->kind == PM_KIND_STRING ? (int32_t)v->text_size : v->count;
}

int32_t pm_v1_kind(pm_node node) {
	pm__value *v = pm__at(node);
	return v == NULL ? PM_KIND_ABSENT : v->kind;
}

int32_t pm_v1_bool(pm_node node) {
	pm__value *v = pm__of(node, PM_KIND_BOOL);
	return v != NULL && v->raw[0] == 't';
}

int64_t pm_v1_int(pm_node node) {
	pm__value *v = pm__of(node, PM_KIND_NUMBER);
	return v == NULL ? 0 : pm__integer(v);
}

double pm_v1_num(pm_node node) {
	pm__value *v = pm__of(node, PM_KIND_NUMBER);
	return v == NULL ? 0 : strtod(v->raw, NULL);
}

int32_t pm_v1_text(pm_node node, char *buf, int32_t cap) {
	pm__value *v = pm__of(node, PM_KIND_STRING);
	return v == NULL ? 0 : pm__fill(buf, cap, v->text, v->text_size);
}

int32_t pm_v1_raw(pm_node node, char *buf, int32_t cap) {
	pm__value *v = pm__at(node);
	return v == NULL ? 0 : pm__fill(buf, cap, v->raw, v->raw_size);
}

int32_t pm_v1_equal(pm_node node, const char *text, int32_t size) {
	pm__value *v = pm__of(node, PM_KIND_STRING);
	return v != NULL && v->text_size == (size_t)size && memcmp(v->text, text, (size_t)size) == 0;
}
