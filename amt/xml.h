/* XML written with escapes and read with limits: the envelope of SOAP 1.1 and 1.2. */
#ifndef AMT_XML_H
#define AMT_XML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/error.h"

/* Append TEXT as it stands: markup. */
void xml_markup(struct writer *w, const char *text);

/*
 * Append TEXT with & < > " escaped. A control character other than tab, and what is not
 * UTF-8, sets w->error to KIT_ERR_FORMAT.
 */
void xml_text(struct writer *w, const char *text);

/* Append <PREFIX:NAME>TEXT</PREFIX:NAME>; PREFIX "" for none. */
void xml_element(struct writer *w, const char *prefix, const char *name, const char *text);

/* Limits on an answer, besides its bytes, which whoever receives it limits. */
#define XML_MAX_DEPTH	24	/* elements in each other */
#define XML_MAX_NODES	4000	/* elements in all */
#define XML_MAX_FIELDS	64	/* fields kept of a body; more are refused */
#define XML_MAX_VALUE	2048	/* bytes of a field's value; a longer one is refused */
#define XML_MAX_NESTED	128	/* values inside fields; more are left out */
#define XML_MAX_PATH	200	/* bytes of the path of one; a longer one is left out */

/* A SOAP answer, taken apart: the first element of its body, and the fields in that. */
struct xml_answer;

/*
 * Read the SOAP envelope (1.1 or 1.2) of N bytes at DATA. Refused: a document type (and so
 * every entity of its own), more than the limits above, anything that is not an envelope.
 * Nothing is fetched from anywhere.
 *
 * Returns 0 with *out set (free it with xml_answer_free()), KIT_ERR_PROTOCOL with *fault set,
 * or KIT_ERR_NOMEM.
 */
int xml_answer_read(struct xml_answer **out, const void *data, size_t n, struct fault *fault);

/* *a may be NULL. */
void xml_answer_free(struct xml_answer **a);

/* Local name of the body's first element ("CommitChanges_OUTPUT"), "" when the body is empty. */
const char *xml_answer_name(const struct xml_answer *a);

/* Value of the field NAME (local name; the first of that name), or NULL. */
const char *xml_answer_value(const struct xml_answer *a, const char *name);

/* The fields in their order: 0 <= i < count. */
size_t xml_answer_count(const struct xml_answer *a);
const char *xml_answer_name_at(const struct xml_answer *a, size_t i);
const char *xml_answer_value_at(const struct xml_answer *a, size_t i);

/*
 * The value of the Ith element (from 0) at PATH inside a field, or NULL: the local names from the
 * field on, as in "KeyPair/ReferenceParameters/SelectorSet/Selector".
 */
const char *xml_answer_nested(const struct xml_answer *a, const char *path, size_t i);

/* Has a field an element whose path begins with PATH and a slash? */
bool xml_answer_has(const struct xml_answer *a, const char *path);

/* The field NAME as a decimal number. KIT_ERR_NOT_FOUND, KIT_ERR_FORMAT. */
int xml_answer_number(const struct xml_answer *a, const char *name, uint32_t *out);

/* Is it a SOAP fault? *reason (may be NULL) gets its text, printable, never NULL, then. */
bool xml_answer_is_fault(const struct xml_answer *a, const char **reason);

/*
 * The word that classifies a fault ("AccessDenied", "Sender"): letters only, short, and with
 * a small one among them, so that no key and no password of a kind that is in use can pass for it.
 * "" when there is none. The reason, which may be any text, is not for logs once the machine
 * was sent a secret: it could repeat it.
 */
const char *xml_answer_fault_code(const struct xml_answer *a);

#endif
