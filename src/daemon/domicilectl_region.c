/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * domicilectl region: a new region on a bare machine, and its key for the
 * group.  Works on files alone:
 *
 *   DIR/domiciled.conf  what was said, with comments
 *   DIR/data/           mode 0700, with region.key
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/encode.h"

#include "crypto/region.h"

#include "wire/group.h"

#include "daemon/domicilectl.h"
#include "daemon/files.h"
#include "daemon/nearest.h"
#include "daemon/region_key.h"
#include "http/listener.h"

#define CONFIGURATION_NAME "domiciled.conf"

enum { MESSAGE_SIZE = 1024, VALUE_SIZE_MAX = 150 /* what fits a line of the configuration */ };

struct making {
	struct ctl *ctl;
	const char *folder; /* from the root */
	const char *name, *listen, *address;
	const char *group, *certificate, *certificate_key; /* from the root; NULL: none */
	bool is_member;                                    /* the group file has it already */
	char key[2 * DOM_PUBLIC_KEY_SIZE + 1];
};

static int
complain(int result, const char *message)
{
	fprintf(stderr, "domicilectl: %s\n", message);
	return result;
}

/* NULL: no memory, or the folder that we stand in has no name. */
static const char *
from_root(const struct ctl *ctl, const char *path)
{
	char here[PATH_MAX];

	if (path == NULL || path[0] == '/')
		return path;
	return getcwd(here, sizeof(here)) == NULL
	           ? NULL
	           : dom_arena_print(ctl->arena, "%s/%s", here, path);
}

/* --- what was said ------------------------------------------------------------- */

static bool
is_anywhere(const char *listen)
{
	return strncmp(listen, "[::]:", 5) == 0 || strncmp(listen, "0.0.0.0:", 8) == 0 ||
	       strncmp(listen, "unix:", 5) == 0;
}

/* How others reach it, if nobody says: as it listens. */
static int
find_address(struct making *making)
{
	size_t size = strcspn(making->listen, " \t,");

	if (making->address == NULL && is_anywhere(making->listen)) {
		fprintf(stderr,
		    "domicilectl: %s does not say how others reach this region: add --address "
		    "URL, "
		    "such as https://%s.example.net\n",
		    making->listen, making->name);
		return CTL_WRONG;
	}
	if (making->address == NULL)
		making->address = dom_arena_print(making->ctl->arena, "%s://%.*s",
		    http_listener_wants_tls(making->listen) ? "https" : "http", (int)size,
		    making->listen);
	if (making->address == NULL)
		return complain(CTL_FAILED, "no memory");
	if (wire_address_valid(dom_slice_of(making->address)))
		return CTL_DONE;
	fprintf(stderr,
	    "domicilectl: %s is not an address: it must begin with https:// (http:// on "
	    "loopback only), without a user, a query or spaces\n",
	    making->address);
	return CTL_WRONG;
}

static int
check_listen(const struct making *making)
{
	bool wants_tls = http_listener_wants_tls(making->listen);
	struct http_listener listener;
	char message[MESSAGE_SIZE];

	if (http_listener_open(making->listen, true, &listener, message, sizeof(message)) !=
	    DOM_OK)
		return complain(CTL_WRONG, message);
	if (wants_tls && (making->certificate == NULL || making->certificate_key == NULL))
		return complain(CTL_WRONG,
		    "to listen with TLS, it needs a certificate: --certificate FILE and "
		    "--certificate-key FILE, both PEM; or listen on a loopback address behind "
		    "a "
		    "proxy that has TLS");
	if (!wants_tls && (making->certificate != NULL || making->certificate_key != NULL))
		return complain(CTL_WRONG,
		    "a certificate is of no use without TLS: write --listen \"ADDRESS tls\"");
	return CTL_DONE;
}

/* A file that is to come is no fault. */
static int
look_at_group(struct making *making)
{
	const struct wire_group_region *own;
	struct dom_buffer bytes = {0};
	struct wire_group group;
	const char *why = "";
	char key[2 * sizeof(own->key) + 1];
	int result = CTL_DONE;
	enum dom_status st;

	if (making->group == NULL)
		return CTL_DONE;
	st = file_get(AT_FDCWD, making->group, 0, WIRE_GROUP_SIZE_MAX, &bytes);
	if (st == DOM_OK && (st = wire_group_decode(dom_buffer_slice(&bytes),
	                         making->ctl->arena, &group, &why)) == DOM_OK) {
		own = wire_group_find(&group, dom_slice_of(making->name));
		making->is_member = own != NULL;
		if (own != NULL)
			dom_hex_encode(dom_slice(own->key, sizeof(own->key)), key);
		if (own != NULL && strcmp(key, making->key) != 0) {
			fprintf(stderr,
			    "domicilectl: the group has a region %s already, with another key: "
			    "choose another name\n",
			    making->name);
			result = CTL_WRONG;
		}
	} else if (st != DOM_ABSENT) {
		fprintf(stderr, "domicilectl: the group file %s cannot be used: %s\n",
		    making->group, st == DOM_EFILE ? strerror(errno) : why);
		result = CTL_FAILED;
	}
	dom_buffer_free(&bytes);
	return result;
}

