/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What a piece of evidence proves, and what it does not, in sentences. */
#include "verify/say.h"

#include <inttypes.h>
#include <time.h>

/* The last millisecond of the year 9999. */
static const int64_t calendar_ms_max = 253402300799999;

/*
 * Text of somebody else's: what could move a terminal's cursor, or turn the
 * direction of what follows, is shown as "?".  It is valid UTF-8 (wire/).
 */
void
say_text(FILE *out, struct dom_slice text)
{
	for (size_t i = 0; i < text.size; i++) {
		uint8_t byte = text.data[i];
		const uint8_t *more = text.data + i;
		size_t left = text.size - i;
		bool is_c1 = left >= 2 && byte == 0xc2 && more[1] < 0xa0;
		/* U+2028 to U+202E, U+2066 to U+2069, U+200E and U+200F. */
		bool is_turn =
		    left >= 3 && byte == 0xe2 &&
		    ((more[1] == 0x80 && (more[2] == 0x8e || more[2] == 0x8f ||
		                             (more[2] >= 0xa8 && more[2] <= 0xae))) ||
		        (more[1] == 0x81 && more[2] >= 0xa6 && more[2] <= 0xa9));

		if (byte < 0x20 || byte == 0x7f || is_c1 || is_turn) {
			fputc('?', out);
			i += is_turn ? 2 : is_c1 ? 1 : 0;
		} else {
			fputc(byte, out);
		}
	}
}

void
say_time(FILE *out, int64_t ms)
{
	time_t seconds = (time_t)(ms / 1000);
	char text[64];
	struct tm tm;

	if (ms <= calendar_ms_max && gmtime_r(&seconds, &tm) != NULL &&
	    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &tm) != 0)
		fputs(text, out);
	else
		fprintf(out, "%" PRId64 " ms after 1970", ms);
}

void
say_hex(FILE *out, const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		fprintf(out, "%02x", bytes[i]);
}

void
say_count(FILE *out, uint64_t count, const char *what)
{
	fprintf(out, "%" PRIu64 " %s%s", count, what, count == 1 ? "" : "s");
}

void
say_sum(FILE *out, const struct wire_erased *sum)
{
	say_count(out, sum->collections, "collection");
	fputs(", ", out);
	say_count(out, sum->items, "item");
	fputs(", ", out);
	say_count(out, sum->revisions, "revision");
	fputs(", ", out);
	say_count(out, sum->chunks, "chunk");
	fputs(", ", out);
	say_count(out, sum->bytes, "byte");
}

static void
say_consent(FILE *out, const struct wire_statement *statement)
{
	fputs("  Consent to keep \"", out);
	say_text(out, statement->service);
	fputs("\" in the region \"", out);
	say_text(out, statement->region);
	fputs("\", for this purpose:\n    \"", out);
	say_text(out, statement->purpose);
	fputs("\"\n  It holds until ", out);
	if (statement->until_ms == 0)
		fputs("it is withdrawn", out);
	else
		say_time(out, statement->until_ms);
	if (statement->retention.size != 0) {
		fputs(", and what is kept may be kept for ", out);
		say_text(out, statement->retention);
	}
	fprintf(out,
	    ".\n  Shown was version %" PRIu32 " of the catalogue's entry, with the terms ",
	    statement->catalogue_version);
	say_hex(out, statement->terms, sizeof(statement->terms));
	fputs(".\n  It covers ", out);
	if (statement->type_count == 0)
		fputs("every type of collection", out);
	else
		say_count(out, statement->type_count, "type");
	fputs(statement->type_count == 0 ? ".\n" : " of collections.\n", out);
}

static void
say_erasure(FILE *out, const struct wire_statement *statement)
{
	fprintf(out, "  %s to erase ",
	    statement->kind == WIRE_ORDER ? "Order of the region's operator" : "Demand");
	if (statement->scope == WIRE_SCOPE_ACCOUNT) {
		fputs("the whole account", out);
	} else {
		fputs("the history of the item ", out);
		say_text(out, statement->item_uid);
		fputs(" of the collection ", out);
		say_text(out, statement->collection_uid);
	}
	fputs(" in the region \"", out);
	say_text(out, statement->region);
	fputs("\".\n", out);
}

static void
say_move(FILE *out, const struct wire_statement *statement)
{
	switch (statement->kind) {
	case WIRE_MOVE_ORDER:
		fputs("  Order to move the account from the region \"", out);
		say_text(out, statement->region);
		fputs("\" to \"", out);
		say_text(out, statement->target);
		fputs("\",\n  not to be begun after ", out);
		say_time(out, statement->expires_ms);
		fprintf(out, ". If others share its collections, %s.\n",
		    statement->leave_shared ? "they lose them" : "it does not move");
		fputs("  The source keeps its copy ", out);
		say_count(out, statement->grace_days, "day");
		fputs(" if no device acknowledges.\n", out);
		break;
	case WIRE_MOVE_CANCEL:
		fputs("  Demand to give up the move ", out);
		say_hex(out, statement->move, sizeof(statement->move));
		fputs(" from the region \"", out);
		say_text(out, statement->region);
		fputs("\".\n", out);
		break;
	default:
		fputs("  Acknowledgement of the move ", out);
		say_hex(out, statement->move, sizeof(statement->move));
		fputs(" to the region \"", out);
		say_text(out, statement->region);
		fputs("\":\n  a device found ", out);
		say_count(out, statement->revisions, "revision");
		fputs(" that it knew there, under the root ", out);
		say_hex(out, statement->root, sizeof(statement->root));
		fputs(".\n", out);
		break;
	}
}

