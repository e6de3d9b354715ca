/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Bodies with one fault. */
#include "mutate.h"

#include "base/msgpack.h"

enum { PATH_SIZE = 128, LARGE = 1 << 20 };

struct walk {
	struct dom_pack_reader in;
	struct dom_buffer *out;
	const struct change *change;
	bool is_found;
	char path[PATH_SIZE];
};

static void value(struct walk *walk);

static size_t
enter(struct walk *walk, struct dom_slice step)
{
	size_t before = strlen(walk->path);

	snprintf(walk->path + before, sizeof(walk->path) - before, "%s%.*s",
	    before == 0 ? "" : ".", (int)step.size, (const char *)step.data);
	return before;
}

static bool
is_here(const struct walk *walk)
{
	return walk->change->kind != KEEP && strcmp(walk->path, walk->change->path) == 0;
}

/* How many elements or pairs the container here gets, more or less. */
static int
grows(const struct walk *walk)
{
	const char *path = walk->change->path;
	size_t size = strlen(walk->path);

	if (is_here(walk))
		return walk->change->kind == ADD_UNKNOWN;
	if (walk->change->kind != OMIT && walk->change->kind != DUPLICATE)
		return 0;
	if (size != 0 && (strncmp(path, walk->path, size) != 0 || path[size] != '.'))
		return 0;
	if (strchr(path + size + (size != 0), '.') != NULL)
		return 0;
	return walk->change->kind == OMIT ? -1 : 1;
}

static void
pair(struct walk *walk)
{
	struct dom_slice key = dom_pack_str(&walk->in), raw;
	struct dom_pack_reader look = walk->in;
	size_t before = enter(walk, key);

	if (is_here(walk) && walk->change->kind == OMIT) {
		dom_pack_skip(&walk->in);
		walk->is_found = true;
	} else {
		if (is_here(walk) && walk->change->kind == DUPLICATE) {
			raw = dom_pack_raw(&look);
			dom_pack_put_str(walk->out, key);
			dom_buffer_append_slice(walk->out, raw);
			walk->is_found = true;
		}
		dom_pack_put_str(walk->out, key);
		value(walk);
	}
	walk->path[before] = '\0';
}

static void
element(struct walk *walk, size_t index)
{
	char step[24];
	struct dom_pack_reader look = walk->in;
	size_t before;

	snprintf(step, sizeof(step), "%zu", index);
	before = enter(walk, dom_slice_of(step));
	if (is_here(walk) && walk->change->kind == OMIT) {
		dom_pack_skip(&walk->in);
		walk->is_found = true;
	} else {
		if (is_here(walk) && walk->change->kind == DUPLICATE) {
			dom_buffer_append_slice(walk->out, dom_pack_raw(&look));
			walk->is_found = true;
		}
		value(walk);
	}
	walk->path[before] = '\0';
}

/* Our own bodies only: their depth is the schema's. */
static void
value(struct walk *walk)
{
	enum dom_pack_type type = dom_pack_peek(&walk->in);
	int more = grows(walk);
	size_t count;

	if (is_here(walk) && walk->change->kind == REPLACE) {
		dom_pack_skip(&walk->in);
		dom_buffer_append_slice(walk->out, walk->change->value);
		walk->is_found = true;
	} else if (type == DOM_PACK_MAP) {
		count = dom_pack_map(&walk->in);
		dom_pack_put_map(
		    walk->out, count + (size_t)(more > 0) - (count != 0 && more < 0));
		if (is_here(walk) && walk->change->kind == ADD_UNKNOWN) {
			dom_pack_put_text(walk->out, "unknown");
			dom_pack_put_map(walk->out, 1);
			dom_pack_put_text(walk->out, "uid");
			dom_pack_put_array(walk->out, 0);
			walk->is_found = true;
		}
		for (size_t i = 0; i < count; i++)
			pair(walk);
	} else if (type == DOM_PACK_ARRAY) {
		count = dom_pack_array(&walk->in);
		dom_pack_put_array(
		    walk->out, count + (size_t)(more > 0) - (count != 0 && more < 0));
		for (size_t i = 0; i < count; i++)
			element(walk, i);
	} else {
		dom_buffer_append_slice(walk->out, dom_pack_raw(&walk->in));
		walk->is_found = walk->is_found || is_here(walk);
	}
}

