/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The rules of retention, as a person's device asks for them. */
#include "wire/retention.h"

#include <stddef.h>

#include "wire/decode.h"
#include "wire/statement.h"

enum { WORD_SIZE_MAX = 32, DURATION_SIZE_MAX = 64 };

static void
take_rule(struct wire_decoder *decoder, void *element)
{
	static const struct wire_field fields[] = {
	    {"what", wire_read_text, offsetof(struct wire_retention_rule, what), 1,
	        WORD_SIZE_MAX, false},
	    {"service", wire_read_text, offsetof(struct wire_retention_rule, service), 1,
	        WIRE_SERVICE_SIZE_MAX, false},
	    {"kind", wire_read_text, offsetof(struct wire_retention_rule, kind), 1,
	        WORD_SIZE_MAX, false},
	    {"keep", wire_read_text, offsetof(struct wire_retention_rule, keep), 1,
	        DURATION_SIZE_MAX, false},
	    {"notice", wire_read_text, offsetof(struct wire_retention_rule, notice), 1,
	        DURATION_SIZE_MAX, true},
	    {"reason", wire_read_text, offsetof(struct wire_retention_rule, reason), 1,
	        WIRE_RETENTION_REASON_SIZE_MAX, true},
	};

	wire_read_map(decoder, fields, WIRE_COUNT(fields), element);
}

static void
read_rules(struct wire_decoder *decoder, const struct wire_field *field, void *target)
{
	struct wire_retention *retention = target;

	(void)field;
	retention->rules = wire_read_array(decoder, sizeof(*retention->rules), 1,
	    WIRE_RETENTION_RULES_MAX, take_rule, &retention->count);
}

enum dom_status
wire_retention_decode(
    struct dom_slice body, struct dom_arena *arena, struct wire_retention *retention_r)
{
	static const struct wire_field fields[] = {
	    {"rules", read_rules, 0, 0, 0, false},
	    {"told", wire_read_int64, offsetof(struct wire_retention, told_ms), 1, INT64_MAX,
	        true},
	    {"end", wire_read_int64, offsetof(struct wire_retention, end_ms), 1, INT64_MAX,
	        true},
	};
	struct wire_decoder decoder = wire_decoder_over(body, arena, NULL);

	*retention_r = (struct wire_retention){0};
	wire_read_map(&decoder, fields, WIRE_COUNT(fields), retention_r);
	return wire_decoder_finish(&decoder);
}

static void
put_text(struct dom_buffer *body, const char *name, struct dom_slice text)
{
	if (text.data == NULL)
		return;
	dom_pack_put_text(body, name);
	dom_pack_put_str(body, text);
}

static void
put_time(struct dom_buffer *body, const char *name, int64_t ms)
{
	if (ms == 0)
		return;
	dom_pack_put_text(body, name);
	dom_pack_put_int(body, ms);
}

void
wire_retention_encode(struct dom_buffer *body, const struct wire_retention *retention)
{
	dom_pack_put_map(
	    body, 1 + (size_t)(retention->told_ms != 0) + (size_t)(retention->end_ms != 0));
	dom_pack_put_text(body, "rules");
	dom_pack_put_array(body, retention->count);
	for (size_t i = 0; i < retention->count; i++) {
		const struct wire_retention_rule *rule = &retention->rules[i];

		dom_pack_put_map(body, 4 + (size_t)(rule->notice.data != NULL) +
		                           (size_t)(rule->reason.data != NULL));
		put_text(body, "what", rule->what);
		put_text(body, "service", rule->service);
		put_text(body, "kind", rule->kind);
		put_text(body, "keep", rule->keep);
		put_text(body, "notice", rule->notice);
		put_text(body, "reason", rule->reason);
	}
	put_time(body, "told", retention->told_ms);
	put_time(body, "end", retention->end_ms);
}
