/* Fuzz a machine's answers, of WS-Management and of SOAP: bare, and in the middle of set-up. */
#include <stdlib.h>
#include <string.h>

#include "server/setup/setup.h"
#include "amt/xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_alone(const uint8_t *data, size_t size)
{
	struct fault fault = { .code = 0 };
	struct xml_answer *a = NULL;
	const char *reason = NULL;
	uint32_t number;

	if (xml_answer_read(&a, data, size, &fault)) {
		if (a || !*fault.what)
			abort();
		return;
	}
	if (xml_answer_count(a) > XML_MAX_FIELDS)
		abort();
	for (size_t i = 0; i < xml_answer_count(a); i++) {
		if (strlen(xml_answer_value_at(a, i)) > XML_MAX_VALUE)
			abort();
		xml_answer_number(a, xml_answer_name_at(a, i), &number);
	}
	if (xml_answer_is_fault(a, &reason) && !reason)
		abort();
	xml_answer_free(&a);
}

/* The first byte is the status; then the same answer to every question, until it ends. */
static void run_setup(const uint8_t *data, size_t size)
{
	static const long statuses[] = { 200, 400, 401, 404, 500, 0 };
	struct setup_login login = { "admin", "P@ssw0rd" };
	struct setup_target target = { .admin = login, .host = "pc", .domain = "example.com",
				   .set_clock = true };
	struct amt_reply reply = { .body = (const char *)data + 1, .size = size - 1 };
	struct amt_request request;
	struct fault fault = { .code = 0 };
	struct uuid uuid = { { 1 } };
	struct setup *s = NULL;

	if (setup_new(&s, &uuid, &login, 1, &fault))
		return;
	for (int i = 0; i < 60; i++) {
		enum setup_action a = setup_next(s, 1700000000, &request);

		if (a == SETUP_DONE || a == SETUP_FAILED)
			break;
		if (a == SETUP_COMMIT) {
			setup_commit(s);
			continue;
		}
		if (a == SETUP_PLAN) {
			setup_plan(s, &target);
			continue;
		}
		if (i == 59)
			abort();
		reply.status = i == 0 ? statuses[data[0] % 6] : 200;
		reply.login = data[0] & 0x80 ? AMT_LOGIN_REFUSED : AMT_LOGIN_ASKED;
		setup_answer(s, &reply, 1700000000);
	}
	setup_free(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	read_alone(data + 1, size - 1);
	run_setup(data, size);
	return 0;
}
