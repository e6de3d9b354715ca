/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* How much one address may ask, and whose address counts. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/keys.h"

#include "http/rates.h"
#include "testing.h"

static const struct http_networks nobody;

static struct http_peer
peer(const char *text, const struct http_networks *trusted)
{
	struct sockaddr_storage address = {.ss_family = AF_INET};
	struct sockaddr_in *four = (struct sockaddr_in *)&address;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)&address;

	if (inet_pton(AF_INET, text, &four->sin_addr) != 1) {
		address.ss_family = AF_INET6;
		assert_int_equal(inet_pton(AF_INET6, text, &six->sin6_addr), 1);
	}
	return http_peer_of(&address, trusted);
}

static bool
same(const char *a, const char *b)
{
	const struct http_peer first = peer(a, &nobody), second = peer(b, &nobody);

	return dom_slice_equal(http_peer_slice(&first), http_peer_slice(&second));
}

static void
a_client_of_ipv6_is_its_network(void **state)
{
	(void)state;
	assert_int_equal(peer("192.0.2.1", &nobody).size, 4);
	assert_int_equal(peer("2001:db8::1", &nobody).size, 8);
	assert_true(same("2001:db8::1", "2001:db8:0:0:ffff::2"));
	assert_false(same("2001:db8::1", "2001:db8:0:1::1"));
	assert_true(same("::ffff:192.0.2.1", "192.0.2.1"));
	assert_false(same("192.0.2.1", "192.0.2.2"));
}

static void
a_unix_socket_is_nobody_in_particular(void **state)
{
	const struct sockaddr_storage address = {.ss_family = AF_UNIX};

	(void)state;
	assert_int_equal(http_peer_of(&address, &nobody).size, 0);
}

static void
trusted_networks_are_not_counted(void **state)
{
	const struct http_networks standard = http_networks_standard();
	struct http_networks own = {.count = 3};

	(void)state;
	assert_int_equal(peer("127.0.0.1", &standard).size, 0);
	assert_int_equal(peer("127.255.0.9", &standard).size, 0);
	assert_int_equal(peer("::ffff:127.0.0.1", &standard).size, 0);
	assert_int_equal(peer("::1", &standard).size, 0);
	assert_int_equal(peer("::2", &standard).size, 8);
	assert_int_equal(peer("128.0.0.1", &standard).size, 4);
	assert_true(http_network_parse("192.0.2.7", &own.of[0]));
	assert_true(http_network_parse("198.51.100.0/22", &own.of[1]));
	assert_true(http_network_parse("2001:db8::/33", &own.of[2]));
	assert_int_equal(peer("192.0.2.7", &own).size, 0);
	assert_int_equal(peer("192.0.2.6", &own).size, 4);
	assert_int_equal(peer("198.51.103.255", &own).size, 0);
	assert_int_equal(peer("198.51.104.0", &own).size, 4);
	assert_int_equal(peer("2001:db8:7fff::1", &own).size, 0);
	assert_int_equal(peer("2001:db8:8000::1", &own).size, 8);
	assert_int_equal(peer("127.0.0.1", &own).size, 4);
	assert_true(http_network_parse("0.0.0.0/0", &own.of[0]));
	assert_int_equal(peer("203.0.113.9", &own).size, 0);
	assert_int_equal(peer("2001:dead::1", &own).size, 8);
}

static void
what_is_no_network_is_not_taken_for_one(void **state)
{
	static const char *const faults[] = {"", "example.org", "1.2.3", "1.2.3.4/33",
	    "1.2.3.4/", "1.2.3.4/-1", "1.2.3.4/ 8", "1.2.3.4/8x", "::/129", "::g", "/8",
	    "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd:eeee:ffff:0000/8",
	    "1.2.3.4/99999999999999999999"};
	struct http_network network;

	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		if (http_network_parse(faults[i], &network))
			fail_msg("\"%s\" was taken", faults[i]);
	}
}

static struct http_rates *
open_rates(void)
{
	const struct dom_random random = dom_random_system();
	struct http_limits limits = http_limits_standard();
	struct http_rates *rates;

	limits.of[HTTP_LIMIT_REQUEST_ADDRESS_BURST] = 5;
	limits.of[HTTP_LIMIT_REQUEST_ADDRESS_PER_SECOND] = 10;
	limits.of[HTTP_LIMIT_SIGNUP_ADDRESS_BURST] = 2;
	limits.of[HTTP_LIMIT_SIGNUP_ADDRESS_PER_HOUR] = 6;
	limits.of[HTTP_LIMIT_CHALLENGE_ADDRESS_BURST] = 3;
	limits.of[HTTP_LIMIT_CHALLENGE_ADDRESS_PER_HOUR] = 3600;
	rates = http_rates_new(&limits, &random);
	assert_non_null(rates);
	return rates;
}