bool
mutate(struct dom_slice body, const struct change *change, struct dom_buffer *out)
{
	struct walk walk = {.in = dom_pack_reader_over(body), .out = out, .change = change};

	value(&walk);
	assert_int_equal(dom_buffer_finish(out), DOM_OK);
	return dom_pack_finish(&walk.in) == DOM_OK && (walk.is_found || change->kind == KEEP);
}

/* --- replacements ---------------------------------------------------------------------- */

struct list {
	struct replacement *of;
	size_t count;
};

static void
add(struct list *list, const char *name, struct dom_buffer *bytes, bool is_refused)
{
	assert_true(list->count < REPLACEMENTS_MAX);
	assert_int_equal(dom_buffer_finish(bytes), DOM_OK);
	list->of[list->count++] = (struct replacement){.name = name,
	    .value = dom_arena_copy(house.arena, dom_buffer_slice(bytes)),
	    .is_refused = is_refused};
	assert_non_null(list->of[list->count - 1].value.data);
	dom_buffer_clear(bytes);
}

static void
add_raw(struct list *list, const char *name, struct dom_slice raw, bool is_refused)
{
	struct dom_buffer bytes = {0};

	dom_buffer_append_slice(&bytes, raw);
	add(list, name, &bytes, is_refused);
	dom_buffer_free(&bytes);
}

#define RAW(text) dom_slice(text, sizeof(text) - 1)

static bool
is_text(enum kind kind)
{
	return kind == UID || kind == TEXT;
}

