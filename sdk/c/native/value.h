/* Part of pointsman_native.h: JSON. */

typedef struct pm__value {
	int32_t kind;
	const char *raw; /* as it came */
	size_t raw_size;
	const char *text; /* of a string, decoded */
	size_t text_size;
	struct pm__value **items; /* of an array or object */
	struct pm__value **names; /* of an object */
	int32_t count;
} pm__value;

typedef struct {
	const char *at, *end;
	int depth;
} pm__reader;

static void pm__blank(pm__reader *r) {
	while (r->at < r->end && strchr(" \t\r\n", *r->at) != NULL && *r->at != 0) r->at++;
}

static bool pm__word(pm__reader *r, const char *word) {
	size_t size = strlen(word);
	if ((size_t)(r->end - r->at) < size || memcmp(r->at, word, size) != 0) return false;
	r->at += size;
	return true;
}

static int32_t pm__hex4(pm__reader *r) {
	int32_t v = 0;
	if (r->end - r->at < 4) return -1;
	for (int i = 0; i < 4; i++, r->at++) {
		const char *digits = "0123456789abcdef", *d = strchr(digits, *r->at | 0x20);
		if (*r->at < '0' || d == NULL) return -1;
		v = v * 16 + (int32_t)(d - digits);
	}
	return v;
}

static bool pm__read_string(pm__reader *r, pm__value *v) {
	pm__text t = {0};
	pm__append(&t, "", 0);
	for (r->at++; r->at < r->end && *r->at != '"';) {
		if ((unsigned char)*r->at < ' ') return false;
		if (*r->at != '\\') {
			pm__append(&t, r->at++, 1);
			continue;
		}
		if (++r->at == r->end) return false;
		char c = *r->at++;
		const char *from = "\"\\/bfnrt", *to = "\"\\/\b\f\n\r\t", *found = strchr(from, c);
		if (c == 'u') {
			int32_t high = pm__hex4(r), low;
			if (high < 0) return false;
			if (high >= 0xD800 && high < 0xDC00 && r->end - r->at >= 6 && r->at[0] == '\\' && r->at[1] == 'u') {
				pm__reader ahead = {r->at + 2, r->end, 0};
				low = pm__hex4(&ahead);
				if (low >= 0xDC00 && low < 0xE000) {
					r->at = ahead.at;
					high = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
				}
			}
			pm__append_rune(&t, high >= 0xD800 && high < 0xE000 ? 0xFFFD : (uint32_t)high);
		} else if (c != 0 && found != NULL) {
			pm__append(&t, to + (found - from), 1);
		} else {
			return false;
		}
	}
	v->text = t.b;
	v->text_size = t.size;
	v->kind = PM_KIND_STRING;
	return r->at++ < r->end;
}

static bool pm__digits(pm__reader *r) {
	const char *start = r->at;
	while (r->at < r->end && *r->at >= '0' && *r->at <= '9') r->at++;
	return r->at > start;
}

static bool pm__read_number(pm__reader *r, pm__value *v) {
	v->kind = PM_KIND_NUMBER;
	if (*r->at == '-') r->at++;
	const char *first = r->at;
	if (!pm__digits(r) || (*first == '0' && r->at > first + 1)) return false;
	if (r->at < r->end && *r->at == '.') {
		r->at++;
		if (!pm__digits(r)) return false;
	}
	if (r->at < r->end && (*r->at | 0x20) == 'e') {
		r->at++;
		if (r->at < r->end && (*r->at == '+' || *r->at == '-')) r->at++;
		return pm__digits(r);
	}
	return true;
}

static pm__value *pm__member(const pm__value *v, const char *name, size_t size) {
	for (int32_t i = 0; v != NULL && v->kind == PM_KIND_OBJECT && i < v->count; i++)
		if (v->names[i]->text_size == size && memcmp(v->names[i]->text, name, size) == 0) return v->items[i];
	return NULL;
}

static pm__value *pm__read(pm__reader *r);

static bool pm__read_items(pm__reader *r, pm__value *v, bool object) {
	char close = object ? '}' : ']';
	int32_t cap = 0;
	v->kind = object ? PM_KIND_OBJECT : PM_KIND_ARRAY;
	r->at++;
	pm__blank(r);
	if (r->at < r->end && *r->at == close) {
		r->at++;
		return true;
	}
	for (;;) {
		pm__value *name = NULL;
		if (object) {
			pm__blank(r);
			if (r->at == r->end || *r->at != '"' || (name = pm__read(r)) == NULL) return false;
			if (pm__member(v, name->text, name->text_size) != NULL) return false;
			pm__blank(r);
			if (r->at == r->end || *r->at++ != ':') return false;
		}
		pm__value *item = pm__read(r);
		if (item == NULL) return false;
		if (v->count == cap) {
			cap = 2 * cap + 8;
			pm__value **items = pm__new((size_t)cap * sizeof *items), **names = pm__new((size_t)cap * sizeof *names);
			for (int32_t i = 0; i < v->count; i++) items[i] = v->items[i], names[i] = v->names[i];
			v->items = items;
			v->names = names;
		}
		v->names[v->count] = name;
		v->items[v->count++] = item;
		pm__blank(r);
		if (r->at == r->end) return false;
		char c = *r->at++;
		if (c == close) return true;
		if (c != ',') return false;
	}
}

static pm__value *pm__read(pm__reader *r) {
	pm__blank(r);
	if (r->at == r->end || ++r->depth > 512) return NULL;
	pm__value *v = pm__new(sizeof *v);
	v->raw = r->at;
	v->text = ""; /* of what is no string */
	bool good;
	switch (*r->at) {
	case '{':
	case '[':
		good = pm__read_items(r, v, *r->at == '{');
		break;
	case '"':
		good = pm__read_string(r, v);
		break;
	case 't':
	case 'f':
		v->kind = PM_KIND_BOOL;
		good = pm__word(r, *r->at == 't' ? "true" : "false");
		break;
	case 'n':
		v->kind = PM_KIND_NULL;
		good = pm__word(r, "null");
		break;
	default:
		good = pm__read_number(r, v);
	}
	r->depth--;
	v->raw_size = (size_t)(r->at - v->raw);
	return good ? v : NULL;
}

/* pm__document reads JSON; NULL if it is none. */
static pm__value *pm__document(const char *text, size_t size) {
	pm__reader r = {pm__copy(text, size), NULL, 0};
	r.end = r.at + size;
	pm__value *v = pm__read(&r);
	pm__blank(&r);
	return r.at == r.end ? v : NULL;
}

/* pm__string makes a string of text. */
static pm__value *pm__string(const char *text, size_t size) {
	pm__value *v = pm__new(sizeof *v);
	pm__text raw = {0};
	pm__append(&raw, "\"", 1);
	pm__escape(&raw, text, size);
	pm__append(&raw, "\"", 1);
	v->kind = PM_KIND_STRING;
	v->raw = raw.b, v->raw_size = raw.size;
	v->text = pm__copy(text, size), v->text_size = size;
	return v;
}

static int64_t pm__integer(const pm__value *v) {
	if (memchr(v->raw, '.', v->raw_size) == NULL && memchr(v->raw, 'e', v->raw_size) == NULL && memchr(v->raw, 'E', v->raw_size) == NULL)
		return strtoll(v->raw, NULL, 10); /* clamps */
	double d = strtod(v->raw, NULL);
	return d >= 9223372036854775808.0 ? INT64_MAX : d < -9223372036854775808.0 ? INT64_MIN : (int64_t)d;
}