static void
say_statement(FILE *out, const struct wire_statement *statement)
{
	switch (statement->kind) {
	case WIRE_CONSENT:
		say_consent(out, statement);
		break;
	case WIRE_WITHDRAWAL:
		fputs("  Withdrawal of the consent for \"", out);
		say_text(out, statement->service);
		fprintf(out, "\" in the region \"");
		say_text(out, statement->region);
		fprintf(out, "\"; what is there was to be %s.\n",
		    statement->erase ? "erased" : "kept");
		break;
	case WIRE_ERASURE:
	case WIRE_ORDER:
		say_erasure(out, statement);
		break;
	case WIRE_MOVE_ORDER:
	case WIRE_MOVE_CANCEL:
	case WIRE_MOVE_ACK:
		say_move(out, statement);
		break;
	}
	fputs("  Account ", out);
	say_hex(out, statement->account, sizeof(statement->account));
	if (statement->kind != WIRE_ORDER)
		fprintf(out, ", statement number %" PRIu64, statement->serial);
	fputs(".\n", out);
}

static void
say_erased(FILE *out, const struct wire_receipt *receipt)
{
	fputs("  The region declares that it erased ", out);
	say_sum(out, &receipt->sum);
	fputs(" in all.\n  The last live copy was gone at ", out);
	say_time(out, receipt->ended_ms);
	if (receipt->backups_ms == 0) {
		fputs("; this region makes no backups.\n", out);
	} else {
		fputs(";\n  no backup that holds any of it is kept after ", out);
		say_time(out, receipt->backups_ms);
		fputs(".\n", out);
	}
	fputs("  Before, it had the root ", out);
	say_hex(out, receipt->root, sizeof(receipt->root));
	fputs(".\n", out);
}

/* What somebody might take such a file to prove, and it does not. */
static const char *
caveat(const struct wire_evidence_view *view)
{
	if (view->receipt.kind == WIRE_RECEIPT_ERASED)
		return ";\n    that no copy was kept: this is the region's signed word,"
		       " which it can be held to";
	switch (view->statement.kind) {
	case WIRE_CONSENT:
		return ";\n    that the consent still holds: a later statement may have changed"
		       " or ended it";
	case WIRE_WITHDRAWAL:
		if (!view->statement.erase)
			return "";
		break;
	case WIRE_ERASURE:
	case WIRE_ORDER:
		break;
	case WIRE_MOVE_ORDER:
	case WIRE_MOVE_CANCEL:
		return ";\n    that the account has moved or stayed: that takes the "
		       "certificate of"
		       " the move";
	case WIRE_MOVE_ACK:
		return ";\n    that the device had seen everything";
	}
	return ";\n    that anything has been erased: that takes the receipt which is signed"
	       " at the end";
}

static void
say_proven(FILE *out, const struct wire_evidence_view *view)
{
	bool is_order = view->statement.kind == WIRE_ORDER;

	fputs("  Proven: ", out);
	if (is_order) {
		fputs("the region signed this order", out);
	} else {
		fputs("the holder of the statement key ", out);
		say_hex(
		    out, view->parts.statement_public.data, view->parts.statement_public.size);
		fputs("\n    signed exactly this", out);
	}
	fputs(" (its clock said ", out);
	say_time(out, view->statement.issued_ms);
	fputs("),\n    and the region signed that it took it at ", out);
	say_time(out, view->receipt.accepted_ms);
	fprintf(out, " (its clock),\n    as change %" PRIu64 " of the account.\n",
	    view->receipt.clock);
	fputs("  Not proven: ", out);
	fputs(
	    is_order ? "that a person asked for it" : "who the person behind that key is", out);
	fputs("; that either clock was right", out);
	fputs(caveat(view), out);
	fputs(".\n", out);
}

void
verify_say(FILE *out, const struct verify_finding *finding)
{
	say_text(out, dom_slice_of(finding->file));
	if (finding->why != NULL) {
		fprintf(out, ": NOT VALID\n  %s.\n", finding->why);
		return;
	}
	fputs(": valid\n", out);
	if (finding->is_certificate) {
		say_certificate(out, &finding->certificate);
		return;
	}
	say_statement(out, &finding->view.statement);
	if (finding->view.receipt.kind == WIRE_RECEIPT_ERASED)
		say_erased(out, &finding->view.receipt);
	say_proven(out, &finding->view);
}
