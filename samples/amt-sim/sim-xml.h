/* The XML of both protocols: requests taken apart, answers put together, on libxml2. */
#ifndef SAMPLES_AMT_SIM_SIM_XML_H
#define SAMPLES_AMT_SIM_SIM_XML_H

#include <libxml/tree.h>
#include <libxml/xmlwriter.h>
#include <stdbool.h>
#include <stddef.h>

#define SIM_XML_SOAP11 "http://schemas.xmlsoap.org/soap/envelope/"
#define SIM_XML_SOAP12 "http://www.w3.org/2003/05/soap-envelope"

/*
 * A request: an envelope of NAMESPACE with a body of at most one element. Texts are SECRET as a
 * whole: requests carry passwords.
 */
struct sim_xml_request {
	xmlDoc *doc;
	const xmlNode *header;	/* NULL when there is none */
	const xmlNode *call;	/* the element in the body; NULL for an empty body */
};

/*
 * Parse SIZE bytes. No document type, no entities, no network. Returns 0 or
 * KIT_ERR_FORMAT (not XML, or not such an envelope). End with sim_xml_request_clear() in either
 * case.
 */
int sim_xml_request_parse(struct sim_xml_request *q, const char *data, size_t size,
			  const char *name_space);
/* Wipes the texts and frees. */
void sim_xml_request_clear(struct sim_xml_request *q);

/* The first child element of PARENT (may be NULL) with this local name, or NULL. */
const xmlNode *sim_xml_child(const xmlNode *parent, const char *name);
/* Is NODE (may be NULL) the element NAME of NAMESPACE? */
bool sim_xml_is(const xmlNode *node, const char *name, const char *name_space);
/* The text of NODE: "" when it is empty, NULL when it is NULL or holds more than plain text. */
const char *sim_xml_text(const xmlNode *node);
/* Shorthand: the text of the child NAME. */
const char *sim_xml_child_text(const xmlNode *parent, const char *name);

/* An answer being written. No element is ever written as <x/>: not every client can read it. */
struct sim_xml_answer {
	xmlBuffer *buffer;
	xmlTextWriter *writer;
};

/* Returns 0 or KIT_ERR_NOMEM. End with sim_xml_answer_clear(). */
int sim_xml_answer_begin(struct sim_xml_answer *a);
void sim_xml_open(struct sim_xml_answer *a, const char *name);
void sim_xml_attribute(struct sim_xml_answer *a, const char *name, const char *value);
void sim_xml_close(struct sim_xml_answer *a);
/* <NAME>VALUE</NAME>, escaped. */
void sim_xml_element(struct sim_xml_answer *a, const char *name, const char *value);
void sim_xml_number(struct sim_xml_answer *a, const char *name, unsigned long value);
/* Close what is open. The text stays the answer's. */
const char *sim_xml_answer_end(struct sim_xml_answer *a, size_t *size);
void sim_xml_answer_clear(struct sim_xml_answer *a);

#endif