/* What one line of the configuration can carry, and no comment cuts off. */
static int
check_values(const struct making *making)
{
	const char *const values[] = {making->folder, making->listen, making->address,
	    making->group, making->certificate, making->certificate_key};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		if (values[i] == NULL || (strlen(values[i]) <= VALUE_SIZE_MAX &&
		                             strpbrk(values[i], ";\n\r") == NULL))
			continue;
		fprintf(stderr,
		    "domicilectl: \"%s\" cannot stand in a configuration: it is longer than %d "
		    "characters, or has a semicolon or a line's end in it\n",
		    values[i], VALUE_SIZE_MAX);
		return CTL_WRONG;
	}
	return CTL_DONE;
}

/* --- making it ----------------------------------------------------------------- */

static void
print_value(struct dom_buffer *text, const char *key, const char *value, const char *example)
{
	if (value == NULL)
		dom_buffer_print(text, "#%s = %s\n", key, example);
	else
		dom_buffer_print(text, "%s = %s\n", key, value);
}

static void
print_configuration(struct dom_buffer *text, const struct making *making)
{
	dom_buffer_print(text,
	    "# %s: one region of domicile, made by \"domicilectl region init\".\n"
	    "# Every key: domiciled.conf(5).  Check a change: domiciled --check-config -c "
	    "THIS\n"
	    "\n"
	    "# Statements of consent and moves are bound to the name: it never changes.\n"
	    "region = %s\n"
	    "\n"
	    "# Everything that is stored, with region.key, which logins depend on.\n"
	    "data = %s/data\n"
	    "\n"
	    "# Without \"tls\" only loopback addresses are possible, for a proxy here.\n"
	    "listen = %s\n",
	    CONFIGURATION_NAME, making->name, making->folder, making->listen);
	print_value(
	    text, "tls_certificate", making->certificate, "/etc/domicile/certificate.pem");
	print_value(text, "tls_key", making->certificate_key, "/etc/domicile/key.pem");
	dom_buffer_append_text(text,
	    "\n"
	    "# Who may sign up: closed (whom \"domicilectl user add\" names), invitation (who\n"
	    "# has a code of \"domicilectl invite\") or open.\n"
	    "signup = invitation\n"
	    "\n"
	    "# Which regions trust each other, so that accounts can move between them: the\n"
	    "# file that \"domicilectl group sign\" makes.  A newer one counts after a "
	    "restart.\n");
	print_value(text, "group", making->group, "/etc/domicile/group.signed");
	dom_buffer_append_text(text,
	    "# Certificates that other regions' are checked with, if they are your own.\n"
	    "#peer_ca = /etc/domicile/peers.pem\n"
	    "\n"
	    "# How long backups are kept, such as P90D, for the receipts of erasures.\n"
	    "#backup_keep = none\n"
	    "\n"
	    "# One line for each request, nothing in it about people: stderr, none or a file.\n"
	    "#log = stderr\n");
}

static int
make_key(struct making *making)
{
	const char *data = dom_arena_print(making->ctl->arena, "%s/data", making->folder),
	           *path = dom_arena_print(
	               making->ctl->arena, "%s/data/%s", making->folder, region_key_name);
	const struct dom_random random = dom_random_system();
	uint8_t public[DOM_PUBLIC_KEY_SIZE];
	struct dom_region_key *key = NULL;
	char message[MESSAGE_SIZE];

	if (data == NULL || path == NULL)
		return complain(CTL_FAILED, "no memory");
	if (region_key_load(path, data, &random, &key, message, sizeof(message)) != DOM_OK)
		return complain(CTL_FAILED, message);
	dom_region_sign_public(key, public);
	dom_hex_encode(dom_slice(public, sizeof(public)), making->key);
	dom_region_key_free(&key);
	return CTL_DONE;
}

