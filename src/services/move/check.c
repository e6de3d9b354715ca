/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Could what another region sends have been stored here by a client?  Everything behind the
 * requests relies on their limits, so a record is held to the same.
 */
#include "crypto/keys.h"

#include "wire/etebase.h"
#include "wire/evidence.h"

#include "services/move/copy.h"

enum {
	KEY_SIZE_MAX = 1024, /* of a collection, of an item: as wire/vault.c takes them */
	SALT_SIZE_MAX = 1024,
	SECRETS_SIZE_MAX = 64 << 10,
};

static bool
is_at_most(struct dom_slice bytes, size_t size_max)
{
	return bytes.size <= size_max;
}

/* Both there, or neither. */
static bool
is_receipt(struct dom_slice receipt, struct dom_slice signature)
{
	return is_at_most(receipt, WIRE_RECEIPT_SIZE_MAX) &&
	       signature.size == (receipt.size == 0 ? 0 : DOM_SIGNATURE_SIZE);
}

static bool
account_valid(const struct wire_record_account *account)
{
	return is_at_most(account->name, WIRE_NAME_SIZE_MAX) &&
	       is_at_most(account->email, WIRE_EMAIL_SIZE_MAX) &&
	       account->salt.size >= DOM_SALT_SIZE_MIN &&
	       is_at_most(account->salt, SALT_SIZE_MAX) &&
	       account->login_public.size == DOM_PUBLIC_KEY_SIZE &&
	       account->identity_public.size == DOM_PUBLIC_KEY_SIZE &&
	       account->encrypted_content.size >= DOM_SECRETS_SIZE &&
	       is_at_most(account->encrypted_content, SECRETS_SIZE_MAX) &&
	       (account->statement_public.size == 0 ||
	           account->statement_public.size == DOM_PUBLIC_KEY_SIZE);
}

static bool
collection_valid(const struct wire_record_collection *collection)
{
	return wire_uid_valid(collection->uid) && collection->items_clock <= COPY_CLOCK_MAX &&
	       collection->members_clock <= COPY_CLOCK_MAX &&
	       (!collection->is_member ||
	           (collection->member_clock <= COPY_CLOCK_MAX &&
	               is_at_most(collection->collection_key, KEY_SIZE_MAX) &&
	               is_at_most(collection->collection_type, WIRE_TYPE_SIZE_MAX)));
}

static bool
revision_valid(const struct wire_record_revision *revision)
{
	if (!wire_uid_valid(revision->collection_uid) || !wire_uid_valid(revision->item_uid) ||
	    !wire_uid_valid(revision->uid) || revision->clock > COPY_CLOCK_MAX ||
	    !is_at_most(revision->encryption_key, KEY_SIZE_MAX) ||
	    !is_at_most(revision->meta, WIRE_META_SIZE_MAX))
		return false;
	for (size_t i = 0; i < revision->chunk_count; i++) {
		if (!wire_uid_valid(revision->chunks[i]))
			return false;
	}
	return true;
}

/* Ones of a release that knows more kinds come, too: they are kept as they are. */
static bool
statement_valid(const struct wire_record_statement *statement)
{
	return statement->serial > 0 && statement->serial <= COPY_CLOCK_MAX &&
	       statement->clock <= COPY_CLOCK_MAX &&
	       is_at_most(statement->service, WIRE_SERVICE_SIZE_MAX) &&
	       is_at_most(statement->bytes, WIRE_STATEMENT_SIZE_MAX) &&
	       statement->signature.size == DOM_SIGNATURE_SIZE &&
	       is_receipt(statement->receipt, statement->receipt_signature);
}

static bool
consent_valid(const struct wire_record_consent *consent)
{
	if (!wire_service_valid(consent->service) || consent->serial > COPY_CLOCK_MAX)
		return false;
	for (size_t i = 0; i < consent->type_count; i++) {
		if (!is_at_most(consent->types[i], WIRE_TYPE_SIZE_MAX))
			return false;
	}
	return true;
}

static bool
uid_or_none(struct dom_slice uid)
{
	return uid.size == 0 || wire_uid_valid(uid);
}

/* One that is done: what is under way does not move. */
static bool
erasure_valid(const struct wire_record_erasure *erasure)
{
	return erasure->scope >= WIRE_SCOPE_ITEM && erasure->scope <= WIRE_SCOPE_SOURCE &&
	       is_at_most(erasure->service, WIRE_SERVICE_SIZE_MAX) &&
	       uid_or_none(erasure->collection_uid) && uid_or_none(erasure->item_uid) &&
	       erasure->receipt.size != 0 &&
	       is_receipt(erasure->receipt, erasure->receipt_signature);
}

bool
copy_valid(const struct wire_record *record)
{
	switch (record->type) {
	case WIRE_RECORD_ACCOUNT:
		return account_valid(&record->of.account);
	case WIRE_RECORD_COLLECTION:
		return collection_valid(&record->of.collection);
	case WIRE_RECORD_REVISION:
		return revision_valid(&record->of.revision);
	case WIRE_RECORD_CHUNK:
		return wire_uid_valid(record->of.chunk.collection_uid) &&
		       wire_uid_valid(record->of.chunk.uid);
	case WIRE_RECORD_STATEMENT:
		return statement_valid(&record->of.statement);
	case WIRE_RECORD_CONSENT:
		return consent_valid(&record->of.consent);
	case WIRE_RECORD_REMOVED:
		return wire_uid_valid(record->of.removed.uid) &&
		       record->of.removed.clock <= COPY_CLOCK_MAX &&
		       is_at_most(record->of.removed.collection_type, WIRE_TYPE_SIZE_MAX);
	case WIRE_RECORD_ERASURE:
		return erasure_valid(&record->of.erasure);
	}
	return false;
}
