/* Part of pointsman_native.h: pm_mentions. */

static uint32_t pm__fold(uint32_t c) {
	if ((c >= 'A' && c <= 'Z') || (c >= 0xC0 && c <= 0xDE && c != 0xD7) || (c >= 0x391 && c <= 0x3A9) || (c >= 0x410 && c <= 0x42F)) return c + 32;
	if (c >= 0x400 && c <= 0x40F) return c + 80;
	if ((c >= 0x100 && c <= 0x12F) || (c >= 0x132 && c <= 0x137) || (c >= 0x14A && c <= 0x177) || (c >= 0x460 && c <= 0x481) || (c >= 0x1E00 && c <= 0x1E95) || (c >= 0x1EA0 && c <= 0x1EFF))
		return c | 1;
	if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17E)) return c + (c & 1);
	switch (c) {
	case 0x178: return 0xFF;
	case 0x17F: return 's';
	case 0x386: return 0x3AC;
	case 0x388: case 0x389: case 0x38A: return c + 37;
	case 0x38C: return 0x3CC;
	case 0x38E: case 0x38F: return c + 63;
	case 0x3C2: return 0x3C3; /* final sigma */
	case 0xB5: return 0x3BC;
	case 0x1E9E: return 0xDF;
	case 0x212A: return 'k';
	case 0x212B: return 0xE5;
	}
	return c;
}

static bool pm__is_space(uint32_t c) {
	return (c >= 9 && c <= 13) || c == ' ' || c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

static bool pm__is_word(uint32_t c) {
	if (c < 0x80) return c == '_' || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
	if (c < 0xC0) return c == 0xAA || c == 0xB5 || c == 0xBA;
	if (c == 0xD7 || c == 0xF7 || c == 0xFFFD || c == 0x3000 || (c >= 0x3001 && c <= 0x3004) || (c >= 0x3008 && c <= 0x3020)) return false;
	if ((c >= 0x2000 && c <= 0x20CF) || (c >= 0x2150 && c <= 0x2BFF) || (c >= 0xE000 && c <= 0xF8FF)) return false;
	if ((c >= 0xFF00 && c <= 0xFF0F) || (c >= 0xFF1A && c <= 0xFF20) || (c >= 0xFF3B && c <= 0xFF40) || (c >= 0xFF5B && c <= 0xFF65)) return false;
	return c < 0x1F000 || c > 0x1FAFF;
}

/* pm__follows is the offset behind the phrase, which text[i:] begins with, or -1. */
static int64_t pm__follows(const char *text, size_t size, size_t i, const char *phrase, size_t length) {
	int width;
	for (size_t j = 0; j < length;) {
		uint32_t want = pm__rune(phrase + j, length - j, &width);
		if (pm__is_space(want)) {
			while (j < length && pm__is_space(pm__rune(phrase + j, length - j, &width))) j += (size_t)width;
			size_t start = i;
			while (i < size && pm__is_space(pm__rune(text + i, size - i, &width))) i += (size_t)width;
			if (i == start) return -1;
			continue;
		}
		j += (size_t)width;
		if (i == size || pm__fold(pm__rune(text + i, size - i, &width)) != pm__fold(want)) return -1;
		i += (size_t)width;
	}
	return (int64_t)i;
}

int32_t pm_v1_mentions(pm_node node, const char *phrase, int32_t length) {
	pm__value *v = pm__of(node, PM_KIND_STRING);
	size_t from = 0, to = (size_t)length;
	int width;
	while (from < to && pm__is_space(pm__rune(phrase + from, to - from, &width))) from += (size_t)width;
	for (size_t i = from; i < (size_t)length; i += (size_t)width)
		if (!pm__is_space(pm__rune(phrase + i, (size_t)length - i, &width))) to = i + (size_t)width;
	if (v == NULL || from == to) return 0;
	bool after_word = false;
	for (size_t i = 0; i < v->text_size;) {
		if (!after_word) {
			int64_t end = pm__follows(v->text, v->text_size, i, phrase + from, to - from);
			if (end >= 0 && ((size_t)end == v->text_size || !pm__is_word(pm__rune(v->text + end, v->text_size - (size_t)end, &width)))) return 1;
		}
		after_word = pm__is_word(pm__rune(v->text + i, v->text_size - i, &width));
		i += (size_t)width;
	}
	return 0;
}
