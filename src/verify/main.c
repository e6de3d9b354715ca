/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* domicile-verify: its options, and one file after the other. */
#include <getopt.h>
#include <stdlib.h>

#include "crypto/keys.h"

#include "verify/verify.h"

enum {
	VERIFY_OK = 0,
	VERIFY_INVALID = 1,
	VERIFY_USAGE = 64, /* as sysexits.h has it */
	VERIFY_FAILED = 70,
};

static const char usage[] =
    "usage: domicile-verify --region-key KEY | --group-key KEY [--statement-key KEY]\n"
    "                       [--json] FILE...\n"
    "\n"
    "Checks evidence of domicile (*.domicile-receipt) and certificates of moves\n"
    "(*.domicile-certificate) without a network: what was signed, by whom, and what that\n"
    "proves. FILE may be \"-\" for standard input.\n"
    "\n"
    "  --region-key KEY     the region's public key: 64 hex digits, or a file that holds them\n"
    "  --group-key KEY      that of the group of regions, for certificates: in the same form\n"
    "  --statement-key KEY  also the account's: a file that another key signed is not valid\n"
    "  --json               for programs\n"
    "  --help               this\n"
    "  --version            the release\n"
    "\n"
    "It ends with 0 if every file is valid, 1 if one is not, 64 if it was called wrongly.\n"
    "\n"
    "  domicile-verify --region-key region.pub ~/receipts/*.domicile-receipt\n";

struct options {
	uint8_t region_key[32], group_key[32], statement_key[32];
	bool has_region_key, has_group_key, has_statement_key;
	bool json;
};

static int
misuse(const char *what, const char *why)
{
	fprintf(stderr, "domicile-verify: %s: %s. See domicile-verify --help.\n", what, why);
	return VERIFY_USAGE;
}

static void
check_certificate(const struct options *options, const struct dom_buffer *bytes,
    struct dom_arena *arena, struct verify_finding *finding)
{
	struct wire_certificate_view *view = &finding->certificate;
	struct dom_slice key =
	    dom_slice(options->statement_key, sizeof(options->statement_key));

	if (!options->has_group_key) {
		finding->why =
		    "It is the certificate of a move: --group-key is needed to tell whose";
		return;
	}
	if (wire_certificate_check(dom_buffer_slice(bytes),
	        dom_slice(options->group_key, sizeof(options->group_key)), arena, view,
	        &finding->why) != DOM_OK)
		return;
	finding->why = NULL;
	if (options->has_statement_key &&
	    !dom_slice_equal(view->order.parts.statement_public, key))
		finding->why = "It is ordered by another statement key than the one given";
}

static void
check(const struct options *options, const char *file, struct dom_buffer *bytes,
    struct dom_arena *arena, struct verify_finding *finding)
{
	struct dom_slice region_key =
	    dom_slice(options->region_key, sizeof(options->region_key));
	struct dom_slice statement_key =
	    dom_slice(options->statement_key, sizeof(options->statement_key));

	*finding = (struct verify_finding){.file = file};
	if (!verify_read(file, WIRE_CERTIFICATE_SIZE_MAX, bytes, &finding->why))
		return;
	finding->is_certificate = wire_certificate_is(dom_buffer_slice(bytes));
	if (finding->is_certificate) {
		check_certificate(options, bytes, arena, finding);
		return;
	}
	if (!options->has_region_key) {
		finding->why =
		    "It is no certificate of a move, and without --region-key nothing "
		    "else can be checked";
		return;
	}
	if (wire_evidence_check(dom_buffer_slice(bytes), region_key, arena, &finding->view,
	        &finding->why) != DOM_OK)
		return;
	finding->why = NULL;
	if (options->has_statement_key && finding->view.statement.kind != WIRE_ORDER &&
	    !dom_slice_equal(finding->view.parts.statement_public, statement_key))
		finding->why = "It is signed by another statement key than the one given";
}

static int
check_all(const struct options *options, char **files, size_t count)
{
	struct verify_finding *findings = calloc(count, sizeof(*findings));
	struct dom_buffer *bytes = calloc(count, sizeof(*bytes));
	struct dom_arena *arena = dom_arena_new(0);
	int code = VERIFY_OK;

	if (findings == NULL || bytes == NULL || arena == NULL) {
		fprintf(stderr, "domicile-verify: there is not enough memory.\n");
		code = VERIFY_FAILED;
		goto out;
	}
	for (size_t i = 0; i < count; i++) {
		check(options, files[i], &bytes[i], arena, &findings[i]);
		if (findings[i].why != NULL)
			code = VERIFY_INVALID;
		if (!options->json)
			verify_say(stdout, &findings[i]);
	}
	if (options->json && verify_json(stdout, findings, count) != DOM_OK)
		code = VERIFY_FAILED;
	/* A full disk must not look like an answer. */
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("domicile-verify: standard output");
		code = VERIFY_FAILED;
	}
out:
	for (size_t i = 0; bytes != NULL && i < count; i++)
		dom_buffer_free(&bytes[i]);
	free(bytes);
	free(findings);
	dom_arena_free(&arena);
	return code;
}

int
main(int argc, char **argv)
{
	static const struct option names[] = {{"region-key", required_argument, NULL, 'r'},
	    {"group-key", required_argument, NULL, 'g'},
	    {"statement-key", required_argument, NULL, 's'}, {"json", no_argument, NULL, 'j'},
	    {"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'v'}, {0}};
	struct options options = {0};
	const char *why;
	int option;

	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (option) {
		case 'r':
			if (!verify_key(optarg, options.region_key, &why))
				return misuse(optarg, why);
			options.has_region_key = true;
			break;
		case 'g':
			if (!verify_key(optarg, options.group_key, &why))
				return misuse(optarg, why);
			options.has_group_key = true;
			break;
		case 's':
			if (!verify_key(optarg, options.statement_key, &why))
				return misuse(optarg, why);
			options.has_statement_key = true;
			break;
		case 'j':
			options.json = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return VERIFY_OK;
		case 'v':
			puts("domicile-verify " DOM_RELEASE);
			return VERIFY_OK;
		default:
			return VERIFY_USAGE;
		}
	}
	if (!options.has_region_key && !options.has_group_key)
		return misuse(
		    "--region-key", "it or --group-key is needed to tell whose word this is");
	if (optind == argc)
		return misuse("FILE", "name at least one to check");
	if (dom_crypto_start() != DOM_OK) {
		fprintf(stderr, "domicile-verify: the cryptography cannot start.\n");
		return VERIFY_FAILED;
	}
	return check_all(&options, argv + optind, (size_t)(argc - optind));
}
