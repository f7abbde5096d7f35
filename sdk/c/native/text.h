/* Part of pointsman_native.h: memory, and text that grows. */

/* Memory is kept until the program ends, in a list, so that leak checkers find it. */
static struct pm__block {
	struct pm__block *next;
} *pm__blocks;

static void *pm__new(size_t size) {
	struct pm__block *b = calloc(1, sizeof(struct pm__block) + size);
	if (b == NULL) abort();
	b->next = pm__blocks;
	pm__blocks = b;
	return b + 1;
}

static char *pm__copy(const char *text, size_t size) {
	char *copy = pm__new(size + 1);
	if (size > 0) memcpy(copy, text, size);
	return copy;
}

/* A text that grows. */
typedef struct {
	char *b;
	size_t size, cap;
} pm__text;

static void pm__append(pm__text *t, const char *b, size_t size) {
	if (t->size + size + 1 > t->cap) {
		size_t cap = 2 * (t->size + size + 32);
		char *grown = pm__new(cap);
		if (t->size > 0) memcpy(grown, t->b, t->size);
		t->b = grown;
		t->cap = cap;
	}
	if (size > 0) memcpy(t->b + t->size, b, size);
	t->size += size;
	t->b[t->size] = 0;
}

static void pm__append_rune(pm__text *t, uint32_t c) {
	char b[4];
	if (c < 0x80) {
		b[0] = (char)c;
		pm__append(t, b, 1);
	} else if (c < 0x800) {
		b[0] = (char)(0xC0 | c >> 6), b[1] = (char)(0x80 | (c & 0x3F));
		pm__append(t, b, 2);
	} else if (c < 0x10000) {
		b[0] = (char)(0xE0 | c >> 12), b[1] = (char)(0x80 | (c >> 6 & 0x3F)), b[2] = (char)(0x80 | (c & 0x3F));
		pm__append(t, b, 3);
	} else {
		b[0] = (char)(0xF0 | c >> 18), b[1] = (char)(0x80 | (c >> 12 & 0x3F)), b[2] = (char)(0x80 | (c >> 6 & 0x3F)), b[3] = (char)(0x80 | (c & 0x3F));
		pm__append(t, b, 4);
	}
}

/* pm__rune reads a character; an invalid byte is U+FFFD, one byte wide. */
static uint32_t pm__rune(const char *text, size_t size, int *width) {
	const unsigned char *b = (const unsigned char *)text;
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	int n = b[0] < 0x80 ? 1 : b[0] >= 0xF0 && b[0] < 0xF5 ? 4 : b[0] >= 0xE0 && b[0] < 0xF0 ? 3 : b[0] >= 0xC2 && b[0] < 0xE0 ? 2 : 0;
	*width = 1;
	if (n == 1) return b[0];
	if (n == 0 || (size_t)n > size) return 0xFFFD;
	uint32_t c = b[0] & (0x7Fu >> n);
	for (int i = 1; i < n; i++) {
		if ((b[i] & 0xC0) != 0x80) return 0xFFFD;
		c = c << 6 | (b[i] & 0x3Fu);
	}
	if (c < least[n] || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000)) return 0xFFFD;
	*width = n;
	return c;
}

static void pm__escape(pm__text *t, const char *text, size_t size) {
	for (size_t i = 0; i < size;) {
		int width;
		uint32_t c = pm__rune(text + i, size - i, &width);
		char b[8];
		if (c == '"' || c == '\\') {
			b[0] = '\\', b[1] = (char)c;
			pm__append(t, b, 2);
		} else if (c < ' ') {
			pm__append(t, b, (size_t)snprintf(b, sizeof b, "\\u%04x", (unsigned)c));
		} else {
			pm__append_rune(t, c);
		}
		i += (size_t)width;
	}
}