/* Last: without it the region is not begun, and init can be repeated. */
static int
make_configuration(const struct making *making)
{
	struct dom_buffer text = {0};
	int folder = open(making->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int result = CTL_FAILED;

	print_configuration(&text, making);
	if (dom_buffer_finish(&text) != DOM_OK) {
		complain(result, "no memory");
	} else if (folder < 0 || !file_put(folder, CONFIGURATION_NAME, dom_buffer_slice(&text),
	                             0644, false)) {
		fprintf(stderr, "domicilectl: %s/" CONFIGURATION_NAME " cannot be made: %s\n",
		    making->folder, strerror(errno));
	} else {
		result = CTL_DONE;
	}
	if (folder >= 0)
		close(folder);
	dom_buffer_free(&text);
	return result;
}

static void
say_next(const struct making *making)
{
	const char *folder = making->folder, *name = making->name;
	unsigned step = 1;

	printf("region      %s\npublic key  %s\naddress     %s\n\n", name, making->key,
	    making->address);
	printf(
	    "%s/data/%s is its secret: nobody can log in without it, so keep a copy of it in a "
	    "safe place.\n\nNext:\n",
	    folder, region_key_name);
	if (geteuid() == 0)
		printf("  %u. let the user that domiciled runs as have the data:\n"
		       "       chown -R domicile: %s/data\n",
		    step++, folder);
	if (making->group != NULL && !making->is_member)
		printf("  %u. whoever signs for the group, in its folder GROUP:\n"
		       "       domicilectl group add GROUP %s key=%s address=%s\n"
		       "       domicilectl group sign GROUP\n"
		       "     then put GROUP/group.signed here as %s\n",
		    step++, name, making->key, making->address, making->group);
	printf(
	    "  %u. start it:\n       domiciled -c %s/" CONFIGURATION_NAME "\n", step++, folder);
	printf("  %u. let somebody in:\n"
	       "       domicilectl -c %s/" CONFIGURATION_NAME " invite\n"
	       "       domicile signup NAME --server %s --invitation CODE\n",
	    step, folder, making->address);
}

static int
region_init(struct ctl *ctl, const char *folder)
{
	struct making making = {.ctl = ctl,
	    .folder = from_root(ctl, folder),
	    .name = ctl->name,
	    .listen = ctl->listen == NULL ? "127.0.0.1:8037" : ctl->listen,
	    .address = ctl->address,
	    .group = from_root(ctl, ctl->group),
	    .certificate = from_root(ctl, ctl->certificate),
	    .certificate_key = from_root(ctl, ctl->certificate_key)};
	const char *configuration;
	int result;

	if (ctl->name == NULL || !wire_region_name_valid(dom_slice_of(ctl->name)))
		return complain(CTL_WRONG,
		    "a region needs --name NAME: up to 32 small letters, digits and hyphens, a "
		    "letter first, such as \"in\" or \"sg-1\". It never changes");
	configuration = making.folder == NULL ? NULL
	                                      : dom_arena_print(ctl->arena,
	                                            "%s/" CONFIGURATION_NAME, making.folder);
	if (configuration == NULL)
		return complain(CTL_FAILED, "this folder has no name, or there is no memory");
	if ((result = check_listen(&making)) != CTL_DONE ||
	    (result = find_address(&making)) != CTL_DONE ||
	    (result = check_values(&making)) != CTL_DONE)
		return result;
	if (access(configuration, F_OK) == 0) {
		fprintf(stderr,
		    "domicilectl: %s exists: nothing was changed. Name another folder, or "
		    "start what is there\n",
		    configuration);
		return CTL_FAILED;
	}
	if (mkdir(making.folder, 0755) != 0 && errno != EEXIST) {
		fprintf(stderr, "domicilectl: the folder %s cannot be made: %s\n",
		    making.folder, strerror(errno));
		return CTL_FAILED;
	}
	if ((result = make_key(&making)) != CTL_DONE ||
	    (result = look_at_group(&making)) != CTL_DONE ||
	    (result = make_configuration(&making)) != CTL_DONE)
		return result;
	say_next(&making);
	return CTL_DONE;
}

/* What a group file says of this region. */
static int
region_key(struct ctl *ctl)
{
	uint8_t public[DOM_PUBLIC_KEY_SIZE];
	struct dom_region_key *key = NULL;
	struct configuration configuration;
	char message[MESSAGE_SIZE], text[2 * DOM_PUBLIC_KEY_SIZE + 1];

	if (!ctl_configure(ctl, &configuration))
		return CTL_WRONG;
	if (region_key_load(configuration.region_key_file, configuration.data, NULL, &key,
	        message, sizeof(message)) != DOM_OK)
		return complain(CTL_FAILED, message);
	dom_region_sign_public(key, public);
	dom_region_key_free(&key);
	dom_hex_encode(dom_slice(public, sizeof(public)), text);
	puts(text);
	return CTL_DONE;
}

int
ctl_region(struct ctl *ctl, char **words, size_t count)
{
	static const char *const names[] = {"init", "key"};
	bool has_more = ctl->name != NULL || ctl->listen != NULL || ctl->address != NULL ||
	                ctl->group != NULL || ctl->certificate != NULL ||
	                ctl->certificate_key != NULL;
	const char *near;

	if (count == 2 && strcmp(words[0], "init") == 0)
		return region_init(ctl, words[1]);
	if (count == 1 && strcmp(words[0], "key") == 0 && !has_more)
		return region_key(ctl);
	near = count == 0 ? NULL : nearest_word(words[0], names, 2);
	if (near != NULL && strcmp(near, words[0]) != 0)
		fprintf(stderr, "domicilectl: did you mean \"region %s\"?\n", near);
	return complain(CTL_WRONG,
	    "usage: domicilectl region init DIR --name NAME [--listen ADDRESS] [--address URL] "
	    "[--group FILE] [--certificate FILE --certificate-key FILE], or domicilectl [-c "
	    "FILE] "
	    "region key");
}
