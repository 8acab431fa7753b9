/* Inside set-up: its state, and the steps that the sequence walks along. */
#ifndef SERVER_SETUP_SETUP_PRIVATE_H
#define SERVER_SETUP_SETUP_PRIVATE_H

#include "server/setup/setup.h"

#include "amt/soap.h"
#include "amt/wsman.h"
#include "amt/xml.h"

#define SETUP_BODY	16384	/* bytes of a request */
#define SETUP_HANDLE	128	/* bytes of an InstanceID */
#define SETUP_ENUMERATION	256
#define SETUP_FIELDS	(XML_MAX_FIELDS + 2)	/* of a request */

struct setup {
	struct uuid uuid;
	struct setup_login logins[SETUP_LOGINS];	/* SECRET */
	size_t n_logins;
	int login;			/* in use; -1: the machine has not asked for one */
	size_t step;
	bool by_certificate, wants_otp;
	bool planned, commit_noted, committed, failed;
	bool commit_lost;	/* it was sent, and no answer came */
	bool reopened;		/* the connection is one that was made after the commit */
	bool pausing;		/* the step is tried again after a while */
	unsigned tries;		/* of a step that is */
	bool certify_answered;
	bool login_unclear;	/* one was neither taken nor clearly refused */
	bool reading_back;	/* the accounts to try are those after the commit */
	bool confirming;	/* it was read back, and is asked again over a new connection */
	enum setup_account account;
	bool soap_answered;	/* so that it does speak SOAP */
	struct fault no_wsman;	/* why SOAP is tried */
	bool told_secret; /* the machine was sent secrets: its own words stay out of logs */
	struct setup_target target;		/* SECRET */
	struct setup_facts facts;
	unsigned notes;
	unsigned message_id;
	char realm[128];
	char hours[8];
	struct xml_answer *settings;	/* AMT_GeneralSettings as the machine has it */
	char digest[32];		/* SECRET: what SetAdminAclEntryEx is given */
	char ta0[16], tm1[16], tm2[16];
	uint32_t device_time;
	int64_t device_time_heard;
	/* TLS of its own: the pair that it made, its certificate, and what the two are called. */
	char key_handle[SETUP_HANDLE + 1], certificate_handle[SETUP_HANDLE + 1];
	char enumeration[SETUP_ENUMERATION + 1];	/* EnumerationContext */
	bool has_context;	/* it has an AMT_TLSCredentialContext */
	uint8_t key[SETUP_KEY];
	size_t key_size;
	char certificate[SETUP_CERTIFICATE + 1];
	char action[160];		/* SOAPAction */
	char body[SETUP_BODY];		/* SECRET */
	struct fault fault;
};

/*
 * A step: one request in either dialect. FIELDS fills the request's fields (at most
 * SETUP_FIELDS) and returns their number, TAKE takes what it needs from the answer, and the
 * answer itself by setting *a to NULL; both report by setting s->fault.
 */
struct setup_step {
	const char *name;		/* "could not NAME" */
	struct wsman_request wsman;	/* class_name NULL: not in this dialect */
	struct soap_request soap;	/* call NULL: not in this dialect */
	bool (*wanted)(const struct setup *s);	/* NULL: always */
	size_t (*fields)(struct setup *s, struct wsman_field *f, int64_t now);
	int (*take)(struct setup *s, struct xml_answer **a);
	unsigned note;			/* the machine may refuse: enum setup_note; 0: it may not */
	unsigned unclear;		/* the same where it says neither yes nor no; 0: as NOTE */
	bool optional;			/* the machine may refuse, and nothing is said of that */
	bool repeats;			/* it may not be ready: tried again after a pause */
	bool certifies;			/* comes once there is a certificate */
	bool secret;			/* FIELDS puts secrets in */
	bool planned;			/* comes once the plan is durable */
	bool waits;			/* only where the machine is to wait, as nothing else is */
	bool commits;			/* comes once it is durable that it is sent */
	bool changes;			/* the machine: must not be sent twice */
	bool logs_in;			/* with the new account, as if for the first time */
};

extern const struct setup_step setup_steps[];
extern const size_t setup_n_steps;

#endif