static void
wrong_types(const struct field *field, struct list *list)
{
	enum kind kind = field->kind;

	add_raw(list, "nil", RAW("\xc0"), !field->optional);
	add_raw(list, "true", RAW("\xc3"), kind != BOOL);
	add_raw(list, "a float", RAW("\xcb\x3f\xf0\0\0\0\0\0\0"), true);
	add_raw(list, "an extension", RAW("\xd4\x01\x02"), true);
	add_raw(list, "the type that was never used", RAW("\xc1"), true);
	add_raw(list, "nothing at all", RAW(""), true);
	/* Of what takes any number, zero is one. */
	add_raw(list, "zero", RAW("\x00"), kind != INT);
	add_raw(list, "an integer over all", RAW("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), true);
	add_raw(list, "an integer under all", RAW("\xd3\x80\0\0\0\0\0\0\0"), true);
	/* bin may be written as str. */
	add_raw(list, "text", RAW("\xa4text"), !is_text(kind) && kind != BYTES);
	add_raw(list, "bytes", RAW("\xc4\x04\0\xff\0\xff"), kind != BYTES);
	add_raw(list, "no elements", RAW("\x90"), kind != ARRAY);
	add_raw(list, "no pairs", RAW("\x80"), kind != MAP);
	add_raw(list, "a count without elements", RAW("\xdd\xff\xff\xff\xff"), true);
	add_raw(list, "pairs that never come", RAW("\xdf\xff\xff\xff\xff"), true);
	add_raw(list, "a size without bytes", RAW("\xc6\xff\xff\xff\xff"), true);
}

static void
put_size(struct dom_buffer *bytes, enum kind kind, int64_t size)
{
	struct dom_slice filler;
	uint8_t *data;

	data = dom_arena_take(house.arena, (size_t)size + 1);
	assert_non_null(data);
	memset(data, 'x', (size_t)size);
	filler = dom_slice(data, (size_t)size);
	if (is_text(kind))
		dom_pack_put_str(bytes, filler);
	else
		dom_pack_put_bin(bytes, filler);
}

static void
sizes(const struct field *field, struct list *list)
{
	struct dom_buffer bytes = {0};

	put_size(&bytes, field->kind, 0);
	add(list, "empty", &bytes, field->least > 0);
	if (field->most != 0) {
		put_size(&bytes, field->kind, field->most);
		add(list, "the maximum", &bytes, false);
		put_size(&bytes, field->kind, field->most + 1);
		add(list, "the maximum and one", &bytes, true);
	}
	dom_buffer_free(&bytes);
}

static void
faulty_texts(struct list *list)
{
	static const char *const names[] = {
	    "c2 of another", "i21 of another", "k2 of another", "v22 of another", "zoe", "ZOE"};
	const char *const others[] = {
	    uid('c', 2), uid('i', 21), uid('k', 2), uid('v', 22), "zoe", "ZOE"};
	struct dom_buffer bytes = {0};

	add_raw(list, "a NUL in it",
	    RAW("\xb4"
	        "aaaaaaaaaa\0aaaaaaaaa"),
	    false);
	add_raw(list, "invalid UTF-8",
	    RAW("\xb4"
	        "aaaaaaaaaa\xff"
	        "aaaaaaaaa"),
	    true);
	add_raw(list, "a surrogate",
	    RAW("\xb4"
	        "aaaaaaaaaaaa\xed\xa0\x80"
	        "aaaaa"),
	    true);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		dom_pack_put_text(&bytes, others[i]);
		add(list, names[i], &bytes, false);
	}
	dom_buffer_free(&bytes);
}

static void
numbers(const struct field *field, struct list *list)
{
	struct dom_buffer bytes = {0};

	dom_pack_put_int(&bytes, field->most);
	add(list, "the maximum", &bytes, false);
	if (field->most < INT64_MAX) {
		dom_pack_put_int(&bytes, field->most + 1);
	} else { /* which MessagePack can say and int64_t cannot */
		dom_buffer_append(&bytes, "\xcf\x80\0\0\0\0\0\0\0", 9);
	}
	add(list, "the maximum and one", &bytes, true);
	dom_pack_put_int(&bytes, field->least);
	add(list, "the minimum", &bytes, false);
	dom_pack_put_int(&bytes, field->least - 1);
	add(list, "the minimum less one", &bytes, true);
	dom_buffer_free(&bytes);
}

/* One element over the limit, each the shortest value there is. */
static void
too_many(const struct field *field, struct list *list)
{
	struct dom_buffer bytes = {0};

	if (field->most == 0)
		return;
	dom_pack_put_array(&bytes, (size_t)field->most + 1);
	for (int64_t i = 0; i <= field->most; i++)
		dom_pack_put_nil(&bytes);
	add(list, "the maximum and one", &bytes, true);
	dom_buffer_free(&bytes);
}

size_t
replacements(const struct field *field, struct replacement list_r[REPLACEMENTS_MAX])
{
	struct list list = {.of = list_r};

	wrong_types(field, &list);
	if (is_text(field->kind) || field->kind == BYTES)
		sizes(field, &list);
	if (is_text(field->kind))
		faulty_texts(&list);
	if (field->kind == INT)
		numbers(field, &list);
	if (field->kind == ARRAY)
		too_many(field, &list);
	return list.count;
}

size_t
texts(struct dom_slice list_r[REPLACEMENTS_MAX])
{
	static char many[LARGE];
	const struct dom_slice all[] = {dom_slice(NULL, 0), RAW(""), RAW("a"), RAW("\0"),
	    RAW("aaaaaaaaaa\0aaaaaaaaa"), RAW("\xff\xfe"), RAW("..%2f../"),
	    RAW("'; DROP TABLE account; --"), dom_slice(memset(many, 'a', LARGE), 20),
	    dom_slice(many, 64), dom_slice(many, 65), dom_slice(many, LARGE), RAW("zoe"),
	    RAW("yan"), dom_slice_of(uid('c', 2)), dom_slice_of(uid('i', 21)),
	    dom_slice_of(uid('k', 2)), dom_slice_of(uid('v', 22)), dom_slice_of(other_session),
	    RAW("ana"), RAW("nobody")};

	memcpy(list_r, all, sizeof(all));
	return sizeof(all) / sizeof(all[0]);
}
