/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What the certificate of a move proves, and what it does not, in sentences. */
#include <inttypes.h>

#include "verify/say.h"

static void
say_region(FILE *out, const struct wire_group_region *region)
{
	fputc('"', out);
	say_text(out, region->name);
	fputc('"', out);
	if (region->country.size != 0) {
		fputs(" (", out);
		say_text(out, region->country);
		fputc(')', out);
	}
}

static void
say_steps(FILE *out, const struct wire_certificate_view *view)
{
	fputs("  Ordered by the person at ", out);
	say_time(out, view->order.statement.issued_ms);
	fputs(";\n  writes stopped at ", out);
	say_time(out, view->freeze.at_ms);
	fputs(", given away at ", out);
	say_time(out, view->handoff.at_ms);
	fputs(" (the source's clock);\n  at home in the target since ", out);
	say_time(out, view->active.at_ms);
	fputs(" (its clock).\n", out);
	if (view->has_ack) {
		fputs("  A device found ", out);
		say_count(out, view->ack.statement.revisions, "revision");
		fputs(" that it knew there, at ", out);
		say_time(out, view->ack.statement.issued_ms);
		fputs(".\n", out);
	} else {
		fputs("  No device has acknowledged it.\n", out);
	}
	if (!view->has_erased) {
		fputs("  The source has not signed that it erased its copy.\n", out);
		return;
	}
	fputs("  The source declares that its last live copy was gone at ", out);
	say_time(out, view->erased.ended_ms);
	if (view->erased.backups_ms == 0) {
		fputs("; it makes no backups.\n", out);
		return;
	}
	fputs(";\n  no backup that holds any of it is kept after ", out);
	say_time(out, view->erased.backups_ms);
	fputs(".\n", out);
}

void
say_certificate(FILE *out, const struct wire_certificate_view *view)
{
	const struct wire_move *state = &view->active;

	fputs("  Move from the region ", out);
	say_region(out, view->source);
	fputs(" to ", out);
	say_region(out, view->target);
	fputs(", of the group \"", out);
	say_text(out, view->group.name);
	fprintf(out, "\" (version %" PRIu64 ").\n  Account ", view->group.version);
	say_hex(out, state->account, sizeof(state->account));
	fprintf(out, ", from epoch %" PRIu64 " to %" PRIu64 ".\n", view->freeze.epoch,
	    state->epoch);
	say_steps(out, view);
	fputs("  It held ", out);
	say_sum(out, &state->sum);
	fputs(",\n  under the root ", out);
	say_hex(out, state->root, sizeof(state->root));
	fputs(".\n  Proven: the holder of the statement key ", out);
	say_hex(out, view->order.parts.statement_public.data,
	    view->order.parts.statement_public.size);
	fputs("\n    ordered this; both regions signed the same root, so nothing was lost or "
	      "changed "
	      "between them;\n    the source gave the account away, to the target alone.\n"
	      "  Not proven: who the person behind that key is; that any clock was right;\n"
	      "    that the source had not lost something before",
	    out);
	if (!view->has_ack)
		fputs(": no device has said that all it knew is there", out);
	fputs(";\n    that no copy was kept: erasing is the source's signed word, which it can "
	      "be held "
	      "to.\n",
	    out);
}
