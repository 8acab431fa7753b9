/* HTTP responses, sound ones and those that a client has to survive. */
#include "samples/amt-sim/sim-reply.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK	16384

/* An answer that is given out piece by piece. */
struct piecemeal {
	enum sim_habits_answer how;
	struct MHD_Connection *connection;
	struct sim_delay *delay;
	bool hung;
	size_t size;
	char text[];
};

static ssize_t give(void *context, uint64_t at, char *out, size_t room)
{
	struct piecemeal *p = context;
	size_t n, end = p->how == SIM_ANSWER_BIG ? p->size : p->size / 2;

	if (at < end) {
		n = end - (size_t)at < room ? end - (size_t)at : room;
		memcpy(out, p->text + at, n);
		return (ssize_t)n;
	}
	if (p->how == SIM_ANSWER_BIG) {
		/* Blanks after the last element: sound XML, were it not for its size. */
		memset(out, ' ', room);
		return (ssize_t)room;
	}
	if (p->how == SIM_ANSWER_HANG && !p->hung) {
		p->hung = true;
		if (sim_delay_forever(p->delay, p->connection) == 0)
			return 0;
	}
	return MHD_CONTENT_READER_END_WITH_ERROR;
}

static struct MHD_Response *make_piecemeal(enum sim_habits_answer how, uint64_t bytes,
					   const char *text, size_t size,
					   struct MHD_Connection *connection,
					   struct sim_delay *delay)
{
	struct piecemeal *p = malloc(sizeof(*p) + size);
	struct MHD_Response *r;

	if (!p)
		return NULL;
	p->how = how;
	p->connection = connection;
	p->delay = delay;
	p->hung = false;
	p->size = size;
	memcpy(p->text, text, size);
	r = MHD_create_response_from_callback(how == SIM_ANSWER_BIG && bytes > size ? bytes : size,
					      BLOCK, give, p, free);
	if (!r)
		free(p);
	return r;
}

struct MHD_Response *sim_reply_make(enum sim_habits_answer how, uint64_t bytes, const char *text,
				    size_t size, struct MHD_Connection *connection,
				    struct sim_delay *delay)
{
	static const char garbage[] = "<a:Envelope><a:Body>\x01\xff & <not closed";
	static const char entities[] =
		"<?xml version=\"1.0\"?><!DOCTYPE x ["
		"<!ENTITY a \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\">"
		"<!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\">"
		"<!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;\">"
		"<!ENTITY d \"&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;\">"
		"<!ENTITY e \"&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;\">"
		"<!ENTITY f \"&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;\">"
		"<!ENTITY outside SYSTEM \"file:///etc/passwd\">]>"
		"<a:Envelope xmlns:a=\"http://www.w3.org/2003/05/soap-envelope\"><a:Body>"
		"<g:AMT_GeneralSettings xmlns:g=\"http://intel.com/wbem/wscim/1/amt-schema/1/"
		"AMT_GeneralSettings\"><g:DigestRealm>&f;&outside;</g:DigestRealm>"
		"</g:AMT_GeneralSettings></a:Body></a:Envelope>";

	switch (how) {
	case SIM_ANSWER_DROP: return NULL;
	case SIM_ANSWER_HANG:
	case SIM_ANSWER_TRUNCATED:
	case SIM_ANSWER_BIG: return make_piecemeal(how, bytes, text, size, connection, delay);
	case SIM_ANSWER_GARBAGE:
		text = garbage;
		size = sizeof(garbage) - 1;
		break;
	case SIM_ANSWER_ENTITIES:
		text = entities;
		size = sizeof(entities) - 1;
		break;
	default:
		break;
	}
	return MHD_create_response_from_buffer(size, (void *)text, MHD_RESPMEM_MUST_COPY);
}