static void
requests_over_the_burst_wait_for_their_rate(void **state)
{
	struct http_rates *rates = open_rates();
	struct http_peer here = peer("192.0.2.1", &nobody), there = peer("192.0.2.2", &nobody);
	int64_t now_us = 1000000;

	(void)state;
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(http_rates_request(rates, &here, now_us), 0);
	assert_int_equal(http_rates_request(rates, &here, now_us), 100000);
	assert_int_equal(http_rates_request(rates, &there, now_us), 0);
	now_us += 99999;
	assert_int_equal(http_rates_request(rates, &here, now_us), 1);
	now_us += 1;
	assert_int_equal(http_rates_request(rates, &here, now_us), 0);
	assert_int_equal(http_rates_request(rates, &here, now_us), 100000);
	now_us += 3600000000;
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(http_rates_request(rates, &here, now_us), 0);
	assert_int_not_equal(http_rates_request(rates, &here, now_us), 0);
	http_rates_free(&rates);
}

static void
sign_ups_and_challenges_are_counted_apart(void **state)
{
	struct http_rates *rates = open_rates();
	struct http_peer here = peer("2001:db8::1", &nobody);
	int64_t now_us = 1000000;

	(void)state;
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(http_rates_operation(rates, &here, SERVICE_SIGNUP, now_us), 0);
	assert_int_equal(
	    http_rates_operation(rates, &here, SERVICE_SIGNUP, now_us), 600 * 1000000);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(
		    http_rates_operation(rates, &here, SERVICE_LOGIN_CHALLENGE, now_us), 0);
	assert_int_equal(
	    http_rates_operation(rates, &here, SERVICE_LOGIN_CHALLENGE, now_us), 1000000);
	/* It says something about a name, too. */
	assert_int_equal(
	    http_rates_operation(rates, &here, SERVICE_MOVE_ROOM, now_us), 1000000);
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(
		    http_rates_operation(rates, &here, SERVICE_COLLECTION_LIST, now_us), 0);
	assert_int_equal(http_rates_request(rates, &here, now_us), 0);
	http_rates_free(&rates);
}

static void
nobody_in_particular_is_not_counted(void **state)
{
	struct http_rates *rates = open_rates();
	const struct http_peer no = {.size = 0};

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		assert_int_equal(http_rates_request(rates, &no, 1), 0);
		assert_int_equal(http_rates_operation(rates, &no, SERVICE_SIGNUP, 1), 0);
		assert_int_equal(http_rates_request(NULL, &no, 1), 0);
	}
	http_rates_free(&rates);
}

/*
 * A million networks: nobody who has none of them is refused for it, and who
 * has used up sign-ups stays out.  That memory is bounded follows from the
 * table, which never grows.
 */
static void
a_flood_of_networks_closes_nobody_out_and_lets_nobody_in(void **state)
{
	struct http_rates *rates = open_rates();
	struct http_peer here = peer("192.0.2.1", &nobody), other = peer("192.0.2.2", &nobody);
	struct http_peer many = {.size = HTTP_PEER_SIZE};
	int64_t now_us = 1000000;

	(void)state;
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(http_rates_operation(rates, &here, SERVICE_SIGNUP, now_us), 0);
	for (uint32_t i = 0; i < 1000000; i++) {
		memcpy(many.bytes, &i, sizeof(i));
		assert_int_equal(http_rates_request(rates, &many, now_us), 0);
		now_us += 10;
	}
	assert_int_not_equal(http_rates_operation(rates, &here, SERVICE_SIGNUP, now_us), 0);
	assert_int_equal(http_rates_operation(rates, &other, SERVICE_SIGNUP, now_us), 0);
	assert_int_equal(http_rates_request(rates, &here, now_us), 0);
	http_rates_free(&rates);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_client_of_ipv6_is_its_network),
	    cmocka_unit_test(a_unix_socket_is_nobody_in_particular),
	    cmocka_unit_test(trusted_networks_are_not_counted),
	    cmocka_unit_test(what_is_no_network_is_not_taken_for_one),
	    cmocka_unit_test(requests_over_the_burst_wait_for_their_rate),
	    cmocka_unit_test(sign_ups_and_challenges_are_counted_apart),
	    cmocka_unit_test(nobody_in_particular_is_not_counted),
	    cmocka_unit_test(a_flood_of_networks_closes_nobody_out_and_lets_nobody_in),
	};

	if (dom_crypto_start() != DOM_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
